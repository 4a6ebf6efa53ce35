"""Curves for the report: few enough points to read, enough to see the shape."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.evaluation.outcome import capped

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.evaluation.outcome import Outcome

POINTS = 100
MOST_CLASSES = 8
SCATTERED = 500
BINARY = 2
HISTOGRAM_BINS = 24


def curves(outcome: Outcome, classes: Sequence[Any] | None, seed: int) -> dict[str, Any]:
    """Return ROC and precision-recall curves by class, or for regression residuals and predictions against truth."""
    if classes is None or outcome.proba is None:
        return {"residuals": _residuals(outcome, seed)}
    shown = [1] if len(classes) == BINARY else range(min(len(classes), MOST_CLASSES))
    drawn = [_ranking(outcome.target == label, outcome.proba[:, label]) for label in shown]
    return {"ranking": [{"class": classes[label], **curve} for label, curve in zip(shown, drawn, strict=True) if curve]}


def _ranking(positive: NDArray[np.bool_], score: NDArray[np.float64]) -> dict[str, Any] | None:
    """Return points at distinct scores from the strictest to the laxest; None when a class has no or all rows."""
    if positive.all() or not positive.any():
        return None
    order = np.argsort(-score, kind="stable")
    ends = np.flatnonzero(np.r_[score[order][1:] != score[order][:-1], True])
    hits, said = np.cumsum(positive[order])[ends], ends + 1
    recall, precision = hits / positive.sum(), hits / said
    false_rate = (said - hits) / (~positive).sum()
    kept = np.unique(np.linspace(0, len(ends) - 1, POINTS).astype(np.intp))
    return {
        "roc": [[0.0, 0.0], *np.column_stack([false_rate, recall])[kept].round(5).tolist()],
        "pr": np.column_stack([recall, precision])[kept].round(5).tolist(),
        "rate": float(positive.mean()),
    }


def _residuals(outcome: Outcome, seed: int) -> dict[str, Any]:
    residual = outcome.target - outcome.predicted
    rows = capped(outcome.rows, SCATTERED, seed)
    counts, edges = np.histogram(residual, bins=HISTOGRAM_BINS)
    return {
        "points": _short(np.column_stack([outcome.predicted, residual])[rows]),
        "counts": counts.tolist(),
        "edges": _short(edges),
    }


def _short(values: NDArray[np.float64]) -> Any:
    """Return numbers with five significant digits, for a smaller page."""
    scale = np.power(10.0, 4 - np.floor(np.log10(np.maximum(np.abs(values), 1e-300))))
    return np.where(values == 0, 0.0, np.round(values * scale) / scale).tolist()
