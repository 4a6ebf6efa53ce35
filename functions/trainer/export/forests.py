"""Decision trees, random forests and extra trees: leaf values averaged over the trees."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import ensemble, tree

from trainer.export.ensemble import Ensemble, Nodes
from trainer.families.preparation import Filled, OneHot

if TYPE_CHECKING:
    from trainer.families.model import Model

_TREES = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor)
_FORESTS = (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)


def form(model: Model) -> dict[str, Any] | None:
    """Return the flat form of a tree or forest on filled slots; None for anything else and for several targets."""
    estimator = model.estimator
    if type(estimator) not in {*_TREES, *_FORESTS} or estimator.n_outputs_ != 1:
        return None
    if isinstance(model.preparation, OneHot):
        return None
    members = [estimator] if type(estimator) in _TREES else estimator.estimators_
    classify = hasattr(estimator, "classes_")
    trees, values = Ensemble(), _Rows()
    for member in members:
        payloads = values.place(member.tree_) if classify else member.tree_.value[:, 0, 0].tolist()
        trees.append(nodes(member.tree_, payloads))
    return trees.document(
        link="mean" if classify else "identity",
        base=[0.0] * (len(estimator.classes_) if classify else 1),
        divisor=float(len(members)),
        values=values.rows if classify else None,
        **filling(model),
    )


class _Rows:
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


def nodes(fitted: Any, payloads: list[Any]) -> Nodes:
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


def filling(model: Model) -> dict[str, Any]:
    """Return how the engine prepares vectors for the trees."""
    preparation = model.preparation
    if isinstance(preparation, Filled):
        return {"fill": preparation.fill_.astype(float).tolist(), "flags": preparation.flags_.tolist()}
    return {}
