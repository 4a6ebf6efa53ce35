"""Families and estimators without a flat form: served through ONNX, tried only when a spec names them."""

from __future__ import annotations

from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING, Any

from sklearn import calibration, ensemble, linear_model, neighbors, neural_network, svm
from sklearn.base import BaseEstimator, ClassifierMixin, RegressorMixin

from modelloop.errors import SpecError

if TYPE_CHECKING:
    from collections.abc import Callable

_NAMESPACE = "sklearn."
_NEIGHBOURS = 15


def _calibrated_svm() -> Any:
    """Return a support vector classifier whose probabilities are calibrated (it has none of its own)."""
    return calibration.CalibratedClassifierCV(svm.SVC(), ensemble=False)


def _stacked_classifiers() -> Any:
    members = [
        ("linear", linear_model.LogisticRegression(max_iter=1000)),
        ("forest", ensemble.RandomForestClassifier(max_leaf_nodes=64, random_state=0)),
    ]
    return ensemble.StackingClassifier(members, linear_model.LogisticRegression(max_iter=1000))


def _stacked_regressors() -> Any:
    members = [
        ("linear", linear_model.Ridge()),
        ("forest", ensemble.RandomForestRegressor(max_leaf_nodes=64, random_state=0)),
    ]
    return ensemble.StackingRegressor(members, linear_model.Ridge())


_FACTORIES: dict[tuple[str, str], Callable[[], Any]] = {
    ("svm", "classification"): _calibrated_svm,
    ("svm", "regression"): svm.SVR,
    # Stopped early by its accuracy, which a rare class leaves as it is, it would say far too much of that class.
    ("mlp", "classification"): partial(neural_network.MLPClassifier, max_iter=500, alpha=0.1),
    ("mlp", "regression"): partial(neural_network.MLPRegressor, max_iter=500, early_stopping=True),
    ("knn", "classification"): partial(neighbors.KNeighborsClassifier, n_neighbors=_NEIGHBOURS),
    ("knn", "regression"): partial(neighbors.KNeighborsRegressor, n_neighbors=_NEIGHBOURS),
    ("stacking", "classification"): _stacked_classifiers,
    ("stacking", "regression"): _stacked_regressors,
}
NAMES = sorted({name for name, _ in _FACTORIES})


def make(name: str, task: str) -> Any | None:
    """Return the estimator that a spec names: one of `NAMES`, or a class of scikit-learn by its dotted path.

    None: no such name. Raises SpecError for a dotted path that cannot be had or does not fit the task.
    """
    if (name, task) in _FACTORIES:
        return _FACTORIES[name, task]()
    return _class_of(name, task)() if "." in name else None


def _class_of(path: str, task: str) -> type[Any]:
    module, _, name = path.rpartition(".")
    if not path.startswith(_NAMESPACE) or any(part.startswith("_") for part in path.split(".")):
        raise SpecError(f"{path!r} is not a public class of scikit-learn", field="estimators")
    try:
        named = getattr(import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise SpecError(f"scikit-learn has no {path!r}", field="estimators") from error
    kind = ClassifierMixin if task == "classification" else RegressorMixin
    if not (isinstance(named, type) and issubclass(named, BaseEstimator) and issubclass(named, kind)):
        raise SpecError(f"{path!r} is not an estimator for {task}", field="estimators")
    if issubclass(named, svm.SVC | svm.NuSVC):
        raise SpecError(
            f"the probabilities of {path!r} do not agree with what it predicts: name `svm`, whose do",
            field="estimators",
        )
    return _with_defaults(path, named)


def check(estimator: Any, name: str, task: str) -> None:
    """Raise SpecError for a classifier that gives no probabilities as its parameters are set."""
    if task == "classification" and not hasattr(estimator, "predict_proba"):
        raise SpecError(
            f"{name!r} with these parameters gives no probabilities, which every classifier here must",
            field="estimators",
        )


def _with_defaults(path: str, estimator: type[Any]) -> type[Any]:
    try:
        estimator()
    except TypeError as error:
        raise SpecError(
            f"{path!r} is made of other estimators or needs what model.yaml cannot give ({error}): name `stacking`, "
            "or a class that works as it comes",
            field="estimators",
        ) from error
    return estimator
