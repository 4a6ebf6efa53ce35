"""Answers to rows that their model has not seen, in the space where models are added: before the link.

What needs unseen rows (weights of a blend, calibration, intervals, the baseline of answers) reads these, also where
the model that serves is fitted on all rows but the holdout's.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from sklearn import ensemble, linear_model, svm, tree

from modelloop.spec import deviance
from trainer.families.losses import loss_of

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.families.model import Model

    type Floats = NDArray[np.float64]

IDENTITY, LOG, LOGIT, SOFTMAX, MEAN = "identity", "log", "logit", "softmax", "mean"
AT_ONCE = 1 << 16  # rows: scikit-learn widens them and copies them again
_BINARY = 2
_SCORED = (
    linear_model.LogisticRegression,
    ensemble.HistGradientBoostingClassifier,
    ensemble.GradientBoostingClassifier,
)
_AVERAGED = (
    tree.DecisionTreeClassifier,
    tree.ExtraTreeClassifier,
    ensemble.RandomForestClassifier,
    ensemble.ExtraTreesClassifier,
)
_PLAIN = (
    linear_model.Ridge,
    linear_model.LinearRegression,
    linear_model.Lasso,
    linear_model.ElasticNet,
    linear_model.HuberRegressor,
    linear_model.QuantileRegressor,
    linear_model.SGDRegressor,
    svm.LinearSVR,
    tree.DecisionTreeRegressor,
    tree.ExtraTreeRegressor,
    ensemble.RandomForestRegressor,
    ensemble.ExtraTreesRegressor,
    ensemble.GradientBoostingRegressor,
)
_LINKED = (linear_model.PoissonRegressor, linear_model.GammaRegressor, linear_model.TweedieRegressor)


@dataclass(frozen=True, slots=True)
class FoldAnswers:
    """Answers to fitting rows by models that were fitted without them.

    `rows` are rising positions in the fitting rows: the training part, then the validation part, intp [answers]. `raw`
    are the answers before `link`, float64 [answers], or [answers, classes] for several classes; of two classes the
    second's log odds, under the link `mean` its probability. `statistic` is what a regressor predicts (the mean, the
    median), None for classes.
    """

    rows: NDArray[np.intp]
    raw: Floats
    link: str
    statistic: str | None = None


def link_of(model: Model) -> str | None:
    """Return the link of a fitted model: identity, log, logit, softmax or mean; None where it has no flat form.

    Boosting by the exponential loss has half of the log odds as its score; `raw_answers` doubles them, so that its link
    is logit here.
    """
    estimator = model.estimator
    kind = type(estimator)
    if kind in _SCORED:
        return LOGIT if len(estimator.classes_) == _BINARY else SOFTMAX
    if kind in _AVERAGED:
        return MEAN
    if kind is ensemble.HistGradientBoostingRegressor:
        return LOG if type(estimator._loss.link).__name__ == "LogLink" else IDENTITY  # noqa: SLF001  no public name
    if kind in _LINKED:
        return LOG if type(estimator._base_loss.link).__name__ == "LogLink" else IDENTITY  # noqa: SLF001  the same
    return IDENTITY if kind in _PLAIN else None


def statistic_of(model: Model) -> str | None:
    """Return what a regressor predicts, such as the mean or the 0.9 quantile; None for a classifier."""
    return None if hasattr(model.estimator, "classes_") else deviance.statistic(loss_of(model.estimator))


def raw_answers(model: Model, matrix: NDArray[np.float32]) -> Floats | None:
    """Return a fitted model's answers to encoded rows before its link, as `FoldAnswers.raw` has them.

    None for a model without a flat form.
    """
    link = link_of(model)
    if link is None:
        return None
    starts = range(0, len(matrix) or 1, AT_ONCE)
    return np.concatenate([_raw(model, link, matrix[start : start + AT_ONCE]) for start in starts])


def _raw(model: Model, link: str, matrix: NDArray[np.float32]) -> Floats:
    estimator = model.estimator
    if link == MEAN:
        probabilities = model.predict_proba(matrix).astype(np.float64)
        return probabilities[:, 1] if probabilities.shape[1] == _BINARY else probabilities
    if link in {LOGIT, SOFTMAX}:
        score = np.asarray(estimator.decision_function(model.preparation.transform(matrix)), np.float64)
        halved = isinstance(estimator, ensemble.GradientBoostingClassifier) and estimator.loss == "exponential"
        return 2.0 * score if halved else score
    answers = model.predict(matrix).astype(np.float64)
    return np.log(np.maximum(answers, np.finfo(np.float64).tiny)) if link == LOG else answers
