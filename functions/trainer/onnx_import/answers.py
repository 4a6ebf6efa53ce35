"""The cells that a brought model answers with, held to what they must be: numbers, and for classes probabilities."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import DatasetRejectedError
from trainer.evaluation import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.table import Part

SUM_SLACK = 1e-3
BINARY = 2


def read(part: Part, cells: NDArray[np.float64], classes: int, threshold: float | None) -> Outcome:
    """Return what [rows, columns] cells say of rows; `classes` is 0 for regression.

    Raises DatasetRejectedError for cells that are no numbers, no probabilities or too many.
    """
    wanted = classes or 1
    if cells.shape != (part.rows, wanted):
        what = f"probabilities for {classes} classes" if classes else "numbers where one is expected"
        raise DatasetRejectedError(f"the model gives {cells.size / max(part.rows, 1):g} {what} a row")
    lost = ~np.isfinite(cells).all(axis=1)
    if lost.any():
        gaps = np.isnan(part.matrix[lost]).any(axis=1).all()
        where = f"all of them with missing cells, which callers may send: {_FILL}" if gaps else "NaN or infinite"
        raise DatasetRejectedError(f"the model gives no number for {lost.sum():,} of {part.rows:,} rows, {where}")
    if not classes:
        return Outcome(part.target, cells[:, 0], None)
    if (cells < -SUM_SLACK).any() or (np.abs(cells.sum(axis=1) - 1.0) > SUM_SLACK).any():
        raise DatasetRejectedError("the outputs are no probabilities; add a softmax (or sigmoid) to the model")
    if threshold is not None and classes == BINARY:
        return Outcome(part.target, (cells[:, 1] >= threshold).astype(np.float64), cells)
    return Outcome(part.target, cells.argmax(axis=1).astype(np.float64), cells)


_FILL = "fill them inside of the model (an imputer, or Where(IsNaN(x), fill, x))"
