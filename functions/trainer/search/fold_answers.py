"""What models that had not seen them answer about the training rows, fold by fold: for a first version in doubt."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GroupKFold, KFold, StratifiedGroupKFold, StratifiedKFold

from modelloop.tables.split import CONTENT, HOLDOUT, OCCURRENCE
from trainer.rows import Predictions
from trainer.search.estimation import estimate_alone

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from trainer.rows import Part
    from trainer.search.candidates import Candidate
    from trainer.table import PreparedTable

FOLDS = 5
MAX_ROWS = 20_000  # beyond them the holdout says enough


def answer_unseen(table: PreparedTable, candidate: Candidate, deadline: float) -> tuple[Part, Predictions] | None:
    """Return the rows that are not held out, and what fits of the candidate on other folds predict of them.

    None where folds would not be independent (rows ordered in time, groups), where rows or labels are too few or too
    many, or when the deadline comes first.
    """
    rows = table.rows.take(table.membership != HOLDOUT)
    if table.facts.split.kind not in {CONTENT, OCCURRENCE} or rows.rows > MAX_ROWS or _rarest(rows, table) < FOLDS:
        return None
    order, parts = [], []
    for fitted, held in _folds(rows, table):
        if time.monotonic() >= deadline:
            return None
        order.append(held)
        parts.append(estimate_alone(table, candidate, rows.take(fitted)).predict(rows.take(held)))
    proba = [part.proba for part in parts if part.proba is not None]
    asked = rows.take(np.concatenate(order))
    predicted = np.concatenate([part.predicted for part in parts])
    return asked, Predictions(asked.target, predicted, np.concatenate(proba) if proba else None, asked.contents)


def _folds(rows: Part, table: PreparedTable) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the positions of the rows to fit on and of those to answer; copies of a row are in one fold."""
    options: dict[str, Any] = {"n_splits": FOLDS, "shuffle": True, "random_state": table.seed}
    if rows.contents is None or not rows.contents.copies:
        plain: Any = KFold if table.classes is None else StratifiedKFold
        yield from plain(**options).split(rows.matrix, rows.target)
        return
    grouped: Any = GroupKFold if table.classes is None else StratifiedGroupKFold
    yield from grouped(**options).split(rows.matrix, rows.target, rows.contents.codes)


def _rarest(rows: Part, table: PreparedTable) -> int:
    """Return the votes of the rarest class, or of all rows of a regression."""
    single = rows if rows.contents is None else rows.take(rows.contents.first())
    if table.classes is None:
        return single.rows
    return int(np.bincount(single.target.astype(np.intp), minlength=len(table.classes)).min())
