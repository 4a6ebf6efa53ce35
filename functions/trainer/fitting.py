"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from joblib import Parallel, delayed
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from trainer import search
from trainer.evaluation.metrics import statistics
from trainer.families import build
from trainer.predictors import Estimator
from trainer.search import Candidate, Trial

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.evaluation import Outcome
    from trainer.table import Part, PreparedTable

MOST_THREADS = 2  # sums of two parts do not depend on their order; of more they do
CELLS_FOR_THREADS = 2_000_000  # below, waiting for each other costs more than it saves
_DEVIANCES = {"PoissonRegressor": "poisson_deviance", "GammaRegressor": "gamma_deviance"}


@dataclass(frozen=True)
class Fitted:
    """The chosen model with every trial that led to it."""

    estimator: Estimator
    chosen: Trial
    metric: str
    trials: list[Trial]

    @property
    def gate_metric(self) -> str:
        """The metric that the gate compares: a mean of row losses proper to the task and the estimator's loss."""
        if self.estimator.task == "classification":
            return "log_loss"
        return _DEVIANCES.get(type(self.estimator.model.estimator).__name__, "rmse")


@dataclass(frozen=True, slots=True)
class Clock:
    """Until when fits may begin, and who is told the share that is done."""

    deadline: float
    report: Callable[[float], None]

    def is_over(self) -> bool:
        """Tell whether no further fit may begin."""
        return time.monotonic() >= self.deadline


def fit(table: PreparedTable, seconds: float, report: Callable[[float], None], recorded: list[Trial]) -> Fitted:
    """Try the candidates and keep the best on all rows; with `recorded` trials, fit their winner alone.

    `seconds` is the time there is: no fit begins after it, except the one that is needed.
    """
    metric = selection_metric(table)
    seconds = min(seconds, float(table.spec.search.get("seconds", seconds)))
    clock = Clock(time.monotonic() + seconds, report)
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = search.best(metric, whole)
        return Fitted(_fit(table, winner.candidate, table.train), winner, metric, recorded)
    chosen = search.candidates(table)
    *early, rows = search.rungs(table.train.rows, len(chosen))
    trials: list[Trial] = []
    for number, size in enumerate(early):
        rung = _try_rung(table, chosen, size, metric, clock)
        trials += rung
        chosen = search.survivors(metric, rung) or chosen[:1]
        report((number + 1) / (len(early) + 1))
    return _finish(table, chosen, rows, metric, clock, trials)


def selection_metric(table: PreparedTable) -> str:
    """Return the metric that chooses among trials: the spec's, else log loss or RMSE."""
    if table.spec.metric is not None and table.spec.metric != "deviance":
        return table.spec.metric
    return "log_loss" if table.task == "classification" else "rmse"


def figure(outcome: Outcome, metric: str) -> float:
    """Return one plain metric of an outcome."""
    return float(statistics(outcome)[metric](np.ones((1, outcome.rows)))[0])


def _try_rung(table: PreparedTable, chosen: list[Candidate], rows: int, metric: str, clock: Clock) -> list[Trial]:
    """Fit candidates on some of the rows, as many at a time as there are processors, until the time is over."""
    workers = os.cpu_count() or 1
    picked = np.sort(np.random.default_rng(table.seed).permutation(table.train.rows)[:rows])
    part = table.train.take(picked)
    trials: list[Trial] = []
    for start in range(0, len(chosen), workers):
        if clock.is_over():
            break
        batch = chosen[start : start + workers]
        trials += Parallel(n_jobs=workers, backend="threading")(
            delayed(_try)(table, candidate, part, metric, 1) for candidate in batch
        )
    return trials


def _try(table: PreparedTable, candidate: Candidate, part: Part, metric: str, threads: int) -> Trial:
    started = time.monotonic()
    estimator = _fit(table, candidate, part, threads)
    score = figure(estimator.outcome(table.validation), metric)
    return Trial(candidate.family, candidate.params, part.rows, score, time.monotonic() - started)


def _finish(
    table: PreparedTable, chosen: list[Candidate], rows: int, metric: str, clock: Clock, trials: list[Trial]
) -> Fitted:
    """Fit what is left on all rows, one after the other, and return the best."""
    whole: list[Trial] = []
    kept: Estimator | None = None
    for number, candidate in enumerate(chosen):
        if kept is not None and clock.is_over():
            break
        started = time.monotonic()
        estimator = _fit(table, candidate, table.train)
        score = figure(estimator.outcome(table.validation), metric)
        whole.append(Trial(candidate.family, candidate.params, rows, score, time.monotonic() - started))
        if search.best(metric, whole) is whole[-1]:
            kept = estimator
        clock.report((number + 1) / len(chosen))
    if kept is None:
        raise RuntimeError("there was nothing to fit")
    return Fitted(kept, search.best(metric, whole), metric, [*trials, *whole])


def fit_part(table: PreparedTable, candidate: Candidate, part: Part) -> Estimator:
    """Fit a candidate on some rows alone, without early stopping."""
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    with threadpool_limits(1):
        model.fit(part.matrix, part.target.astype(_kind(table)))
    return Estimator(model, table.task, table.spec.threshold)


def _fit(table: PreparedTable, candidate: Candidate, part: Part, threads: int = MOST_THREADS) -> Estimator:
    threads = threads if part.matrix.size > CELLS_FOR_THREADS else 1
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    labels = _kind(table)
    validation = (table.validation.matrix, table.validation.target.astype(labels))
    with threadpool_limits({"blas": 1, "openmp": threads}):
        model.fit(part.matrix, part.target.astype(labels), validation=validation)
    return Estimator(model, table.task, table.spec.threshold)


def _kind(table: PreparedTable) -> type[np.int64 | np.float64]:
    return np.int64 if table.task == "classification" else np.float64
