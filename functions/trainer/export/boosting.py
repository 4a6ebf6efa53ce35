"""Gradient boosting: an initial score, then shrunken trees added one stage after the other."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from trainer.export.forms import Ensemble, filling_of, nodes_of
from trainer.families.link_space import boosting_link

if TYPE_CHECKING:
    from modelloop.json_types import JsonObject
    from trainer.families.model import Model


def form(model: Model) -> JsonObject | None:
    """Return the flat form of a gradient boosting model whose initial score is one constant; None for others."""
    link = boosting_link(model)
    if link is None:
        return None
    estimator, trees = model.estimator, Ensemble()
    for score in range(estimator.estimators_.shape[1]):
        for stage in estimator.estimators_[:, score]:
            shrunken = (estimator.learning_rate * stage.tree_.value[:, 0, 0]).tolist()
            trees.append(nodes_of(stage.tree_, shrunken))
    return trees.document(link=link, inclusive=True, by_eights=True, base=_start(estimator), filling=filling_of(model))


def _start(estimator: Any) -> list[float]:
    row = np.zeros((1, estimator.n_features_in_), dtype=np.float32)
    start: list[float] = estimator._raw_predict_init(row)[0].tolist()  # noqa: SLF001  links and clips as fitted
    return start
