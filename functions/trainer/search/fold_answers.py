"""What models that had not seen them answer about the training rows, fold by fold: for a first version in doubt."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.split import CONTENT, OCCURRENCE
from trainer.rows import join_predictions
from trainer.search.folds import make_folds

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Part, Predictions
    from trainer.table import PreparedTable

MAX_ROWS = 20_000  # beyond them the holdout says enough


def answer_unseen(
    table: PreparedTable, fit: Callable[[Part], Estimator], deadline: float
) -> tuple[Part, Predictions] | None:
    """Return the rows that are not held out, and what is predicted of them by models fitted on other folds.

    None where folds would not be independent (rows ordered in time, groups), where rows or labels are too few or too
    many, or when the deadline comes first.
    """
    rows = table.fitting_rows
    if table.facts.split.kind not in {CONTENT, OCCURRENCE} or rows.rows > MAX_ROWS:
        return None
    order, parts = [], []
    for fold in make_folds(table, rows.rows):
        if time.monotonic() >= deadline:
            return None
        order.append(fold.held)
        parts.append(fit(rows.take(fold.rest)).predict(rows.take(fold.held)))
    if not parts:
        return None
    asked = rows.take(np.concatenate(order))
    return asked, replace(join_predictions(parts), contents=asked.contents)
