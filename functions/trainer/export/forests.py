"""Decision trees, random forests and extra trees: leaf values averaged over the trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from trainer.export.forms import Ensemble, filling_of, nodes_of
from trainer.families.link_space import TREES, forest_link

if TYPE_CHECKING:
    from modelloop.json_types import JsonObject
    from trainer.families.model import Model


def form(model: Model) -> JsonObject | None:
    """Return the flat form of a tree or forest on filled slots; None for anything else and for several targets."""
    link, estimator = forest_link(model), model.estimator
    if link is None:
        return None
    members = [estimator] if type(estimator) in TREES else estimator.estimators_
    classify = hasattr(estimator, "classes_")
    trees, values = Ensemble(), _LeafRows()
    for member in members:
        payloads = values.place(member.tree_) if classify else member.tree_.value[:, 0, 0].tolist()
        trees.append(nodes_of(member.tree_, payloads))
    return trees.document(
        link=link,
        base=[0.0] * (len(estimator.classes_) if classify else 1),
        divisor=float(len(members)),
        values=values.rows if classify else None,
        filling=filling_of(model),
    )


class _LeafRows:
    """Class values of leaves, equal rows stored once."""

    def __init__(self) -> None:
        self.rows: list[list[float]] = []
        self._places: dict[tuple[float, ...], int] = {}

    def place(self, fitted: Any) -> list[int]:
        """Return, for every node of a tree, the number of its row of class values (inner nodes: 0)."""
        leaves = fitted.children_left < 0
        return [
            self._row(tuple(row)) if leaf else 0 for row, leaf in zip(fitted.value[:, 0].tolist(), leaves, strict=True)
        ]

    def _row(self, row: tuple[float, ...]) -> int:
        if row not in self._places:
            self._places[row] = len(self.rows)
            self.rows.append(list(row))
        return self._places[row]
