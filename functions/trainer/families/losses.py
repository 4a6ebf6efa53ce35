"""The loss that a regressor is fitted by, under the name by which its versions are compared.

Huber's and the epsilon-insensitive loss are absolute errors but for a core around zero; its width belongs to one fit
(gradient boosting even moves it from stage to stage), so such models are compared by the absolute error itself.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sklearn import ensemble, linear_model, neural_network, svm, tree

from modelloop.errors import SpecError
from modelloop.spec.deviance import GAMMA, MAE, POISSON, RMSE, pinball, tweedie
from trainer.families.log_target import LogHistGradientBoosting

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.spec.fields import Parameter

_FIXED: dict[type[Any], str] = {
    linear_model.PoissonRegressor: POISSON,
    linear_model.GammaRegressor: GAMMA,
    linear_model.HuberRegressor: MAE,
    svm.SVR: MAE,
    svm.NuSVR: MAE,
}
_PARAMETER: dict[type[Any], str] = {
    ensemble.HistGradientBoostingRegressor: "loss",
    LogHistGradientBoosting: "loss",
    ensemble.GradientBoostingRegressor: "loss",
    linear_model.SGDRegressor: "loss",
    svm.LinearSVR: "loss",
    neural_network.MLPRegressor: "loss",
    tree.DecisionTreeRegressor: "criterion",
    tree.ExtraTreeRegressor: "criterion",
    ensemble.RandomForestRegressor: "criterion",
    ensemble.ExtraTreesRegressor: "criterion",
}
_NUMBER: dict[type[Any], str] = {
    linear_model.TweedieRegressor: "power",
    linear_model.QuantileRegressor: "quantile",
}
_NAMES = {
    "absolute_error": MAE, "huber": MAE, "epsilon_insensitive": MAE, "poisson": POISSON, "gamma": GAMMA
}  # fmt: skip


def loss_of(estimator: Any) -> str:
    """Return a name of `modelloop.spec.deviance`; squared error for estimators that name no loss of their own.

    Raises SpecError when a parameter that the loss needs is absent or has no such loss.
    """
    kind, params = type(estimator), estimator.get_params(deep=False)
    if kind in _FIXED:
        return _FIXED[kind]
    try:
        if kind is linear_model.TweedieRegressor:
            return tweedie(params["power"])
        if kind is linear_model.QuantileRegressor:
            return pinball(params["quantile"])
        return _named(params, _PARAMETER.get(kind))
    except (TypeError, ValueError) as error:
        name = _NUMBER.get(kind) or _PARAMETER[kind]
        setting = f"{name}: {params[name]!r}"
        raise SpecError(f"{kind.__name__} cannot be fitted with {setting}: {error}", field="params") from error


def _named(params: Mapping[str, Parameter], parameter: str | None) -> str:
    loss = params[parameter] if parameter else None
    if loss != "quantile":
        return _NAMES.get(str(loss), RMSE)
    level = params["quantile" if "quantile" in params else "alpha"]
    if level is None:
        raise ValueError("`loss: quantile` needs `quantile`, a number between 0 and 1")
    return pinball(level)  # type: ignore[arg-type]  # what is no number raises a TypeError
