"""The families: name, defaults, search space, and how an estimator is made of them."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from sklearn import ensemble, linear_model, tree

from modelloop.errors import SpecError
from trainer.families import converted
from trainer.families.log_target import LogHistGradientBoosting, LogRidge
from trainer.families.model import Model
from trainer.families.preparation import Filled, Native, OneHot
from trainer.families.target_means import TargetMeans

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.spec.fields import Parameter
    from modelloop.tables.encoding import Encoding

MAX_LEAVES = 256  # a tree; uncapped forests make models of gigabytes
MAX_JOBS = 2
_FOREST: dict[str, Parameter] = {"n_estimators": 100, "max_leaf_nodes": MAX_LEAVES, "min_samples_leaf": 2, "n_jobs": 1}
_FOREST_SPACE: dict[str, list[Parameter]] = {
    "max_leaf_nodes": [32, 64, 128, MAX_LEAVES],
    "min_samples_leaf": [1, 2, 5, 10],
    "max_features": ["sqrt", 0.3, 0.6, 1.0],
}
_HGB: dict[str, Parameter] = {"max_iter": 200, "learning_rate": 0.1, "max_leaf_nodes": 31, "min_samples_leaf": 20}


@dataclass(frozen=True, slots=True)
class Family:
    """One family for one task. `space` lists the values that a search may try for each parameter."""

    name: str
    task: str
    kinds: dict[str, type[Any]]
    preparation: type[Native | Filled | OneHot]
    defaults: dict[str, Parameter]
    space: dict[str, list[Parameter]] = field(default_factory=dict)

    def open_space(self, params: Mapping[str, Parameter]) -> dict[str, list[Parameter]]:
        """Return what a search may still draw when `params` are given: what the chosen kind has and they leave open."""
        parameters = self._kind(params)().get_params()
        return {name: values for name, values in self.space.items() if name in parameters and name not in params}

    def _kind(self, params: Mapping[str, Parameter]) -> type[Any]:
        kind = params.get("kind", next(iter(self.kinds)))
        if not isinstance(kind, str) or kind not in self.kinds:
            raise SpecError(
                f"{self.name} for {self.task} has no kind {kind!r}; it has {', '.join(self.kinds)}", field="params"
            )
        return self.kinds[kind]

    def build(self, encoding: Encoding, params: Mapping[str, Parameter] | None = None, seed: int = 0) -> Model:
        """Return an unfitted model; raise SpecError for a parameter that the estimator does not have.

        The parameter `kind` picks the estimator where a family has several (linear: ridge, lasso, poisson ...).
        """
        wanted = {**self.defaults, **(params or {})}
        kind = self._kind(wanted)
        wanted.pop("kind", None)
        return _assemble(self, kind, encoding, wanted, seed, given=params or {})


def _assemble(
    family: Family,
    estimator: type[Any],
    encoding: Encoding,
    wanted: dict[str, Parameter],
    seed: int,
    *,
    given: Mapping[str, Parameter],
) -> Model:
    made = estimator()
    parameters = made.get_params()
    _check(made, [name for name in given if name != "kind"])
    made.set_params(**{name: value for name, value in wanted.items() if name in parameters})
    _seed(made, seed)
    _bound_jobs(made)
    codes = _codes(encoding)
    if family.preparation is Native:
        # A category set must fit the bins; a wider column keeps its codes, which fall with frequency, as numbers.
        bins = made.max_bins if isinstance(made.max_bins, int) else 0  # anything else is refused by the fit
        sets = [slot for slot, many in enumerate(codes) if 0 < many <= bins]
        if "categorical_features" not in given:
            made.set_params(categorical_features=sets or None)
        return Model(made, _with_means(Native(), encoding))
    return Model(made, _with_means(family.preparation(codes), encoding))


def _check(estimator: Any, given: list[str]) -> None:
    parameters = estimator.get_params()
    unknown = [name for name in given if name not in parameters]
    if unknown:
        name = type(estimator).__name__
        raise SpecError(
            f"{name} has no parameter {unknown[0]!r}; it has {', '.join(sorted(parameters))}", field="params"
        )


def _seed(estimator: Any, seed: int) -> None:
    params = estimator.get_params()
    states = [name for name, value in params.items() if name.split("__")[-1] == "random_state" and value is None]
    estimator.set_params(**dict.fromkeys(states, seed))


def _bound_jobs(estimator: Any) -> None:
    """Let no estimator start more jobs than a function has processors; -1 and the like would take all of a machine."""
    jobs = {name: value for name, value in estimator.get_params().items() if name.split("__")[-1] == "n_jobs"}
    many = [name for name, value in jobs.items() if isinstance(value, int) and not 0 <= value <= MAX_JOBS]
    estimator.set_params(**dict.fromkeys(many, MAX_JOBS))


def _with_means[P: Native | Filled | OneHot](preparation: P, encoding: Encoding) -> P:
    """Let a preparation learn the deviations of value slots, if there are such."""
    codes = {place: slot.codes for place, slot in enumerate(encoding.slots) if slot.kind == "value"}
    if codes:
        preparation.means = TargetMeans(codes)
    return preparation


def _codes(encoding: Encoding) -> list[int]:
    return [slot.codes if slot.kind == "category" else 0 for slot in encoding.slots]


_CLASSIFIERS = (
    Family(
        "linear",
        "classification",
        {"logistic": linear_model.LogisticRegression},
        OneHot,
        {"max_iter": 1000, "C": 1.0},
        {"C": [0.01, 0.03, 0.1, 0.3, 1.0, 3.0, 10.0, 30.0]},
    ),
    Family(
        "hist_gradient_boosting",
        "classification",
        {"classifier": ensemble.HistGradientBoostingClassifier},
        Native,
        _HGB,
        {
            "learning_rate": [0.03, 0.06, 0.1, 0.2],
            "max_leaf_nodes": [7, 15, 31, 63],
            "min_samples_leaf": [5, 20, 50],
            "l2_regularization": [0.0, 0.1, 1.0, 10.0],
            "max_features": [0.5, 1.0],
        },
    ),
    Family(
        "decision_tree",
        "classification",
        {"classifier": tree.DecisionTreeClassifier},
        Filled,
        {"max_leaf_nodes": 64, "min_samples_leaf": 5},
        {"max_leaf_nodes": [8, 16, 32, 64], "min_samples_leaf": [1, 5, 20, 50]},
    ),
    Family(
        "random_forest",
        "classification",
        {"classifier": ensemble.RandomForestClassifier},
        Filled,
        _FOREST,
        _FOREST_SPACE,
    ),
    Family(
        "extra_trees",
        "classification",
        {"classifier": ensemble.ExtraTreesClassifier},
        Filled,
        _FOREST,
        _FOREST_SPACE,
    ),
    Family(
        "gradient_boosting",
        "classification",
        {"classifier": ensemble.GradientBoostingClassifier},
        Filled,
        {"n_estimators": 100, "max_depth": 3},
        {
            "n_estimators": [50, 100, 200],
            "learning_rate": [0.03, 0.1, 0.2],
            "max_depth": [2, 3, 4, 5],
            "subsample": [0.5, 0.8, 1.0],
        },
    ),
)

_REGRESSORS: dict[str, dict[str, type[Any]]] = {
    "linear": {
        "ridge": linear_model.Ridge,
        "least_squares": linear_model.LinearRegression,
        "lasso": linear_model.Lasso,
        "elastic_net": linear_model.ElasticNet,
        "poisson": linear_model.PoissonRegressor,
        "gamma": linear_model.GammaRegressor,
        "tweedie": linear_model.TweedieRegressor,
        "huber": linear_model.HuberRegressor,
        "quantile": linear_model.QuantileRegressor,
        "log": LogRidge,
    },
    "hist_gradient_boosting": {"regressor": ensemble.HistGradientBoostingRegressor, "log": LogHistGradientBoosting},
    "decision_tree": {"regressor": tree.DecisionTreeRegressor},
    "random_forest": {"regressor": ensemble.RandomForestRegressor},
    "extra_trees": {"regressor": ensemble.ExtraTreesRegressor},
    "gradient_boosting": {"regressor": ensemble.GradientBoostingRegressor},
}
_REGRESSION_DEFAULTS: dict[str, tuple[dict[str, Parameter], dict[str, list[Parameter]]]] = {
    "linear": ({"power": 1.5}, {"alpha": [0.001, 0.01, 0.1, 1.0, 10.0, 100.0]}),
}


def _regressor(classifier: Family) -> Family:
    defaults, space = _REGRESSION_DEFAULTS.get(classifier.name, (classifier.defaults, classifier.space))
    return Family(classifier.name, "regression", _REGRESSORS[classifier.name], classifier.preparation, defaults, space)


_FAMILIES = {
    (family.name, family.task): family for classifier in _CLASSIFIERS for family in (classifier, _regressor(classifier))
}


def families_for(task: str) -> list[Family]:
    """Return the families for a task, cheapest first."""
    return [family for family in _FAMILIES.values() if family.task == task]


def build(
    name: str, task: str, encoding: Encoding, params: Mapping[str, Parameter] | None = None, seed: int = 0
) -> Model:
    """Return an unfitted model; raise SpecError for names and parameters that do not exist.

    `name` is a family of `families_for`, one of `converted.NAMES` or the dotted path of a scikit-learn estimator; the
    latter two are served through ONNX when they have no flat form.
    """
    family = _FAMILIES.get((name, task)) or _family_of(name, task)
    if family is not None:
        return family.build(encoding, params, seed)
    estimator = converted.make(name, task)
    if estimator is None:
        names = ", ".join(sorted({family for family, _ in _FAMILIES} | set(converted.NAMES)))
        raise SpecError(f"no estimator family {name!r} for {task}; there are {names}", field="estimators")
    _check(estimator, list(params or {}))
    estimator.set_params(**(params or {}))
    converted.check(estimator, name, task)
    _seed(estimator, seed)
    _bound_jobs(estimator)
    return Model(estimator, _with_means(OneHot(_codes(encoding), dense=True), encoding))


def settings_of(name: str, task: str, params: Mapping[str, Parameter]) -> dict[str, Parameter]:
    """Return what `build` sets for the same arguments: the family's defaults and the parameters that replace them."""
    family = _FAMILIES.get((name, task))
    return dict(params) if family is None else {**family.defaults, **params}


def _family_of(path: str, task: str) -> Family | None:
    """Return the family that has the class of a dotted path, reduced to that class and its own defaults."""
    for family in families_for(task):
        for kind, estimator in family.kinds.items():
            if path.startswith("sklearn.") and path.rpartition(".")[2] == estimator.__name__:
                return replace(family, kinds={kind: estimator}, defaults={})
    return None
