"""Curves for the report: few enough points to read, enough to see the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.evaluation import Curves, RankingCurve, Residuals
from trainer.rows import subsample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.versions.prepared_table import Label
    from trainer.rows import Predictions

POINTS = 100
MAX_CLASSES = 8
SCATTERED = 500
BINARY = 2
HISTOGRAM_BINS = 24


def curves(predictions: Predictions, classes: Sequence[Label] | None, seed: int) -> Curves:
    """Return ROC and precision-recall curves by class, or for regression residuals and predictions against truth."""
    if classes is None or predictions.proba is None:
        return Curves(residuals=_residuals(predictions, seed))
    shown = [1] if len(classes) == BINARY else range(min(len(classes), MAX_CLASSES))
    drawn = [_ranking(classes[index], predictions.target == index, predictions.proba[:, index]) for index in shown]
    return Curves(tuple(curve for curve in drawn if curve is not None))


def _ranking(label: Label, positive: NDArray[np.bool_], score: NDArray[np.float64]) -> RankingCurve | None:
    """Return points at distinct scores from the strictest to the laxest; None when a class has no or all rows."""
    if positive.all() or not positive.any():
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[score[order][1:] != score[order][:-1], True])
    hits, counted = np.cumsum(positive[order])[ends], ends + 1
    recall, precision = hits / positive.sum(), hits / counted
    false_rate = (counted - hits) / (~positive).sum()
    kept = np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(np.intp))
    roc = np.column_stack([false_rate, recall])[kept].round(5)
    pr = np.column_stack([recall, precision])[kept].round(5)
    return RankingCurve(label, ((0.0, 0.0), *_points(roc)), _points(pr), float(positive.mean()))


def _residuals(predictions: Predictions, seed: int) -> Residuals:
    residual = predictions.target - predictions.predicted
    rows = subsample(predictions.rows, SCATTERED, seed)
    counts, edges = np.histogram(residual, bins=HISTOGRAM_BINS)
    points = np.column_stack([predictions.predicted, residual])[rows]
    return Residuals(_points(_rounded(points)), tuple(counts.tolist()), tuple(_rounded(edges).tolist()))


def _points(pairs: NDArray[np.float64]) -> tuple[tuple[float, float], ...]:
    return tuple((x, y) for x, y in pairs.tolist())


def _rounded(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return numbers with five significant digits, for a smaller page."""
    scale = np.power(10.0, 4 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300))))
    return np.where(values == 0, 0.0, np.round(values * scale) / scale)
