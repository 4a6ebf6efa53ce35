"""What each key of model.yaml may hold: a tree of readers, walked together with the YAML nodes to know the lines."""

from __future__ import annotations

import re
from math import isfinite
from typing import TYPE_CHECKING, Any, NamedTuple
from unicodedata import normalize

from modelloop.spec import deviance
from modelloop.tables.grammar import BOOLEAN, MISSING_TOKENS, read_text
from modelloop.tables.names import clean_name

if TYPE_CHECKING:
    from collections.abc import Callable

    Reader = Callable[[object], Any]
    Schema = dict[str, "Reader | Schema"]

Parameter = str | float | bool | None

FAMILIES = ("linear", "hist_gradient_boosting", "decision_tree", "random_forest", "extra_trees", "gradient_boosting")
DEFAULT_FAMILIES = ("linear", "hist_gradient_boosting")
CONVERTED = ("knn", "mlp", "stacking", "svm")
CLASSIFICATION_METRICS = ("log_loss", "roc_auc", "pr_auc", "brier", "accuracy", "f1")
REGRESSION_METRICS = (
    "rmse", "mae", "r2", "deviance", "poisson_deviance", "gamma_deviance", "tweedie_deviance_P", "pinball_Q"
)  # fmt: skip
HIGHER_IS_BETTER = frozenset({"accuracy", "f1", "roc_auc", "pr_auc", "r2"})  # of all others, lower
COLUMN_KINDS = ("number", "boolean")
MAX_TOKENS, MAX_TOKEN = 100, 200
MAX_WHOLE = 2**63
MAX_TREES = 10_000
MAX_SIZES = {  # of parameters that decide how long a fit takes and how large a model is
    "n_estimators": MAX_TREES, "max_iter": 1_000_000, "n_iter": 1_000_000, "n_init": 1_000, "n_components": 10_000,
    "n_restarts_optimizer": 1_000, "n_alphas": 10_000, "cv": 1_000,
}  # fmt: skip
_ESTIMATOR = re.compile(r"sklearn(?:\.[a-z][a-z0-9_]*)+\.[A-Z][A-Za-z0-9]*")


class UnfitValueError(ValueError):
    """A value that its key may not have; the message completes "`key` must be"."""


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise UnfitValueError("text; put it in quotes if it looks like a number, a date or yes/no")
    return clean_name(value)


def _texts(value: object) -> tuple[str, ...]:
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list):
        raise UnfitValueError("a list of texts")
    texts = tuple(_text(item) for item in items)
    if len(set(texts)) != len(texts):
        raise UnfitValueError("a list without repetitions")
    return texts


class Missing(NamedTuple):
    """The texts that are listed under `missing`, and all that mean missing: with the defaults, or these `only`."""

    listed: tuple[str, ...]
    tokens: tuple[str, ...]


def _missing(value: object) -> Missing:
    only = isinstance(value, dict) and set(value) == {"only"}
    items = value["only"] if isinstance(value, dict) and only else value
    if not isinstance(items, list) or not all(isinstance(item, str) for item in items):
        raise UnfitValueError(
            "a list of texts, which adds to the defaults, or {only: [...]}, which replaces them; put tokens such as "
            "null, 0 or no in quotes"
        )
    if len(items) > MAX_TOKENS or any(len(item) > MAX_TOKEN for item in items):
        raise UnfitValueError(f"a list of at most {MAX_TOKENS} texts of at most {MAX_TOKEN} characters")
    listed = {normalize("NFC", item.strip()) for item in items}
    return Missing(tuple(sorted(listed)), tuple(sorted(listed if only else listed | set(MISSING_TOKENS))))


def _switch(value: object) -> bool:
    if not isinstance(value, bool):
        raise UnfitValueError("true or false")
    return value


def _unless_off(value: object) -> bool | None:
    """Return False for a switch that is off, None for one that is on: a spelled-out default changes no digest."""
    return None if _switch(value) else False


def _choice(*options: str) -> Reader:
    def read(value: object) -> str:
        if value not in options:
            raise UnfitValueError(f"one of {', '.join(options)}")
        return str(value)

    return read


def _metric(value: object) -> str:
    metrics = (*CLASSIFICATION_METRICS, *REGRESSION_METRICS)
    name = value if value in metrics[:-2] else deviance.canonical(value) if isinstance(value, str) else None
    if name is None:
        raise UnfitValueError(
            f"one of {', '.join(metrics)}, with a power P of 1 or more (such as 1.5) and a quantile Q between 0 and 1"
        )
    return str(name)


def _number(low: float, high: float, *, whole: bool = False) -> Reader:
    def read(value: object) -> float:
        fits = isinstance(value, int) or (isinstance(value, float) and not whole)
        if not fits or isinstance(value, bool) or not low <= value <= high:  # type: ignore[operator]
            raise UnfitValueError(f"a {'whole ' if whole else ''}number from {low:g} to {high:g}")
        return value  # type: ignore[return-value]

    return read


