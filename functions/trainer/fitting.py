"""Fit the families within the deadline and choose by the validation part."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from modelloop.errors import DatasetRejectedError
from trainer.evaluation.metrics import statistics
from trainer.families import build
from trainer.predictors import Estimator

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.evaluation import Outcome
    from trainer.table import PreparedTable

DEFAULT_FAMILIES = ("linear", "hist_gradient_boosting")
_DEVIANCES = {"PoissonRegressor": "poisson_deviance", "GammaRegressor": "gamma_deviance"}
RISING = frozenset({"roc_auc", "pr_auc", "accuracy", "f1", "r2"})


@dataclass(frozen=True, slots=True)
class Trial:
    """One fit: the family with its parameters, its score on the validation part, and the seconds it took."""

    family: str
    params: dict[str, Any]
    score: float
    seconds: float

    def to_json(self) -> dict[str, Any]:
        """Return the document that the manifest carries."""
        return {
            "family": self.family, "params": self.params, "score": self.score, "seconds": round(self.seconds, 3)
        }  # fmt: skip


@dataclass(frozen=True)
class Fitted:
    """The chosen model with every trial that led to it."""

    estimator: Estimator
    chosen: Trial
    metric: str
    trials: list[Trial] = field(default_factory=list)

    @property
    def gate_metric(self) -> str:
        """The metric that the gate compares: a mean of row losses proper to the task and the estimator's loss."""
        if self.estimator.task == "classification":
            return "log_loss"
        return _DEVIANCES.get(type(self.estimator.model.estimator).__name__, "rmse")


def fit(table: PreparedTable, seconds: float, report: Callable[[float], None]) -> Fitted:
    """Fit every family that the spec names (or the default ones), cheapest first, and keep the best.

    `seconds` is the time there is; no fit begins after it. `report` is told the share that is done. Raises
    DatasetRejectedError when nothing can be fitted on the table.
    """
    deadline = time.monotonic() + seconds
    metric = selection_metric(table)
    names = table.spec.estimators or DEFAULT_FAMILIES
    best: tuple[Estimator, Trial] | None = None
    trials: list[Trial] = []
    with threadpool_limits(1, user_api="blas"):
        for number, name in enumerate(names):
            if best is not None and time.monotonic() >= deadline:
                break
            estimator, trial = _try(table, name, metric)
            trials.append(trial)
            if best is None or _better(metric, trial.score, best[1].score):
                best = (estimator, trial)
            report((number + 1) / len(names))
    if best is None:
        raise DatasetRejectedError("no estimator could be fitted")
    return Fitted(*best, metric, trials)


def selection_metric(table: PreparedTable) -> str:
    """Return the metric that chooses among trials: the spec's, else log loss or RMSE."""
    if table.spec.metric is not None and table.spec.metric != "deviance":
        return table.spec.metric
    return "log_loss" if table.task == "classification" else "rmse"


def _try(table: PreparedTable, name: str, metric: str) -> tuple[Estimator, Trial]:
    started = time.monotonic()
    params = dict(table.spec.params.get(name, {}))
    model = build(name, table.task, table.encoding, params, table.seed)
    labels = np.int64 if table.task == "classification" else np.float64
    train, validation = table.train, table.validation
    model.fit(
        train.matrix,
        train.target.astype(labels),
        validation=(validation.matrix, validation.target.astype(labels)),
    )
    estimator = Estimator(model, table.task, table.spec.threshold)
    score = figure(estimator.outcome(validation), metric)
    return estimator, Trial(name, params, score, time.monotonic() - started)


def figure(outcome: Outcome, metric: str) -> float:
    """Return one plain metric of an outcome."""
    return float(statistics(outcome)[metric](np.ones((1, outcome.rows)))[0])


def _better(metric: str, score: float, than: float) -> bool:
    return score > than if metric in RISING else score < than
