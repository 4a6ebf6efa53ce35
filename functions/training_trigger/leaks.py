"""Columns that give the answer away: one feature alone, cut into bins, all but determines the target."""

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
FEWEST = 50


def suspects(
    encoding: Encoding, matrix: NDArray[np.float32], target: NDArray[Any], classes: int
) -> list[tuple[str, float]]:
    """Return (column, score without anything else) of the columns that alone predict nearly all there is.

    The score is the accuracy of the commonest class a bin (classification) or R² of the mean a bin (regression).
    """
    step = max(1, len(target) // SAMPLE)
    rows, wanted = matrix[::step], target[::step]
    if len(wanted) < FEWEST:
        return []
    found = []
    for place, slot in enumerate(encoding.slots):
        codes = _bins(np.asarray(rows[:, place], np.float64))
        score = _accuracy(codes, wanted, classes) if classes else _fit(codes, wanted)
        if score is not None:
            found.append((slot.column, score))
    best: dict[str, float] = {}
    for column, score in found:
        best[column] = max(score, best.get(column, 0.0))
    return sorted(best.items(), key=lambda pair: -pair[1])


def _bins(values: NDArray[np.float64]) -> NDArray[np.int64]:
    known = values[~np.isnan(values)]
    distinct = np.unique(known)
    edges = distinct if len(distinct) <= BINS else np.unique(np.quantile(known, np.linspace(0, 1, BINS + 1)[1:-1]))
    codes = np.searchsorted(edges, values, side="left")
    codes[np.isnan(values)] = len(edges) + 1
    return codes.astype(np.int64)


def _accuracy(codes: NDArray[np.int64], target: NDArray[Any], classes: int) -> float | None:
    table = np.bincount(codes * classes + target, minlength=(codes.max() + 1) * classes).reshape(-1, classes)
    score = float(table.max(axis=1).sum() / len(target))
    base = float(np.bincount(target).max() / len(target))
    return score if score >= SUSPICIOUS_ACCURACY and base < SUSPICIOUS_ACCURACY - 0.05 else None


def _fit(codes: NDArray[np.int64], target: NDArray[Any]) -> float | None:
    counts = np.maximum(np.bincount(codes), 1)
    means = np.bincount(codes, weights=target) / counts
    spread = float(((target - target.mean()) ** 2).sum())
    score = 1 - float(((target - means[codes]) ** 2).sum()) / spread if spread else 0.0
    return score if score >= SUSPICIOUS_FIT else None
