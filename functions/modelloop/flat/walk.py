"""Finding leaves by walking nested tuples: for trees with too many leaves for a machine word each."""

from __future__ import annotations

from math import inf
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelloop.flat.trees import Trees


class Walker:
    """The leaf finder for ensembles of any size. A node is (slot, test, left, right); anything else is a payload.

    A comparison with NaN is false, so missing values go right by themselves. Nodes that send them left test a second
    copy of the vector in which missing is minus infinity.
    """

    def __init__(self, trees: Trees) -> None:
        self._width = trees.slots + len(trees.flags)
        self._missing_left = bool(trees.missing_left or trees.tests)
        self._roots = _nest(trees, self._width)
        self._step = _walk_codes if trees.tests else _walk

    def leaves(self, vector: Sequence[float]) -> Iterator[Any]:
        """Yield the payload of the leaf that the vector falls into, tree by tree."""
        if self._missing_left:
            vector = [*vector, *[value if value == value else -inf for value in vector]]  # noqa: PLR0124
        return self._step(self._roots, vector)


def _walk(roots: list[Any], vector: Sequence[float]) -> Iterator[Any]:
    leaves = []
    for root in roots:
        node = root
        while node.__class__ is tuple:
            slot, threshold, left, right = node
            node = left if vector[slot] <= threshold else right
        leaves.append(node)
    return iter(leaves)


def _walk_codes(roots: list[Any], vector: Sequence[float]) -> Iterator[Any]:
    leaves = []
    for root in roots:
        node = root
        while node.__class__ is tuple:
            slot, test, left, right = node
            value = vector[slot]
            node = left if (value <= test if test.__class__ is float else value in test) else right
        leaves.append(node)
    return iter(leaves)


def _nest(trees: Trees, width: int) -> list[Any]:
    """Build every tree from its preorder, last node first: a node finds its subtrees on top of the stack."""
    built: list[Any] = []
    for at in range(len(trees.feature) - 1, -1, -1):
        slot = trees.feature[at]
        test: Any = trees.number[at]
        if slot >= 0:
            if at in trees.tests:
                codes = trees.tests[at]
                test = frozenset(-inf if code == trees.codes[slot] else float(code) for code in codes)
                slot += width
            elif at in trees.missing_left:
                slot += width
            test = (slot, test, built.pop(), built.pop())
        built.append(test)
    if len(built) != len(trees.sizes):
        raise ArtifactRefusedError("the trees are not in preorder")
    return built[::-1]
