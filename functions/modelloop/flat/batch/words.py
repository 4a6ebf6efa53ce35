"""Leaves of small trees for many rows: a machine word of leaves a tree, one gather a slot.

The same algorithm as `modelloop.flat.quick_scorer`, with rows of words in place of long integers.
"""

from __future__ import annotations

from collections import defaultdict
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.flat.batch.types import float32_floor
from modelloop.flat.quick_scorer import WORDS, code_unions, left_leaves

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat.batch.types import Leaves, Matrix
    from modelloop.flat.trees import Trees

    _Table = tuple[NDArray[np.float32] | None, NDArray[Any]]  # thresholds of numbers, what they rule out


_ROWS = 256  # a chunk: its words stay in the processor's cache


class Words:
    """The leaf finder for many rows and trees of at most 64 leaves."""

    def __init__(self, trees: Trees) -> None:
        bits = next(bits for bits, _ in WORDS if bits >= max(trees.sizes))
        self._word = np.dtype(f"uint{bits}")
        self._every = np.array([(1 << size) - 1 for size in trees.sizes], dtype=self._word)
        self._first = np.cumsum([0, *trees.sizes[:-1]])
        numbers, categories = _tests_by_slot(trees)
        self._tables = [(slot, *self._thresholds(trees, tests)) for slot, tests in sorted(numbers.items())]
        self._tables += [
            (slot, None, self._codes(trees, tests, trees.codes[slot])) for slot, tests in sorted(categories.items())
        ]

    def _thresholds(self, trees: Trees, tests: list[tuple[int, int, int]]) -> _Table:
        """Return thresholds and, by how many lie below a value, what each tree rules out; the last row is missing."""
        values = np.array([trees.number[at] for at, _, _ in tests])
        thresholds, places = np.unique(float32_floor(values), return_inverse=True)
        unions = np.zeros((len(thresholds) + 2, len(trees.sizes)), dtype=self._word)
        for place, (at, tree, left) in zip(places.tolist(), tests, strict=True):
            unions[place + 1, tree] |= self._word.type(left)
            if at not in trees.missing_left:
                unions[-1, tree] |= self._word.type(left)
        np.bitwise_or.accumulate(unions[:-1], axis=0, out=unions[:-1])
        return thresholds, unions

    def _codes(self, trees: Trees, tests: list[tuple[int, int, int]], codes: int) -> NDArray[Any]:
        """Return what each tree rules out by code; the last row is missing."""
        unions = np.zeros((codes + 1, len(trees.sizes)), dtype=self._word)
        for at, tree, left in tests:
            for code, gone in enumerate(code_unions([(trees.tests[at], left)], codes)):
                unions[code, tree] |= self._word.type(gone)
        return unions

    def leaves(self, matrix: Matrix) -> Leaves:
        """Return the leaf of every tree and row, shape [trees, rows]."""
        places = [_places(matrix[:, slot], thresholds, len(unions) - 1) for slot, thresholds, unions in self._tables]
        unions = [table[-1] for table in self._tables]
        leaves = np.empty((len(self._every), len(matrix)), dtype=np.intp)
        for start in range(0, len(matrix), _ROWS):
            rows = slice(start, start + _ROWS)
            leaves[:, rows] = self._exits([place[rows] for place in places], unions, len(leaves[0, rows])).T
        return leaves

    def _exits(self, places: list[NDArray[np.intp]], unions: list[NDArray[Any]], rows: int) -> NDArray[np.intp]:
        gone = np.zeros((rows, len(self._every)), dtype=self._word)
        part = np.empty_like(gone)
        for place, union in zip(places, unions, strict=True):
            np.take(union, place, axis=0, out=part, mode="clip")
            np.bitwise_or(gone, part, out=gone)
        left = ~gone & self._every
        lowest = left & (~left + self._word.type(1))
        # A power of two is exact as a float; its exponent is the number of the bit.
        exits: NDArray[np.intp] = np.frexp(lowest.astype(np.float32))[1] - 1 + self._first
        return exits


def _places(column: NDArray[np.float64], thresholds: NDArray[np.float32] | None, missing: int) -> NDArray[np.intp]:
    """Return the row of a slot's table that holds for each value."""
    absent = np.isnan(column)
    if thresholds is None:
        return np.where(absent, missing, column).astype(np.intp)
    return np.where(absent, missing, np.searchsorted(thresholds, column.astype(np.float32), "left"))


def _tests_by_slot(trees: Trees) -> tuple[dict[int, list[Any]], dict[int, list[Any]]]:
    """Return number tests and category tests as (node, tree, leaves on its left) by slot."""
    numbers: dict[int, list[Any]] = defaultdict(list)
    categories: dict[int, list[Any]] = defaultdict(list)
    node = 0
    for tree, size in enumerate(trees.sizes):
        last = node + 2 * size - 2
        for at, left in left_leaves(trees.feature, node, last):
            (categories if at in trees.tests else numbers)[trees.feature[at]].append((at, tree, left))
        node = last + 1
    return numbers, categories
