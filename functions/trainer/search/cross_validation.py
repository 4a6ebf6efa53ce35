"""Repeated cross-validation, for the report of tables whose holdout is too small to say much."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.manifest_parts import CrossValidation
from modelloop.versions.gate import SMALL_SUCCESSOR
from trainer.evaluation.metrics import plain_metrics
from trainer.search.folds import FOLDS, make_folds

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Part
    from trainer.table import PreparedTable

REPEATS = 2


def cross_validate(
    table: PreparedTable, fit: Callable[[Part], Estimator], metric: str, deadline: float
) -> CrossValidation | None:
    """Return mean and standard deviation of every metric over the folds of all rows; None for larger holdouts.

    The gate's metric comes first. `fit` fits the chosen model anew on the rows of each fold; no fit begins after the
    deadline. The gate does not read this: rows that chose the parameters are among those that judge here.
    """
    if table.holdout.voters >= SMALL_SUCCESSOR:
        return None
    fits: list[dict[str, float]] = []
    for repeat in range(REPEATS):
        for fold in make_folds(table, table.rows.rows, repeat):
            if time.monotonic() >= deadline:
                break
            fitted = fit(table.rows.take(fold.rest))
            fits.append(plain_metrics(fitted.predict(table.rows.take(fold.held)), (metric,)))
    if len(fits) < FOLDS:
        return None
    return CrossValidation(FOLDS, len(fits), {name: _spread(fits, name) for name in fits[0]})


def _spread(fits: list[dict[str, float]], name: str) -> dict[str, float | None]:
    values = np.array([metrics[name] for metrics in fits])
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": None, "deviation": None}
    return {"mean": float(values.mean()), "deviation": float(values.std())}
