"""Leaves of large trees for many rows: all rows of a few trees step down together, and those that arrived drop out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.flat.batch.types import float32_floor
from modelloop.flat.paths import left_sizes

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat.batch.types import Leaves, Matrix
    from modelloop.flat.trees import Trees

_PAIRS = 16_384  # rows times trees in one go: they stay in the processor's cache
_STEPS = 3  # between two looks at who has arrived


class Levels:
    """The leaf finder for many rows and trees of any size that test numbers only.

    The vector is doubled, missing as plus and as minus infinity, so that it goes right or left as the node wants. A
    leaf is its own child.
    """

    def __init__(self, trees: Trees) -> None:
        slots = np.array(trees.feature, dtype=np.int32)
        nodes = np.arange(len(slots), dtype=np.int32)
        left_leaves = np.array(left_sizes(trees.feature), dtype=np.int32)
        self._is_leaf = slots < 0
        self._leaf = np.cumsum(self._is_leaf) - 1
        self._slot = np.where(self._is_leaf, 0, slots)
        self._slot[list(trees.missing_left)] += trees.slots + len(trees.flags)
        self._threshold = np.where(self._is_leaf, np.inf, float32_floor(np.array(trees.number))).astype(np.float32)
        self._child = np.empty(2 * len(slots), dtype=np.int32)
        self._child[0::2] = np.where(self._is_leaf, nodes, nodes + 1)
        self._child[1::2] = np.where(self._is_leaf, nodes, nodes + 2 * left_leaves)
        self._roots = np.cumsum([0, *(2 * size - 1 for size in trees.sizes[:-1])]).astype(np.int32)

    def leaves(self, matrix: Matrix) -> Leaves:
        """Return the leaf of every tree and row, shape [trees, rows]."""
        values = matrix.astype(np.float32)
        missing = np.isnan(values)
        right, left = (np.where(missing, stand_in, values) for stand_in in (np.float32(np.inf), np.float32(-np.inf)))
        values = np.hstack([right, left])
        leaves = np.empty((len(self._roots), len(values)), dtype=np.intp)
        for start in range(0, len(values), _PAIRS):
            part = values[start : start + _PAIRS]
            trees = max(1, _PAIRS // len(part))
            for first in range(0, len(self._roots), trees):
                roots = self._roots[first : first + trees]
                leaves[first : first + trees, start : start + _PAIRS] = self._descend(part, roots)
        return leaves

    def _descend(self, values: NDArray[np.float32], roots: NDArray[np.int32]) -> NDArray[Any]:
        flat, (rows, width) = values.ravel(), values.shape
        node = np.repeat(roots, rows)
        start = np.tile(np.arange(rows, dtype=np.int32) * width, len(roots))
        pair = np.arange(len(node), dtype=np.int32)
        arrived = np.empty(len(node), dtype=np.int32)
        while len(node):
            for _ in range(_STEPS):
                place = self._slot.take(node, mode="clip")  # every index is in range: "clip" is "do not check"
                place += start
                right = flat.take(place, mode="clip") > self._threshold.take(node, mode="clip")
                node = 2 * node + right
                node = self._child.take(node, mode="clip")
            at_leaf = self._is_leaf.take(node)
            arrived[pair[at_leaf]] = node[at_leaf]
            going = np.flatnonzero(~at_leaf)
            node, start, pair = node.take(going), start.take(going), pair.take(going)
        return self._leaf.take(arrived).reshape(len(roots), rows)
