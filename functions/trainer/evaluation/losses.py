"""Losses of single rows, of which the gate's metrics are the mean (RMSE: the square root of the mean)."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from modelloop.spec import deviance

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.rows import Predictions

    type Losses = NDArray[np.float64]

MIN_PROBABILITY = float(np.finfo(np.float64).eps)
POISSON, GAMMA = 1.0, 2.0


def row_losses(metric: str, predictions: Predictions) -> Losses:
    """Return the loss of every row under log loss or a loss of `modelloop.spec.deviance`; lower is better."""
    if metric == "log_loss":
        return _log_loss(predictions)
    if metric == deviance.MAE:
        return np.abs(predictions.target - predictions.predicted)
    level, power = deviance.quantile(metric), deviance.power(metric)
    if level is not None:
        return _pinball(predictions, level)
    if power is None:
        raise ValueError(f"{metric} is no mean of row losses")
    return np.square(predictions.target - predictions.predicted) if power == 0 else _tweedie(predictions, power)


def is_defined(metric: str, target: Losses) -> bool:
    """Return whether a loss is defined on every one of some targets."""
    return not _outside(metric, target).any()


def check_domain(metric: str, target: Losses, name: str) -> None:
    """Raise DatasetRejectedError, naming the target column, when a loss is not defined on every target."""
    outside = int(_outside(metric, target).sum())
    if outside:
        raise DatasetRejectedError(
            f"{outside:,} of {len(target):,} rows have a target {name!r} that is not {deviance.floor(metric)}, as "
            f"{metric.replace('_', ' ')} needs it: correct these rows, or choose another loss under `params`",
            field=name,
        )


def _outside(metric: str, target: Losses) -> NDArray[np.bool_]:
    floor = deviance.floor(metric)
    if floor is None:
        return np.zeros(len(target), np.bool_)
    return target < 0 if floor == "zero or more" else target <= 0


def _log_loss(predictions: Predictions) -> Losses:
    if predictions.proba is None:
        raise TypeError("log loss needs probabilities")
    own = predictions.proba[np.arange(predictions.rows), predictions.target.astype(np.intp)]
    return -np.log(np.clip(own, MIN_PROBABILITY, 1.0))


def _pinball(predictions: Predictions, level: float) -> Losses:
    """Return `level` times what a prediction is too low by, or 1 - `level` times what it is too high by."""
    short = predictions.target - predictions.predicted
    return np.maximum(level * short, (level - 1.0) * short)


def _tweedie(predictions: Predictions, power: float) -> Losses:
    """Return unit deviances d(y, m): Jørgensen, "The Theory of Dispersion Models" (1997), ch. 4; m is kept above zero.

    Poisson: 2 (y log(y / m) - y + m), where y log y is 0 at y = 0. Gamma: 2 (log(m / y) + y / m - 1). Other powers p:
    2 (y^(2-p) / ((1-p) (2-p)) - y m^(1-p) / (1-p) + m^(2-p) / (2-p)), of y below zero (p < 0) without its first term.
    """
    target, mean = predictions.target, np.maximum(predictions.predicted, MIN_PROBABILITY)
    if power == POISSON:
        logs = np.log(np.maximum(target, MIN_PROBABILITY) / mean)
        return 2.0 * (np.where(target > 0, target * logs, 0.0) - target + mean)
    if power == GAMMA:
        return 2.0 * (np.log(mean / target) + target / mean - 1.0)
    first, second = 1.0 - power, 2.0 - power
    above = np.maximum(target, 0.0) ** second / (first * second)
    return 2.0 * (above - target * mean**first / first + mean**second / second)
