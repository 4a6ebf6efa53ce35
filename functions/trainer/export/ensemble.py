"""Collecting trees into the arrays of the flat form: preorder, all trees one after the other."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

LARGEST = 1.7976931348623157e308  # stands for an infinite threshold: JSON has no infinity, vectors are float32


@dataclass(frozen=True, slots=True)
class Nodes:
    """One fitted tree by node number, root 0. A leaf has `left` < 0 and its payload in `number`.

    `cover` is the training weight that reached a node; `tests` gives the codes that go left at category nodes.
    """

    left: Sequence[int]
    right: Sequence[int]
    feature: Sequence[int]
    number: Sequence[float]
    cover: Sequence[float]
    missing_left: Sequence[bool]
    tests: Mapping[int, list[int]] = field(default_factory=dict)


@dataclass(slots=True)
class Ensemble:
    """The growing arrays."""

    feature: list[int] = field(default_factory=list)
    number: list[float] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    cover: list[float] = field(default_factory=list)
    missing_left: list[int] = field(default_factory=list)
    tests: list[tuple[int, list[int]]] = field(default_factory=list)

    def append(self, nodes: Nodes) -> None:
        """Add one tree in preorder."""
        leaves = len(self.cover)
        waiting = [0]
        while waiting:
            node = waiting.pop()
            if nodes.left[node] < 0:
                self._append_leaf(nodes.number[node], nodes.cover[node])
            else:
                self._append_test(nodes, node)
                waiting += (nodes.right[node], nodes.left[node])
        self.sizes.append(len(self.cover) - leaves)

    def _append_leaf(self, payload: float, cover: float) -> None:
        self.feature.append(-1)
        self.number.append(payload)
        self.cover.append(cover)

    def _append_test(self, nodes: Nodes, node: int) -> None:
        at = len(self.feature)
        if node in nodes.tests:
            self.tests.append((at, nodes.tests[node]))
        elif nodes.missing_left[node]:
            self.missing_left.append(at)
        self.feature.append(nodes.feature[node])
        self.number.append(min(nodes.number[node], LARGEST))

    def document(self, **rest: Any) -> dict[str, Any]:
        """Return the tree form; `rest` overrides the parts that plain ensembles leave at their defaults."""
        arrays: dict[str, Any] = {
            "form": "trees",
            "inclusive": False,
            "by_eights": False,
            "divisor": 1.0,
            "values": None,
            "fill": None,
            "flags": [],
            "codes": {},
            "feature": self.feature,
            "number": self.number,
            "sizes": self.sizes,
            "cover": self.cover,
            "missing_left": self.missing_left,
            "tests": self.tests,
        }
        return arrays | rest
