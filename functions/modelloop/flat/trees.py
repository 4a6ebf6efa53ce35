"""Tree ensembles: their document, and the choice of how to find the leaves that a vector falls into.

The document holds all trees one after the other, each in preorder (a node, its left subtree, its right subtree), as
two arrays: `feature` is the slot that a node tests, or -1 for a leaf; `number` is the threshold of a node (left when
value <= threshold) or the payload of a leaf. No child pointers are needed: the order is the structure.
"""

from __future__ import annotations

from functools import cached_property, reduce
from itertools import islice
from operator import add
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError
from modelloop.flat.paths import Paths
from modelloop.flat.quick_scorer import MAX_LEAVES, QuickScorer
from modelloop.flat.walk import Walker

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.flat.shapley.cost import Cost
    from modelloop.flat.shapley.tree_values import TreeValues


class Trees:
    """An ensemble whose scores are sums of leaf values, in the order in which the estimator adds them.

    `sizes`: leaves a tree. `base`: start of each score. `divisor`: what each score is divided by at the end (averages).
    `values`: rows of class values that leaf payloads point to; without them payloads are the leaf values, and with
    several scores the trees of the first score come first. `fill` and `flags`: what stands in for missing values, and
    which slots append a 0/1 missing flag to the vector. `missing_left`: nodes that send missing values left. `tests`:
    nodes that test a category, with the codes that go left; the code after the last means missing.
    """

    shapley_method = "tree_path_dependent"

    def __init__(self, document: Mapping[str, Any], slots: int) -> None:
        self.slots = slots
        self.feature: list[int] = document["feature"]
        self.number: list[float] = document["number"]
        self.sizes: list[int] = document["sizes"]
        self.base: list[float] = document["base"]
        self.divisor: float = document["divisor"]
        self.values: list[list[float]] | None = document["values"]
        self.fill: list[float] | None = document["fill"]
        self.flags: list[int] = document["flags"]
        self.cover: list[float] = document["cover"]
        self.missing_left = frozenset(document["missing_left"])
        self.codes: dict[int, int] = {int(slot): codes for slot, codes in document["codes"].items()}
        self.tests: dict[int, frozenset[int]] = {node: frozenset(codes) for node, codes in document["tests"]}
        self._check()
        self.finder = QuickScorer(self) if max(self.sizes) <= MAX_LEAVES else Walker(self)

    def _check(self) -> None:
        nodes = 2 * sum(self.sizes) - len(self.sizes)
        if not self.sizes or len(self.feature) != nodes or len(self.number) != nodes:
            raise ArtifactRefusedError("the node arrays of the trees do not fit their sizes")
        if max(self.feature) >= self.slots + len(self.flags):
            raise ArtifactRefusedError("a tree tests a slot that the vector does not have")
        if len(self.cover) != sum(self.sizes) or (self.fill and len(self.fill) != self.slots):
            raise ArtifactRefusedError("cover or fill values do not fit the trees")

    @property
    def scores(self) -> int:
        """How many scores a vector gets."""
        return len(self.base)

    @cached_property
    def paths(self) -> Paths:
        """What explanations need, made when the first is asked for."""
        return Paths(self)

    def prepare(self, vector: Sequence[float]) -> Sequence[float]:
        """Return the vector that the trees test: missing values filled and flagged when the estimator wants that."""
        if self.fill is None:
            return vector
        if (total := sum(vector)) == total:
            return [*vector, *[0.0] * len(self.flags)]
        filled = [
            value if value == value else fill  # noqa: PLR0124
            for value, fill in zip(vector, self.fill, strict=True)
        ]
        return [*filled, *[float(vector[slot] != vector[slot]) for slot in self.flags]]

    def raw(self, vector: Sequence[float]) -> list[float]:
        """Return the scores of one vector: link space, or the averaged class values of a forest."""
        leaves = self.finder.leaves(self.prepare(vector))
        if self.values is not None:
            rows = map(self.values.__getitem__, leaves)
            sums = [reduce(add, column) for column in zip(*rows, strict=True)]
            return [total / self.divisor for total in sums]
        if len(self.base) == 1:
            return [reduce(add, leaves, self.base[0]) / self.divisor]
        each = len(self.sizes) // len(self.base)
        return [reduce(add, islice(leaves, each), base) for base in self.base]

    def contributions(self, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
        """Return the mean score over the training cover and what each slot's tests add to it."""
        return self.paths.contributions(self.prepare(vector), output)

    def shapley(self, vectors: Sequence[Sequence[float]], output: int) -> tuple[float, list[list[float]]]:
        """Return the mean score over the training cover and each slot's SHAP value, [vectors, slots]."""
        return self._shapley.of([self.prepare(vector) for vector in vectors], output)

    @cached_property
    def shapley_cost(self) -> Cost:
        """What SHAP values of one class cost."""
        from modelloop.flat.shapley.cost import cost_of  # noqa: PLC0415  no first answer waits for it

        return cost_of(self)

    @cached_property
    def _shapley(self) -> TreeValues:
        from modelloop.flat.shapley.tree_values import TreeValues  # noqa: PLC0415  it needs numpy

        return TreeValues(self)

    def rounding(self, _vector: Sequence[float]) -> list[float]:
        """Return how far each score may lie from the estimator's: not at all, additions keep their order."""
        return [0.0] * len(self.base)
