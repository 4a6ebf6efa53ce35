"""What each family does to encoded vectors before its estimator sees them. All of it folds into the flat form.

Encoded vectors are float32 with NaN for missing in every slot; category slots hold codes from 0 to `codes` - 1. Codes
of value slots are replaced by what is learned of the target before anything else is done, and are numbers then.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Self

import numpy as np
from scipy import sparse
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from trainer.families.target_means import InnerFolds, TargetMeans

AT_ONCE = 1 << 16  # rows

type Matrix = NDArray[np.float32]


class Preparation(BaseEstimator):  # type: ignore[misc]
    """What all have in common: the deviations of value slots, None where there are none."""

    means: TargetMeans | None = None

    def fit_transform(
        self,
        matrix: Matrix,
        target: NDArray[Any],
        sample_weight: NDArray[np.float64] | None = None,
        folds: InnerFolds | None = None,
    ) -> Any:
        """Learn from the rows that an estimator is fitted on, and return what it sees of them.

        Of value slots that is what the other `folds` say; `transform` has the one table of all rows.
        """
        if self.means is not None:
            matrix = self.means.fit_transform(matrix, target, sample_weight, folds)
        return self.fit(matrix).prepare(matrix)

    def transform(self, matrix: Matrix) -> Any:
        """Return what an estimator sees of rows."""
        return self.prepare(matrix if self.means is None else self.means.transform(matrix))

    def fit(self, _matrix: Matrix) -> Self:
        """Learn nothing of a matrix without codes of values."""
        return self

    def prepare(self, matrix: Matrix) -> Any:
        """Return what an estimator sees of a matrix without codes of values."""
        return matrix


class Native(Preparation):
    """Nothing: the estimator takes missing values and category codes itself."""


class Filled(Preparation):
    """Fill values for estimators that take no missing ones, and a 0/1 flag for each slot that had any in training.

    Numbers get the median. A missing category gets a code of its own, one past the last.
    """

    def __init__(self, codes: Sequence[int]) -> None:
        self.codes = codes

    def fit(self, matrix: Matrix) -> Self:
        """Learn the fill values (float32, so that filling does not widen the matrix) and which slots to flag."""
        self.fill_ = np.array(
            [codes or _median(column) for codes, column in zip(self.codes, matrix.T, strict=True)], dtype=np.float32
        )
        self.flags_ = np.flatnonzero([np.isnan(column).any() for column in matrix.T])
        return self

    def prepare(self, matrix: Matrix) -> Matrix:
        """Return the filled slots followed by the flags."""
        slots = matrix.shape[1]
        filled = np.empty((len(matrix), slots + len(self.flags_)), np.float32)
        for rows in _chunks(len(matrix)):
            missing = np.isnan(matrix[rows])
            filled[rows, :slots] = np.where(missing, self.fill_, matrix[rows])
            filled[rows, slots:] = missing[:, self.flags_]
        return filled


class OneHot(Preparation):
    """Standardised numbers, missing flags and one-hot categories, for linear models; in float64 throughout.

    Columns of the result: every number slot (missing filled with the median, then centred and scaled), a flag for
    each number slot with missing values in training, and for each category slot one column a code plus one for
    missing. Sparse as soon as there are categories, unless `dense`.
    """

    def __init__(self, codes: Sequence[int], dense: bool = False) -> None:
        self.codes = codes
        self.dense = dense

    def fit(self, matrix: Matrix) -> Self:
        """Learn medians, means and scales of the number slots, and how often each slot is missing or has each code."""
        self.numbers_ = np.array([slot for slot, codes in enumerate(self.codes) if not codes], dtype=np.intp)
        self.categories_ = np.array([slot for slot, codes in enumerate(self.codes) if codes], dtype=np.intp)
        learnt = [_learn(matrix[:, slot].astype(np.float64)) for slot in self.numbers_]
        self.medians_, self.means_, scales, self.absent_ = np.array(learnt, np.float64).reshape(-1, 4).T.copy()
        self.scales_ = np.where(scales > 0.0, scales, 1.0)
        self.flags_ = np.flatnonzero(self.absent_)
        self.frequencies_ = [_frequencies(matrix[:, slot], self.codes[slot]) for slot in self.categories_]
        return self

    def prepare(self, matrix: Matrix) -> Any:
        """Return the design matrix: dense, or CSR when there are category slots and `dense` is not asked for."""
        if self.categories_.size and not self.dense:
            return self._sparse(matrix)
        whole = np.empty((len(matrix), self._width))
        for rows in _chunks(len(matrix)):
            part = self._design(matrix[rows])
            whole[rows] = part.toarray() if self.categories_.size else part
        return whole

    @property
    def _width(self) -> int:
        one_hot: int = sum(self.codes[slot] + 1 for slot in self.categories_)
        return len(self.numbers_) + len(self.flags_) + one_hot

    def _sparse(self, matrix: Matrix) -> Any:
        """Fill one CSR matrix part by part; pages of the arrays that are never written take no memory."""
        cells = len(matrix) * (len(self.numbers_) + len(self.flags_) + len(self.categories_))
        data, places, starts = np.empty(cells), np.empty(cells, np.int32), np.zeros(len(matrix) + 1, np.int32)
        end = 0
        for rows in _chunks(len(matrix)):
            part = self._design(matrix[rows])
            begin, end = end, end + part.nnz
            data[begin:end], places[begin:end] = part.data, part.indices
            starts[rows.start + 1 : rows.stop + 1] = part.indptr[1:] + begin
        return sparse.csr_array((data[:end], places[:end], starts), shape=(len(matrix), self._width))

    def _design(self, matrix: Matrix) -> Any:
        numbers, missing = self._filled(matrix)
        dense = np.hstack([(numbers - self.means_) / self.scales_, missing[:, self.flags_].astype(np.float64)])
        if not self.categories_.size:
            return dense
        one_hot = map(self._one_hot, self.categories_, matrix[:, self.categories_].T)
        return sparse.hstack([sparse.csr_array(dense), *one_hot], "csr")

    def _filled(self, matrix: Matrix) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
        """Return the number slots with missing ones filled, and which were missing."""
        numbers = matrix[:, self.numbers_].astype(np.float64)
        missing = np.isnan(numbers)
        return np.where(missing, self.medians_, numbers), missing

    def _one_hot(self, slot: int, column: NDArray[np.float32]) -> Any:
        width = self.codes[slot] + 1
        codes = np.where(np.isnan(column), width - 1, column).astype(np.int32)
        rows = np.arange(len(column) + 1, dtype=np.int32)
        return sparse.csr_array((np.ones(len(column)), codes, rows), shape=(len(column), width))


def _chunks(rows: int) -> Iterator[slice]:
    """Cut rows into parts: what is computed of all at once would need many times the memory of the result."""
    for start in range(0, rows, AT_ONCE):
        yield slice(start, min(start + AT_ONCE, rows))


def _learn(column: NDArray[np.float64]) -> tuple[float, float, float, float]:
    """Return median, then mean and deviation of the filled column, and the share that was missing."""
    missing = np.isnan(column)
    median = _median(column)
    filled = np.where(missing, median, column)
    return median, float(filled.mean()), float(filled.std()), float(missing.mean())


def _frequencies(column: NDArray[np.float32], codes: int) -> NDArray[np.float64]:
    """Return the share of each code, and last of missing."""
    counts = np.bincount(np.where(np.isnan(column), codes, column).astype(np.intp), minlength=codes + 1)
    return counts / max(1, len(column))


def _median(column: NDArray[Any]) -> float:
    present = column[~np.isnan(column)]
    return float(np.median(present)) if present.size else 0.0
