"""What several flat forms share: trees as arrays in preorder, and how slots are filled."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from trainer.families.preparation import Filled

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.json_types import JsonObject
    from trainer.families.model import Model

MAX_THRESHOLD = 1.7976931348623157e308  # stands for infinity, which JSON does not have; vectors are float32


class Filling(NamedTuple):
    """What missing slots are filled with, a value a slot, and the slots that get a 0/1 flag of being missing."""

    fill: list[float]
    flags: list[int]


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
    """The growing arrays of the flat tree form."""

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
        self.number.append(min(nodes.number[node], MAX_THRESHOLD))

    def document(
        self,
        *,
        link: str,
        base: list[float],
        inclusive: bool = False,
        by_eights: bool = False,
        divisor: float = 1.0,
        values: list[list[float]] | None = None,
        filling: Filling | None = None,
        codes: dict[str, int] | None = None,
    ) -> JsonObject:
        """Return the tree form.

        `link` turns scores, which start from `base`, into answers. `inclusive`: a value equal to a threshold goes left.
        `by_eights`: probabilities are added as numpy adds matrices. `divisor` makes averages of sums. `values` are the
        class values that leaves refer to. `codes` are the numbers of codes of category slots that are tested by sets.
        """
        return {
            "form": "trees",
            "inclusive": inclusive,
            "by_eights": by_eights,
            "divisor": divisor,
            "values": values,
            "fill": None if filling is None else filling.fill,
            "flags": [] if filling is None else filling.flags,
            "codes": codes or {},
            "feature": self.feature,
            "number": self.number,
            "sizes": self.sizes,
            "cover": self.cover,
            "missing_left": self.missing_left,
            "tests": self.tests,
            "link": link,
            "base": base,
        }


def nodes_of(fitted: Any, payloads: list[Any]) -> Nodes:
    """Return scikit-learn's arrays of one tree with a payload for each leaf."""
    left = fitted.children_left.tolist()
    thresholds = fitted.threshold.tolist()
    return Nodes(
        left=left,
        right=fitted.children_right.tolist(),
        feature=fitted.feature.tolist(),
        number=[payload if child < 0 else t for payload, child, t in zip(payloads, left, thresholds, strict=True)],
        cover=fitted.weighted_n_node_samples.tolist(),
        missing_left=fitted.missing_go_to_left.astype(bool).tolist(),
    )


def filling_of(model: Model) -> Filling | None:
    """Return how the engine prepares vectors for the trees; None where they take missing values."""
    preparation = model.preparation
    if isinstance(preparation, Filled):
        return Filling(preparation.fill_.astype(float).tolist(), preparation.flags_.tolist())
    return None
