"""Path contributions: how much each test on the way to a leaf moved the expected score.

The expectation at a node is the mean of the leaf values below it, weighted by how many training rows reached each leaf
(its cover). The step from a node to the child that the vector takes is credited to the slot that the node tests
(Saabas, "Interpreting random forests", 2014). These are path contributions, not Shapley values.
"""

from __future__ import annotations

from itertools import accumulate
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.flat.trees import Trees


class Paths:
    """The structure that explanations walk: leaves in each left subtree, prefix sums of cover and weighted values."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._left = left_sizes(trees.feature)
        self._payloads: list[Any] = [
            number for slot, number in zip(trees.feature, trees.number, strict=True) if slot < 0
        ]
        self._covers = list(accumulate(trees.cover, initial=0.0))
        self._weighted: dict[int, list[float]] = {}

    def contributions(self, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
        """Return base and slot contributions of one score for a prepared vector; they add up to the score."""
        trees = self._trees
        values = self._values(output)
        slots = [0.0] * (trees.slots + len(trees.flags))
        base = trees.base[output]
        node = leaf = 0
        for tree, size in enumerate(trees.sizes):
            if trees.values is not None or len(trees.base) == 1 or self._output(tree) == output:
                base += self._walk(vector, (node, leaf, size), values, slots)
            node += 2 * size - 1
            leaf += size
        for flag, slot in enumerate(trees.flags):
            slots[slot] += slots[trees.slots + flag]
        return base / trees.divisor, [step / trees.divisor for step in slots[: trees.slots]]

    def _output(self, tree: int) -> int:
        return tree * len(self._trees.base) // len(self._trees.sizes)

    def _values(self, output: int) -> list[float]:
        """Return the prefix sums of cover times leaf value for one score."""
        rows = self._trees.values
        key = output if rows is not None else 0
        if key not in self._weighted:
            leaves = [rows[row][output] for row in self._payloads] if rows is not None else self._payloads
            products = (value * cover for value, cover in zip(leaves, self._trees.cover, strict=True))
            self._weighted[key] = list(accumulate(products, initial=0.0))
        return self._weighted[key]

    def _walk(
        self, vector: Sequence[float], root: tuple[int, int, int], weighted: list[float], slots: list[float]
    ) -> float:
        """Credit the steps of one tree to their slots and return the expectation at its root."""
        node, leaf, size = root
        start = here = self._mean(leaf, size, weighted)
        while (slot := self._trees.feature[node]) >= 0:
            left = self._left[node]
            if self._goes_left(node, vector[slot]):
                node, size = node + 1, left
            else:
                node, leaf, size = node + 2 * left, leaf + left, size - left
            there = self._mean(leaf, size, weighted)
            slots[slot] += there - here
            here = there
        return start

    def _mean(self, leaf: int, size: int, weighted: list[float]) -> float:
        cover = self._covers[leaf + size] - self._covers[leaf]
        return (weighted[leaf + size] - weighted[leaf]) / cover

    def _goes_left(self, node: int, value: float) -> bool:
        trees = self._trees
        missing = value != value  # noqa: PLR0124
        if node in trees.tests:
            return (trees.codes[trees.feature[node]] if missing else int(value)) in trees.tests[node]
        return node in trees.missing_left if missing else value <= trees.number[node]


def left_sizes(feature: list[int]) -> list[int]:
    """Return, for every node in preorder, how many leaves its left subtree has."""
    sizes = [0] * len(feature)
    below: list[int] = []
    for node in range(len(feature) - 1, -1, -1):
        if feature[node] < 0:
            below.append(1)
        else:
            sizes[node] = below.pop()
            below[-1] += sizes[node]
    return sizes