def _estimators(value: object) -> tuple[str, ...]:
    names = _texts(value)
    for name in names:
        if name not in (*FAMILIES, *CONVERTED) and not _ESTIMATOR.fullmatch(name):
            raise UnfitValueError(
                f"estimator families ({', '.join((*FAMILIES, *CONVERTED))}) or scikit-learn classes such as "
                f"sklearn.naive_bayes.GaussianNB; "
                f"{name[:80]!r} is neither"
            )
    return names


def _limit(estimator: str, parameter: str) -> int | None:
    """Return how large a parameter may be; None for one that does not decide how long a fit takes."""
    boosted = parameter == "max_iter" and "histgradientboosting" in estimator.replace("_", "").lower()
    return MAX_TREES if boosted else MAX_SIZES.get(parameter)


def _params(value: object) -> dict[str, dict[str, Parameter]]:
    if not isinstance(value, dict) or not all(isinstance(inner, dict) for inner in value.values()):
        raise UnfitValueError("a mapping from estimator to its parameters, such as linear: {C: 1.0}")
    _estimators(list(value))
    for estimator, parameters in value.items():
        for name, setting in parameters.items():
            plain = setting is None or isinstance(setting, str | int | float | bool)
            if not isinstance(name, str) or not plain:
                raise UnfitValueError("made of plain parameters: names with numbers, texts, true, false or null")
            most = _limit(str(estimator), name)
            if most is not None and isinstance(setting, int | float) and most < setting < MAX_WHOLE:
                raise UnfitValueError(f"sizes that a fit can end with: {name} of {estimator} is at most {most:,}")
    return {str(estimator): dict(parameters) for estimator, parameters in value.items()}


def _columns(value: object) -> dict[str, str | list[str]]:
    items = value if isinstance(value, dict) else dict.fromkeys(_texts(value), "number")
    if not items or not all(isinstance(name, str) and _is_column(kind) for name, kind in items.items()):
        raise UnfitValueError("a list of names of number columns, or a mapping from name to number, boolean, "
                              "or the list of a text's categories in the order of their codes")  # fmt: skip
    return dict(items)


def _is_column(kind: object) -> bool:
    if isinstance(kind, list):
        return bool(kind) and len(set(map(str, kind))) == len(kind) and all(isinstance(item, str) for item in kind)
    return kind in COLUMN_KINDS


def _classes(value: object) -> tuple[str | int | float | bool, ...]:
    if not isinstance(value, list) or len(value) < 2 or not all(isinstance(item, str | int | float) for item in value):  # noqa: PLR2004  a classifier needs two
        raise UnfitValueError("a list of at least two labels, in the order of the model's outputs")
    if len({read_text(item, frozenset()) for item in value}) != len(value):
        raise UnfitValueError("a list without repetitions")
    return tuple(value)


def check_switches(node: Any) -> None:
    """Raise UnfitValueError for a node of YAML that lists yes, no, on or off: YAML makes true and false of them."""
    items = node.value if node.id == "sequence" else []
    if any(item.tag == "tag:yaml.org,2002:bool" and item.value.lower() not in BOOLEAN for item in items):
        raise UnfitValueError('labels as they are: put words such as "yes" and "no" in quotes')


def check_numbers(value: object) -> None:
    """Raise UnfitValueError for a number, at whatever depth, that is infinite, not a number or beyond 64 bits."""
    if isinstance(value, dict):
        for name, item in value.items():
            check_numbers(name)
            check_numbers(item)
    elif isinstance(value, list):
        for item in value:
            check_numbers(item)
    elif isinstance(value, int) and not -MAX_WHOLE <= value < MAX_WHOLE:
        raise UnfitValueError("made of whole numbers of at most 64 bits")
    elif isinstance(value, float) and not isfinite(value):
        raise UnfitValueError("made of numbers, not of infinity or NaN")


def _outputs(value: object) -> dict[str, str]:
    if not isinstance(value, dict) or not set(value) <= {"predict", "predict_proba"}:
        raise UnfitValueError("a mapping with predict and predict_proba, each the name of an output of the model")
    return {str(name): _text(output) for name, output in value.items()}


SCHEMA: Schema = {
    "target": _text,
    "task": _choice("classification", "regression"),
    "features": _texts,
    "ignore": _texts,
    "time_column": _text,
    "group_column": _text,
    "estimators": _estimators,
    "params": _params,
    "search": {"trials": _number(1, 1000, whole=True), "seconds": _number(1, 840), "blend": _unless_off},
    "metric": _metric,
    "holdout": _number(0.05, 0.5),
    "threshold": _number(0, 1),
    "rare_classes": _choice("refuse", "merge", "drop"),
    "promotion": {
        "policy": _choice("auto", "manual", "shadow"),
        "canary_percent": _number(0, 100),
        "bake_minutes": _number(0, 10080),
        "margin": _number(0, 1),
    },
    "monitoring": {
        "capture_percent": _number(0, 100),
        "min_rows": _number(50, 1_000_000, whole=True),
        "label_delay_hours": _number(0, 24 * 90),
    },
    "retrain": {
        "on_drift": _switch,
        "cooldown_hours": _number(0, 24 * 365),
        "max_per_day": _number(0, 100, whole=True),
    },
    "watch": _texts,
    "protected": _texts,
    "mask": _texts,
    "missing": _missing,
    "columns": _columns,
    "classes": _classes,
    "outputs": _outputs,
}
