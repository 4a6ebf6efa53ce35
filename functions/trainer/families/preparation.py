"""What each family does to encoded vectors before its estimator sees them. All of it folds into the flat form.

Encoded vectors are float32 with NaN for missing in every slot; category slots hold codes from 0 to `codes` - 1.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

type Matrix = NDArray[np.float32]


class Native(BaseEstimator):  # type: ignore[misc]
    """Nothing: the estimator takes missing values and category codes itself."""

    def fit(self, _matrix: Matrix) -> Self:
        """Learn nothing."""
        return self

    def transform(self, matrix: Matrix) -> Matrix:
        """Return the matrix as it is."""
        return matrix


class Filled(BaseEstimator):  # type: ignore[misc]
    """Fill values for estimators that take no missing ones, and a 0/1 flag for each slot that had any in training.

    Numbers get the median. A missing category gets a code of its own, one past the last.
    """

    def __init__(self, codes: Sequence[int]) -> None:
        self.codes = codes

    def fit(self, matrix: Matrix) -> Self:
        """Learn the fill values (float32, so that filling does not widen the matrix) and which slots to flag."""
        missing = np.isnan(matrix)
        self.fill_ = np.array(
            [codes or _median(column) for codes, column in zip(self.codes, matrix.T, strict=True)], dtype=np.float32
        )
        self.flags_ = np.flatnonzero(missing.any(axis=0))
        return self

    def transform(self, matrix: Matrix) -> Matrix:
        """Return the filled slots followed by the flags."""
        missing = np.isnan(matrix)
        filled = np.where(missing, self.fill_, matrix)
        return np.hstack([filled, missing[:, self.flags_].astype(np.float32)])


class OneHot(BaseEstimator):  # type: ignore[misc]
    """Standardised numbers, missing flags and one-hot categories, for linear models; in float64 throughout.

    Columns of the result: every number slot (missing filled with the median, then centred and scaled), a flag for
    each number slot with missing values in training, and for each category slot one column a code plus one for
    missing. Sparse as soon as there are categories, unless `dense`.
    """

    def __init__(self, codes: Sequence[int], dense: bool = False) -> None:
        self.codes = codes
        self.dense = dense

    def fit(self, matrix: Matrix) -> Self:
        """Learn medians, means and scales of the number slots."""
        self.numbers_ = np.array([slot for slot, codes in enumerate(self.codes) if not codes], dtype=np.intp)
        self.categories_ = np.array([slot for slot, codes in enumerate(self.codes) if codes], dtype=np.intp)
        numbers = matrix[:, self.numbers_].astype(np.float64)
        missing = np.isnan(numbers)
        self.medians_ = np.array([_median(column) for column in numbers.T])
        self.flags_ = np.flatnonzero(missing.any(axis=0))
        numbers = np.where(missing, self.medians_, numbers)
        self.means_ = numbers.mean(axis=0)
        scales = numbers.std(axis=0)
        self.scales_ = np.where(scales > 0.0, scales, 1.0)
        return self

    def transform(self, matrix: Matrix) -> Any:
        """Return the design matrix: dense, or CSR when there are category slots and `dense` is not asked for."""
        numbers = matrix[:, self.numbers_].astype(np.float64)
        missing = np.isnan(numbers)
        scaled = (np.where(missing, self.medians_, numbers) - self.means_) / self.scales_
        dense = np.hstack([scaled, missing[:, self.flags_].astype(np.float64)])
        if not self.categories_.size:
            return dense
        one_hot = map(self._one_hot, self.categories_, matrix[:, self.categories_].T)
        stacked = sparse.hstack([sparse.csr_array(dense), *one_hot], "csr")
        return stacked.toarray() if self.dense else stacked

    def _one_hot(self, slot: int, column: NDArray[np.float32]) -> Any:
        width = self.codes[slot] + 1
        codes = np.where(np.isnan(column), width - 1, column).astype(np.int32)
        rows = np.arange(len(column) + 1, dtype=np.int32)
        return sparse.csr_array((np.ones(len(column)), codes, rows), shape=(len(column), width))


def _median(column: NDArray[Any]) -> float:
    present = column[~np.isnan(column)]
    return float(np.median(present)) if present.size else 0.0
