"""Path contributions: how much each test on the way to a leaf moved the expected score.

The expectation at a node is the mean of the leaf values below it, weighted by how many training rows reached each leaf
(its cover). The step from a node to the child that the vector takes is credited to the slot that the node tests
(Saabas, "Interpreting random forests", 2014). These are path contributions, not Shapley values.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.flat.trees import Trees


class Paths:
    """The structure that explanations walk: leaves in each left subtree, and the expectation at every node."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._left = left_sizes(trees.feature)
        self._means: dict[int, list[float]] = {}

    def contributions(self, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
        """Return base and slot contributions of one score for a prepared vector; they add up to the score."""
        trees = self._trees
        means = self._expectations(output if trees.values is not None else 0)
        slots = [0.0] * (trees.slots + len(trees.flags))
        base = trees.base[output]
        node = 0
        for tree, size in enumerate(trees.sizes):
            if trees.values is not None or len(trees.base) == 1 or self._output(tree) == output:
                self._walk(vector, node, means, slots)
                base += means[node]
            node += 2 * size - 1
        for flag, slot in enumerate(trees.flags):
            slots[slot] += slots[trees.slots + flag]
        return base / trees.divisor, [step / trees.divisor for step in slots[: trees.slots]]

    def _output(self, tree: int) -> int:
        return tree * len(self._trees.base) // len(self._trees.sizes)

    def _expectations(self, output: int) -> list[float]:
        """Return the mean leaf value below every node for one score, from the leaves up."""
        if output not in self._means:
            self._means[output] = _means(self._trees, output)
        return self._means[output]

    def _walk(self, vector: Sequence[float], node: int, means: list[float], slots: list[float]) -> None:
        """Credit the steps of one tree to the slots that are tested."""
        feature, left = self._trees.feature, self._left
        while (slot := feature[node]) >= 0:
            child = node + 1 if self._goes_left(node, vector[slot]) else node + 2 * left[node]
            slots[slot] += means[child] - means[node]
            node = child

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


def _means(trees: Trees, output: int) -> list[float]:
    means = [0.0] * len(trees.feature)
    covers = list(trees.cover)
    below: list[tuple[float, float]] = []
    for node in range(len(trees.feature) - 1, -1, -1):
        if trees.feature[node] < 0:
            payload: Any = trees.number[node]
            value = payload if trees.values is None else trees.values[payload][output]
            cover = covers.pop()
            below.append((value * cover, cover))
            means[node] = value
        else:
            (left, more), (right, rest) = below.pop(), below.pop()
            below.append((left + right, more + rest))
            means[node] = (left + right) / (more + rest)
    return means
