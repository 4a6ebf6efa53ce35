"""Whether a model's probabilities come true, and how far a regressor's truth is from its predictions."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.evaluation import AbsoluteErrors, Calibration, Reliability, ReliabilityBin
from modelloop.monitoring.drift.baseline import places, width
from modelloop.monitoring.summary import CONFIDENCE_BINS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Bins
    from trainer.rows import Predictions

BINS = 10
LEVELS = (0.5, 0.8, 0.9, 0.95, 0.99)


def calibration(predictions: Predictions) -> Calibration | None:
    """Return how often the predicted label was right by its probability; None for regression.

    Ten bins of equal width over the probability of the predicted label, [low, high), the last one closed; for two
    classes also the curve of class 1. `confidence` is what the estimate without labels reads.
    """
    proba = predictions.proba
    if proba is None:
        return None
    rows, labels = np.arange(predictions.rows), predictions.predicted.astype(np.intp)
    return Calibration(
        _reliability(proba[rows, labels], predictions.predicted == predictions.target),
        confidence_table(proba, predictions.target, predictions.predicted),
        _reliability(proba[:, 1], predictions.target == 1) if proba.shape[1] == 2 else None,  # noqa: PLR2004  classes
    )


def _reliability(score: NDArray[np.float64], happened: NDArray[np.bool_]) -> Reliability:
    place = np.minimum((score * BINS).astype(np.intp), BINS - 1)
    counts = np.bincount(place, minlength=BINS)
    means = np.bincount(place, score, BINS) / np.maximum(counts, 1)
    rates = np.bincount(place, happened.astype(np.float64), BINS) / np.maximum(counts, 1)
    bins = tuple(
        ReliabilityBin(k / BINS, (k + 1) / BINS, int(counts[k]), float(means[k]), float(rates[k]))
        for k in range(BINS)
        if counts[k]
    )
    return Reliability(bins, float((counts * np.abs(means - rates)).sum() / len(score)), len(score))


def confidence_table(
    proba: NDArray[np.float64], target: NDArray[np.float64], predicted: NDArray[np.float64] | None = None
) -> dict[str, list[int]]:
    """Return, by confidence bin, rows and how many were right: {"rows": [20 counts], "correct": [20 counts]}.

    `proba` is [rows, classes] of rows that the model was not fitted on, `target` their class indices; `predicted` are
    the labels that the model gives (a threshold moves them); None: the likeliest classes.
    """
    bins = np.minimum((proba.max(axis=1) * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
    labels = proba.argmax(axis=1) if predicted is None else predicted
    right = (labels == target).astype(np.int64)
    return {
        "rows": np.bincount(bins, minlength=CONFIDENCE_BINS).tolist(),
        "correct": np.bincount(bins[right == 1], minlength=CONFIDENCE_BINS).tolist(),
    }


def absolute_errors(predictions: Predictions, bins: Bins) -> AbsoluteErrors:
    """Return how large absolute errors are by bin of the prediction: what the estimate without labels reads.

    `predictions` are of rows that the model was not fitted on, `bins` those of its predictions in the baseline. Copies
    of a row count once.
    """
    once, size = predictions.counted_once(), width(bins)
    errors, where = np.abs(once.target - once.predicted), places(bins, once.predicted)
    errors, where = errors[where < size], where[where < size]
    rows = np.bincount(where, minlength=size)
    means = np.bincount(where, errors, size) / np.maximum(rows, 1)
    variances = np.bincount(where, (errors - means[where]) ** 2, size) / np.maximum(rows - 1, 1)
    return AbsoluteErrors(tuple(rows.tolist()), tuple(means.tolist()), tuple(np.sqrt(variances).tolist()))


def conformal_quantiles(scores: NDArray[np.float64], weights: NDArray[np.float64] | None = None) -> dict[str, float]:
    """Return, by level, what the score of a new row is at most in at least that share of cases: {"0.9": 1.23, …}.

    Split-conformal: the ceil((n + 1) level)-th smallest of n scores; levels that n rows cannot promise are left out.
    With weights, a new row is expected to weigh as much as the heaviest. After Lei et al., "Distribution-free
    predictive inference for regression" (2018), and Tibshirani et al., "Conformal prediction under covariate shift"
    (2019).
    """
    order = np.argsort(scores, kind="stable")
    rising = scores[order]
    if weights is None:
        ranks = {level: math.ceil((len(rising) + 1) * level) for level in LEVELS}
    else:
        mass = np.cumsum(weights[order]) / (weights.sum() + weights.max(initial=0.0))
        ranks = {level: int(np.searchsorted(mass, level)) + 1 for level in LEVELS}
    return {f"{level:g}": float(rising[rank - 1]) for level, rank in ranks.items() if rank <= len(rising)}
