"""Columns that give the answer away: one feature alone, cut into bins, nearly determines the target."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Encoding

BINS = 64
SAMPLE = 50_000
SUSPICIOUS_ACCURACY = 0.995
SUSPICIOUS_FIT = 0.999
MIN_ROWS = 50


def warnings(encoding: Encoding, matrix: NDArray[np.float32], target: NDArray[Any], classes: int) -> list[str]:
    """Return a warning for each column that alone predicts the target almost perfectly."""
    return [
        f"column {name!r} alone predicts the target almost perfectly ({score:.1%}): does it hold the answer? "
        "If it is not known at prediction time, list it under `ignore` in model.yaml"
        for name, score in suspects(encoding, matrix, target, classes)
    ]


def suspects(
    encoding: Encoding, matrix: NDArray[np.float32], target: NDArray[Any], classes: int
) -> list[tuple[str, float]]:
    """Return the columns that alone predict the target almost perfectly, with their scores, best first.

    `matrix` is float32 [rows, slots], `target` holds class codes or numbers; `classes` is 0 for a regression. The score
    is the accuracy of the commonest class of each bin (classification) or R² of the mean of each bin (regression).
    """
    step = max(1, len(target) // SAMPLE)
    rows, labels = matrix[::step], target[::step]
    if len(labels) < MIN_ROWS:
        return []
    best: dict[str, float] = {}
    for place, slot in enumerate(encoding.slots):
        codes = _bins(np.asarray(rows[:, place], np.float64))
        score = _accuracy(codes, labels, classes) if classes else _r2(codes, labels)
        if score is not None:
            best[slot.column] = max(score, best.get(slot.column, 0.0))
    return sorted(best.items(), key=lambda pair: -pair[1])


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    present = values[~np.isnan(values)]
    distinct = np.unique(present)
    edges = distinct if len(distinct) <= BINS else np.unique(np.quantile(present, np.linspace(0, 1, BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, values, side="left")
    codes[np.isnan(values)] = len(edges) + 1
    return codes.astype(np.int64)


def _accuracy(codes: NDArray[np.int64], target: NDArray[Any], classes: int) -> float | None:
    table = np.bincount(codes * classes + target, minlength=(codes.max() + 1) * classes).reshape(-1, classes)
    score = float(table.max(axis=1).sum() / len(target))
    base = float(np.bincount(target).max() / len(target))
    return score if score >= SUSPICIOUS_ACCURACY and base < SUSPICIOUS_ACCURACY - 0.05 else None


def _r2(codes: NDArray[np.int64], target: NDArray[Any]) -> float | None:
    counts = np.maximum(np.bincount(codes), 1)
    means = np.bincount(codes, weights=target) / counts
    spread = float(((target - target.mean()) ** 2).sum())
    score = 1 - float(((target - means[codes]) ** 2).sum()) / spread if spread else 0.0
    return score if score >= SUSPICIOUS_FIT else None
