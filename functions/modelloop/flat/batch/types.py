"""Array types of the many-row engine."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]  # encoded vectors, [rows, slots], float32-representable
Scores = NDArray[np.float64]  # [rows, scores]
Leaves = NDArray[np.intp]  # [trees, rows], leaves numbered through all trees


def float32_floor(thresholds: NDArray[np.float64]) -> NDArray[np.float32]:
    """Round thresholds down to float32: for a float32 value, value <= threshold stays the same question."""
    with np.errstate(over="ignore"):
        rounded = thresholds.astype(np.float32)
    return np.where(rounded.astype(np.float64) > thresholds, np.nextafter(rounded, np.float32(-np.inf)), rounded)
