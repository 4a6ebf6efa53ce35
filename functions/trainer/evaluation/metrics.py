"""Metrics as functions of row weights, so that one pass over bootstrap weights gives every interval.

A statistic takes weights [replicates, rows] and returns one figure a replicate; weights of one give the plain metric.
A figure that a replicate does not define (a class it has not drawn) is NaN.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.evaluation.losses import row_losses

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from trainer.rows import Predictions

    type Floats = NDArray[np.float64]
    type Statistic = Callable[[Floats], Floats]

BINARY = 2


def statistics(predictions: Predictions, extra: tuple[str, ...] = ()) -> dict[str, Statistic]:
    """Return the metrics of the predictions' task by name; `extra` names losses to begin with, such as a deviance."""
    usual = _regression(predictions) if predictions.proba is None else _classification(predictions, predictions.proba)
    first = {name: usual.get(name) or _mean(row_losses(name, predictions)) for name in extra}
    return first | usual


def plain_metrics(predictions: Predictions, extra: tuple[str, ...] = ()) -> dict[str, float]:
    """Return the metrics of `statistics` with every vote weighing the same; NaN where one is not defined."""
    votes = predictions.votes[None, :]
    return {name: float(statistic(votes)[0]) for name, statistic in statistics(predictions, extra).items()}


def _classification(predictions: Predictions, proba: Floats) -> dict[str, Statistic]:
    target, predicted = predictions.target.astype(np.intp), predictions.predicted.astype(np.intp)
    truth = np.eye(proba.shape[1])[target]
    squares = np.square(proba - truth).sum(axis=1) / (2 if proba.shape[1] == BINARY else 1)
    return {
        "log_loss": _mean(row_losses("log_loss", predictions)),
        "accuracy": _mean((target == predicted).astype(np.float64)),
        "f1": _f1(target, predicted, proba.shape[1]),
        "roc_auc": _per_class(target, proba, _roc_auc),
        "pr_auc": _per_class(target, proba, _average_precision),
        "brier": _mean(squares),
    }


def _regression(predictions: Predictions) -> dict[str, Statistic]:
    squares = row_losses("rmse", predictions)
    mean_square = _mean(squares)
    return {
        "rmse": lambda weights: np.sqrt(mean_square(weights)),
        "mae": _mean(row_losses("mae", predictions)),
        "r2": _r2(predictions.target, mean_square),
    }


def _mean(values: Floats) -> Statistic:
    def mean(weights: Floats) -> Floats:
        return _ratio(weights @ values, weights.sum(axis=1))

    return mean


def _r2(target: Floats, mean_square: Statistic) -> Statistic:
    """Return R²; the variance is taken about one of the targets, to keep its digits."""
    target = target - np.quantile(target, 0.5, method="lower")

    def r2(weights: Floats) -> Floats:
        totals = weights.sum(axis=1)
        centre = _ratio(weights @ target, totals)
        spread = _ratio(weights @ np.square(target), totals) - np.square(centre)
        return 1.0 - _ratio(mean_square(weights), spread)

    return r2


def _f1(target: NDArray[np.intp], predicted: NDArray[np.intp], classes: int) -> Statistic:
    """Return F1 of class 1 for two classes, else the mean over classes."""
    chosen = [1] if classes == BINARY else range(classes)
    indicators = [(target == label, predicted == label) for label in chosen]

    def f1(weights: Floats) -> Floats:
        scores = [
            _ratio(2.0 * (weights @ (actual & guessed)), weights @ actual + weights @ guessed, empty=0.0)
            for actual, guessed in indicators
        ]
        return np.mean(scores, axis=0)

    return f1


def _per_class(
    target: NDArray[np.intp], proba: Floats, make: Callable[[NDArray[np.bool_], Floats], Statistic]
) -> Statistic:
    """Return `make` of class 1 against class 0 for two classes, else the mean of each class against the rest."""
    chosen = [1] if proba.shape[1] == BINARY else range(proba.shape[1])
    present = [label for label in chosen if 0 < (target == label).sum() < len(target)]
    parts = [make(target == label, proba[:, label]) for label in present]

    def mean(weights: Floats) -> Floats:
        if not parts:
            return np.full(len(weights), np.nan)
        return np.mean([part(weights) for part in parts], axis=0)

    return mean


def _roc_auc(positive: NDArray[np.bool_], score: Floats) -> Statistic:
    """Return the share of (positive, negative) pairs in the right order; a tie counts half."""
    order, starts = _groups(score)
    positive = positive[order]

    def auc(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        hits = np.add.reduceat(sorted_weights * positive, starts, axis=1)
        misses = np.add.reduceat(sorted_weights * ~positive, starts, axis=1)
        above = np.cumsum(hits, axis=1) - hits / 2
        return _ratio((misses * above).sum(axis=1), hits.sum(axis=1) * misses.sum(axis=1))

    return auc


def _average_precision(positive: NDArray[np.bool_], score: Floats) -> Statistic:
    """Return the precision averaged over the steps of recall, thresholds at the distinct scores."""
    order, starts = _groups(score)
    positive = positive[order]

    def average(weights: Floats) -> Floats:
        sorted_weights = weights[:, order]
        hits = np.add.reduceat(sorted_weights * positive, starts, axis=1)
        drawn = np.cumsum(np.add.reduceat(sorted_weights, starts, axis=1), axis=1)
        precision = _ratio(np.cumsum(hits, axis=1), drawn, empty=0.0)
        return _ratio((hits * precision).sum(axis=1), hits.sum(axis=1))

    return average


def _groups(score: Floats) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """Return rows by falling score, and where each run of equal scores begins."""
    order = np.argsort(-score, kind="stable")
    ranked = score[order]
    return order, np.flatnonzero(np.r_[True, ranked[1:] != ranked[:-1]])


def _ratio(top: Floats, bottom: Floats, empty: float = np.nan) -> Floats:
    ratio: Floats = np.divide(top, bottom, out=np.full(np.shape(top), empty), where=bottom > 0)
    return ratio
