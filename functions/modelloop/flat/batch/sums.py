"""From leaves to scores: added tree by tree, in the order in which the estimator adds them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat.batch.types import Leaves, Matrix, Scores
    from modelloop.flat.trees import Trees


class Finder(Protocol):
    """Finds the leaf of every tree and row."""

    def leaves(self, matrix: Matrix) -> Leaves:
        """Return leaves, shape [trees, rows]."""


class TreeBatch:
    """The many-row twin of `Trees`."""

    def __init__(self, trees: Trees, finder: Finder) -> None:
        self._finder = finder
        self._fill = None if trees.fill is None else np.array(trees.fill)
        self._flags = np.array(trees.flags, dtype=np.intp)
        self._base = trees.base
        self._divisor = trees.divisor
        payloads = np.array([number for slot, number in zip(trees.feature, trees.number, strict=True) if slot < 0])
        if trees.values is None:
            self._columns = [payloads]
        else:
            self._columns = list(np.array(trees.values)[payloads.astype(np.intp)].T.copy())

    def raw(self, matrix: Matrix) -> Scores:
        """Return scores, shape [rows, scores]."""
        leaves = self._finder.leaves(self._prepare(matrix))
        if len(self._columns) == len(self._base):
            parts = [(leaves, column) for column in self._columns]
        else:
            parts = [(trees, self._columns[0]) for trees in np.split(leaves, len(self._base))]
        sums = [_add(column, trees, base) for (trees, column), base in zip(parts, self._base, strict=True)]
        return np.column_stack(sums) / self._divisor

    def _prepare(self, matrix: Matrix) -> Matrix:
        if self._fill is None:
            return matrix
        missing = np.isnan(matrix)
        return np.hstack([np.where(missing, self._fill, matrix), missing[:, self._flags]])


def _add(column: NDArray[np.float64], leaves: Leaves, base: float) -> NDArray[Any]:
    """Add leaf values down the first axis: numpy adds whole rows there, one after the other."""
    total: NDArray[Any] = np.add.reduce(column.take(leaves), axis=0, initial=base)
    return total
