"""Keys of a model.yaml that contradict each other, the task once it is known, or what was uploaded."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from modelloop.spec import fields

if TYPE_CHECKING:
    from modelloop.spec.model import Spec

FOR_IMPORTED = ("columns", "classes", "outputs")
FOR_TABLES = (
    "features", "ignore", "time_column", "group_column", "estimators", "params", "search", "holdout", "rare_classes",
    "watch",
)  # fmt: skip
_CLASSIFIER = re.compile(
    r"(?:Classifier(?:CV)?|SVC|NB|DiscriminantAnalysis|LogisticRegression(?:CV)?|Perceptron|NearestCentroid)$"
)
_REGRESSOR = re.compile(
    r"(?:Regressor(?:CV)?|SVR|LinearRegression|KernelRidge|ARDRegression|(?:Ridge|Lasso|ElasticNet|Lars)(?:CV)?)$"
)


def check_combinations(spec: Spec) -> None:
    """Raise SpecError for keys that contradict each other whatever is uploaded."""
    task = spec.task or _task_of_metric(spec.metric)
    unlisted = [name for name in spec.params if name not in (spec.estimators or fields.DEFAULT_FAMILIES)]
    unseen = spec.promotion.policy == "auto" and spec.promotion.canary_percent == 0
    contradictions = [
        (spec.time_column and spec.group_column, "group_column", "give time_column or group_column, not both"),
        (spec.target and spec.target in spec.ignore, "ignore", "the target cannot be ignored"),
        (spec.target and spec.target in spec.features, "features", "the target cannot be a feature"),
        (set(spec.features) & set(spec.ignore), "ignore", "a column is in both features and ignore"),
        (spec.time_column and spec.time_column == spec.target, "time_column", "the target cannot order the rows"),
        (spec.group_column and spec.group_column == spec.target, "group_column", "the target cannot group the rows"),
        (spec.time_column in spec.ignore, "ignore", "the column that orders the rows is no feature: remove it here"),
        (spec.group_column in spec.ignore, "ignore", "the column that groups the rows is no feature: remove it here"),
        (task == "regression" and spec.classes, "classes", "classes are for classification"),
        (unlisted, "params", f"there are parameters for {', '.join(unlisted)}, which is not in `estimators`"),
        (unseen, "promotion.canary_percent", "a challenger without requests is never judged: choose manual or shadow"),
    ]  # fmt: skip
    for wrong, key, message in contradictions:
        if wrong:
            raise spec.refuse(key, message)
    if task:
        check_task(spec, task, len(spec.classes) or (2 if task == "classification" else 0))


def check_task(spec: Spec, task: str, classes: int) -> None:
    """Raise SpecError for what does not fit the task that was found; `classes` is 0 for regression."""
    if spec.metric is not None and _task_of_metric(spec.metric) != task:
        raise spec.refuse("metric", f"{spec.metric} is not a metric of {task}")
    if spec.threshold is not None and classes != 2:  # noqa: PLR2004  a threshold separates two classes
        what = f"{classes} classes" if classes else "numbers"
        raise spec.refuse("threshold", f"a threshold decides between two classes, and the target has {what}")
    other = _CLASSIFIER if task == "regression" else _REGRESSOR
    for name in spec.estimators:
        if "." in name and other.search(name):
            raise spec.refuse("estimators", f"{name} is not an estimator for {task}")


def check_upload(spec: Spec, *, imported: bool) -> None:
    """Raise SpecError for a key that has no effect on what was uploaded: a table, or an imported model."""
    for key in FOR_TABLES if imported else FOR_IMPORTED:
        if key in spec.lines:
            why = (
                "an imported model is not fitted here" if imported else "it is for imported models, and this is a table"
            )
            raise spec.refuse(key, f"`{key}` has no effect: {why}")


def _task_of_metric(metric: str | None) -> str | None:
    if metric is None:
        return None
    return "classification" if metric in fields.CLASSIFICATION_METRICS else "regression"
