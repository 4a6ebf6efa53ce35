"""Losses of single rows, of which the gate's metrics are the mean (RMSE: the square root of the mean)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trainer.evaluation.outcome import Outcome

    type Losses = NDArray[np.float64]

SMALLEST = float(np.finfo(np.float64).eps)


def row_losses(metric: str, outcome: Outcome) -> Losses:
    """Return the loss of every row under a metric of the gate; lower is better."""
    return _LOSSES[metric](outcome)


def _log_loss(outcome: Outcome) -> Losses:
    proba = _proba(outcome)
    own = proba[np.arange(outcome.rows), outcome.target.astype(np.intp)]
    return -np.log(np.clip(own, SMALLEST, 1.0))


def _squared(outcome: Outcome) -> Losses:
    return np.square(outcome.target - outcome.predicted)


def _absolute(outcome: Outcome) -> Losses:
    return np.abs(outcome.target - outcome.predicted)


def _poisson(outcome: Outcome) -> Losses:
    """Return unit Poisson deviances, 2 (y log(y / m) - y + m); y log y is 0 at y = 0."""
    target, mean = outcome.target, np.maximum(outcome.predicted, SMALLEST)
    logs = np.where(target > 0, np.log(np.maximum(target, SMALLEST) / mean), 0.0)
    return 2.0 * (target * logs - target + mean)


def _gamma(outcome: Outcome) -> Losses:
    """Return unit gamma deviances, 2 (log(m / y) + y / m - 1); defined for targets above zero."""
    if (outcome.target <= 0).any():
        raise DatasetRejectedError("a gamma model needs a target that is above zero in every row", field="target")
    mean = np.maximum(outcome.predicted, SMALLEST)
    return 2.0 * (np.log(mean / outcome.target) + outcome.target / mean - 1.0)


def _proba(outcome: Outcome) -> NDArray[np.float64]:
    if outcome.proba is None:
        raise TypeError("log loss needs probabilities")
    return outcome.proba


_LOSSES: dict[str, Callable[[Outcome], Losses]] = {
    "log_loss": _log_loss,
    "rmse": _squared,
    "mae": _absolute,
    "poisson_deviance": _poisson,
    "gamma_deviance": _gamma,
}
