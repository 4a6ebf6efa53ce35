"""Fitted models in the space where their parts add up: which models have a flat form, its link, and their raw scores.

A link is None where the flat engine has no exact form for the estimator or one of its settings. `raw_scores` are what
the flat form gives before its inverse link; those of the link `half_logit` are doubled, which makes logits of them.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from sklearn import dummy, ensemble, linear_model, svm, tree

from trainer.families.preparation import Native, OneHot

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.model import Model
    from trainer.families.preparation import Matrix

HALF_LOGIT, LOG, LOGIT, MEAN = "half_logit", "log", "logit", "mean"
TREES = (tree.DecisionTreeClassifier, tree.DecisionTreeRegressor, tree.ExtraTreeClassifier, tree.ExtraTreeRegressor)
_FORESTS = (
    ensemble.RandomForestClassifier,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesClassifier,
    ensemble.ExtraTreesRegressor,
)
_HISTOGRAM = (ensemble.HistGradientBoostingClassifier, ensemble.HistGradientBoostingRegressor)
_BOOSTING = (ensemble.GradientBoostingClassifier, ensemble.GradientBoostingRegressor)
_LINKS = {
    "IdentityLink": "identity",
    "LogLink": LOG,
    "LogitLink": LOGIT,
    "HalfLogitLink": HALF_LOGIT,
    "MultinomialLogit": "softmax",
}
_IDENTITY = (
    linear_model.Ridge,
    linear_model.LinearRegression,
    linear_model.Lasso,
    linear_model.ElasticNet,
    linear_model.HuberRegressor,
    linear_model.QuantileRegressor,
    linear_model.SGDRegressor,
    svm.LinearSVR,
)
_WITH_LINK = (linear_model.PoissonRegressor, linear_model.GammaRegressor, linear_model.TweedieRegressor)
_RANDOM = {"stratified", "uniform"}
_BINARY = 2


def link_of(model: Model) -> str | None:
    """Return the link of a fitted model's flat form."""
    return linear_link(model) or histogram_link(model) or forest_link(model) or boosting_link(model)


def linear_link(model: Model) -> str | None:
    """Return the link of a linear model on one-hot preparation; None for anything else."""
    estimator, kind = model.estimator, type(model.estimator)
    if not isinstance(model.preparation, OneHot):
        return None
    if kind is linear_model.LogisticRegression:
        return LOGIT if len(estimator.classes_) == _BINARY else "softmax"
    if kind in _WITH_LINK:
        return _name(estimator._base_loss)  # noqa: SLF001  the only place that knows the link
    return "identity" if kind in _IDENTITY else None


def histogram_link(model: Model) -> str | None:
    """Return the link of a histogram gradient boosting model; None for anything else."""
    if type(model.estimator) not in _HISTOGRAM or not isinstance(model.preparation, Native):
        return None
    return _name(model.estimator._loss)  # noqa: SLF001  no public attribute has the fitted loss


def boosting_link(model: Model) -> str | None:
    """Return the link of gradient boosting whose initial score is one constant; None for anything else."""
    estimator = model.estimator
    if type(estimator) not in _BOOSTING or not _is_constant(estimator.init_):
        return None
    return _name(estimator._loss) if hasattr(estimator, "classes_") else "identity"  # noqa: SLF001  as above


def forest_link(model: Model) -> str | None:
    """Return the link of a tree or forest on filled slots; None for anything else and for several targets."""
    estimator = model.estimator
    if type(estimator) not in {*TREES, *_FORESTS} or estimator.n_outputs_ != 1:
        return None
    if isinstance(model.preparation, OneHot):
        return None
    return MEAN if hasattr(estimator, "classes_") else "identity"


def _is_constant(init: Any) -> bool:
    if isinstance(init, str):
        return init == "zero"
    if type(init) is dummy.DummyClassifier:
        return init.strategy not in _RANDOM
    return type(init) is dummy.DummyRegressor


def _name(loss: Any) -> str | None:
    return _LINKS.get(type(loss.link).__name__)


def raw_scores(model: Model, matrix: Matrix) -> NDArray[np.float64]:
    """Return the scores of encoded rows, float64 [rows, scores]: one score, or one a class (softmax and mean)."""
    estimator, prepared = model.estimator, model.preparation.transform(matrix)
    link = link_of(model)
    if link == MEAN:
        scores = estimator.predict_proba(prepared)
    elif hasattr(estimator, "classes_"):
        scores = estimator.decision_function(prepared)
    elif link == LOG:
        scores = _before_log(estimator, prepared)
    else:
        scores = estimator.predict(prepared)
    column: NDArray[np.float64] = np.asarray(scores, np.float64).reshape(len(matrix), -1)
    return 2.0 * column if link == HALF_LOGIT else column


def _before_log(estimator: Any, prepared: Any) -> Any:
    """Return the scores whose exponential a regressor predicts; scikit-learn has no public name for them."""
    if type(estimator) in _HISTOGRAM:
        return estimator._raw_predict(prepared)  # noqa: SLF001
    return estimator._linear_predictor(prepared)  # noqa: SLF001
