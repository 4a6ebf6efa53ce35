"""Gradient boosting: an initial score, then shrunken trees added one stage after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import dummy, ensemble

from trainer.export.forms import Ensemble, filling_of, link_of, nodes_of

if TYPE_CHECKING:
    from modelloop.json_types import JsonObject
    from trainer.families.model import Model

_RANDOM = {"stratified", "uniform"}


def form(model: Model) -> JsonObject | None:
    """Return the flat form of a gradient boosting model whose initial score is one constant; None for others."""
    estimator = model.estimator
    if type(estimator) not in {ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor}:
        return None
    classify = hasattr(estimator, "classes_")
    link = link_of(estimator._loss) if classify else "identity"  # noqa: SLF001  the fitted loss has no public name
    if link is None or not _constant(estimator.init_):
        return None
    trees = Ensemble()
    for score in range(estimator.estimators_.shape[1]):
        for stage in estimator.estimators_[:, score]:
            shrunken = (estimator.learning_rate * stage.tree_.value[:, 0, 0]).tolist()
            trees.append(nodes_of(stage.tree_, shrunken))
    return trees.document(link=link, inclusive=True, by_eights=True, base=_start(estimator), filling=filling_of(model))


def _constant(init: Any) -> bool:
    if isinstance(init, str):
        return init == "zero"
    if type(init) is dummy.DummyClassifier:
        return init.strategy not in _RANDOM
    return type(init) is dummy.DummyRegressor


def _start(estimator: Any) -> list[float]:
    row = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    start: list[float] = estimator._raw_predict_init(row)[0].tolist()  # noqa: SLF001  links and clips as fitted
    return start
