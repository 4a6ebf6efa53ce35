"""Repeated cross-validation, for the report of tables whose holdout is too small to say much."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn.model_selection import GroupKFold, RepeatedKFold, RepeatedStratifiedKFold, StratifiedGroupKFold

from modelloop.contracts.manifest_parts import CrossValidation
from modelloop.versions.gate import SMALL_SUCCESSOR
from trainer.evaluation.metrics import plain_metrics

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Part
    from trainer.table import PreparedTable

FOLDS, REPEATS = 5, 2


def cross_validate(
    table: PreparedTable, fit: Callable[[Part], Estimator], metric: str, deadline: float
) -> CrossValidation | None:
    """Return mean and standard deviation of every metric over the folds of all rows; None for larger holdouts.

    The gate's metric comes first. `fit` fits the chosen model anew on the rows of each fold; no fit begins after the
    deadline. The gate does not read this: rows that chose the parameters are among those that judge here.
    """
    if table.holdout.voters >= SMALL_SUCCESSOR or _rarest(table) < FOLDS:
        return None
    fits: list[dict[str, float]] = []
    for fitted, held in _folds(table):
        if time.monotonic() >= deadline:
            break
        predictions = fit(table.rows.take(fitted)).predict(table.rows.take(held))
        fits.append(plain_metrics(predictions, (metric,)))
    if len(fits) < FOLDS:
        return None
    return CrossValidation(FOLDS, len(fits), {name: _spread(fits, name) for name in fits[0]})


def _folds(table: PreparedTable) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Yield the positions of the rows to fit on and to judge by, fold by fold; copies of a row are in one fold."""
    rows, contents = table.rows, table.rows.contents
    if contents is None or not contents.copies:
        kind = RepeatedKFold if table.classes is None else RepeatedStratifiedKFold
        yield from kind(n_splits=FOLDS, n_repeats=REPEATS, random_state=table.seed).split(rows.matrix, rows.target)
        return
    grouped: Any = GroupKFold if table.classes is None else StratifiedGroupKFold
    for repeat in range(REPEATS):
        splitter = grouped(n_splits=FOLDS, shuffle=True, random_state=table.seed + repeat)
        yield from splitter.split(rows.matrix, rows.target, contents.codes)


def _spread(fits: list[dict[str, float]], name: str) -> dict[str, float | None]:
    values = np.array([metrics[name] for metrics in fits])
    values = values[np.isfinite(values)]
    if not len(values):
        return {"mean": None, "deviation": None}
    return {"mean": float(values.mean()), "deviation": float(values.std())}


def _rarest(table: PreparedTable) -> int:
    rows, contents = table.rows, table.rows.contents
    if contents is not None:
        rows = rows.take(contents.first())
    if table.classes is None:
        return rows.rows
    return int(np.bincount(rows.target.astype(np.intp), minlength=len(table.classes)).min())
