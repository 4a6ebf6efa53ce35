"""Finding leaves without walking trees: one bit a leaf, all trees at once.

Every test that a vector fails rules out the leaves of that node's left subtree; the leaf of a tree is the leftmost one
that nothing rules out (Lucchese et al., "QuickScorer", SIGIR 2015). Here a set of leaves is one Python integer over a
block of trees: for each slot a bisection into the sorted thresholds finds the union of all that its failed tests rule
out, and a handful of operations on long integers, in C, replace hundreds of interpreted comparisons.
"""

from __future__ import annotations

from bisect import bisect_left
from functools import reduce
from itertools import chain
from operator import getitem, or_
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelloop.flat.trees import Trees

MAX_LEAVES = 64  # of a tree: as many bits as the widest machine word of a memoryview has
WORDS = ((8, "B"), (16, "H"), (32, "I"), (64, "Q"))
_BLOCK_BITS = 4096  # longer sets are fewer operations but quadratic in memory

_Numbers = list[tuple[int, list[float], list[int], int]]
_Categories = list[tuple[int, list[int]]]
_Test = tuple[float, int, int]  # threshold, node, the leaves on its left


class QuickScorer:
    """The leaf finder for ensembles of small trees (at most 64 leaves each)."""

    def __init__(self, trees: Trees) -> None:
        self._bits, self._word = next(word for word in WORDS if word[0] >= max(trees.sizes))
        most = _BLOCK_BITS // self._bits
        self._blocks = []
        node = 0
        for first in range(0, len(trees.sizes), most):
            sizes = trees.sizes[first : first + most]
            self._blocks.append(_block(trees, node, sizes, self._bits))
            node += 2 * sum(sizes) - len(sizes)

    def leaves(self, vector: Sequence[float]) -> Iterator[Any]:
        """Yield the payload of the leaf that the vector falls into, tree by tree."""
        leaves = []
        for numbers, categories, every, ones, size, payloads in self._blocks:
            gone = 0
            for slot, thresholds, ruled_out, missing in numbers:
                value = vector[slot]
                gone |= ruled_out[bisect_left(thresholds, value)] if value == value else missing  # noqa: PLR0124
            for slot, ruled_out in categories:
                code = vector[slot]
                gone |= ruled_out[int(code) if code == code else -1]  # noqa: PLR0124
            left = every & ~gone
            # Taking 1 from each tree's word flips its lowest bit and the zeros below: what changed is the lowest bit.
            exits = left & ~(left - ones)
            leaves.append(map(getitem, payloads, memoryview(exits.to_bytes(size, "little")).cast(self._word)))  # type: ignore[call-overload]
        return chain.from_iterable(leaves) if len(leaves) > 1 else leaves[0]


def _block(trees: Trees, node: int, sizes: list[int], bits: int) -> tuple[_Numbers, _Categories, int, int, int, Any]:
    """Return one block: tests by slot, the set of all leaves, of all first leaves, its bytes, and the payloads."""
    feature, number = trees.feature, trees.number
    by_slot: list[list[_Test]] = [[] for _ in range(trees.slots + len(trees.flags))]
    payloads: list[dict[int, Any]] = []
    every = ones = 0
    for tree, leaves in enumerate(sizes):
        shift = tree * bits
        last = node + 2 * leaves - 2
        payloads.append(_payloads(trees, node, last))
        every |= ((1 << leaves) - 1) << shift
        ones |= 1 << shift
        for at, left in left_leaves(feature, node, last):
            by_slot[feature[at]].append((number[at], at, left << shift))
        node = last + 1
    numbers: _Numbers = []
    categories: _Categories = []
    for slot, tests in enumerate(by_slot):
        if tests and tests[0][1] in trees.tests:
            sets = [(trees.tests[at], left) for _, at, left in tests]
            categories.append((slot, code_unions(sets, trees.codes[slot])))
        elif tests:
            numbers.append((slot, *_thresholds(tests, trees.missing_left)))
    return numbers, categories, every, ones, len(sizes) * bits // 8, payloads


def _payloads(trees: Trees, first: int, last: int) -> dict[int, Any]:
    feature, number = trees.feature, trees.number
    payloads = [number[at] for at in range(first, last + 1) if feature[at] < 0]
    return {1 << leaf: payload for leaf, payload in enumerate(payloads)}


def left_leaves(feature: list[int], first: int, last: int) -> Iterator[tuple[int, int]]:
    """Yield each node of a tree with the set of leaves in its left subtree, last node first."""
    sets: list[int] = []
    leaf = 1 << (last - first) // 2
    for at in range(last, first - 1, -1):
        if feature[at] < 0:
            sets.append(leaf)
            leaf >>= 1
        else:
            left = sets.pop()
            yield at, left
            sets[-1] |= left


def _thresholds(tests: list[_Test], missing_left: frozenset[int]) -> tuple[list[float], list[int], int]:
    """Return the distinct thresholds, by how many lie below a value the union of what they rule out, and missing's."""
    tests.sort()
    thresholds: list[float] = []
    unions = [0]
    union, last = 0, None
    for threshold, _, left in tests:
        union |= left
        if threshold == last:
            unions[-1] = union
        else:
            thresholds.append(threshold)
            unions.append(union)
            last = threshold
    if not missing_left:
        return thresholds, unions, union
    return thresholds, unions, reduce(or_, [left for _, at, left in tests if at not in missing_left], 0)


def code_unions(tests: list[tuple[frozenset[int], int]], codes: int) -> list[int]:
    """Return, by code, the union of what the category tests of a slot rule out; the last entry is for missing."""
    unions = [0] * (codes + 1)
    for goes_left, left in tests:
        for code in range(codes + 1):
            if code not in goes_left:
                unions[code] |= left
    return unions
