"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer import search
from trainer.estimation import estimate
from trainer.rung import Clock, try_out, try_rung

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.predecessor import Predecessor
    from trainer.predictors import Estimator
    from trainer.search import Candidate, Trial
    from trainer.table import PreparedTable

_DEVIANCES = {"PoissonRegressor": "poisson_deviance", "GammaRegressor": "gamma_deviance"}


@dataclass(frozen=True)
class Fitted:
    """The chosen model with every trial that led to it, and the version whose settings were tried first."""

    estimator: Estimator
    chosen: Trial
    metric: str
    trials: list[Trial]
    predecessor: Predecessor | None

    @property
    def gate_metric(self) -> str:
        """The metric that the gate compares: a mean of row losses proper to the task and the estimator's loss."""
        if self.estimator.task == "classification":
            return "log_loss"
        return _DEVIANCES.get(type(self.estimator.model.estimator).__name__, "rmse")


def fit(
    table: PreparedTable,
    seconds: float,
    report: Callable[[float], None],
    recorded: list[Trial],
    predecessor: Predecessor | None = None,
) -> Fitted:
    """Try the candidates, the predecessor's settings first, and keep the best on all rows.

    With `recorded` trials their winner is fitted alone.

    `seconds` is the time there is; a spec may leave less of it to the search. Nothing begins that is expected to end
    later, except the one fit that is needed. Raises FitRefusedError when every estimator refuses the table.
    """
    metric = selection_metric(table)
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = search.best(metric, whole)
        return Fitted(estimate(table, winner.candidate, table.train), winner, metric, recorded, predecessor)
    end = time.monotonic() + seconds
    clock = Clock(min(end, time.monotonic() + float(table.spec.search.get("seconds", seconds))), report)
    chosen = search.candidates(table, None if predecessor is None else predecessor.candidate(table))
    *early, rows = search.rungs(table.train.rows, len(chosen))
    trials: list[Trial] = []
    for number, size in enumerate(early):
        rung = try_rung(table, chosen, size, metric, clock.stage(number, len(early) + 1))
        chosen = search.survivors(metric, rung) or chosen[:1]
        trials += rung
    chosen = search.surest_first(chosen, trials, rows, end - time.monotonic())
    estimator, whole = _finish(table, chosen, metric, clock.stage(len(early), len(early) + 1), trials)
    return Fitted(estimator, search.best(metric, whole), metric, [*trials, *whole], predecessor)


def selection_metric(table: PreparedTable) -> str:
    """Return the metric that chooses among trials: the spec's, else log loss or RMSE."""
    if table.spec.metric is not None and table.spec.metric != "deviance":
        return table.spec.metric
    return "log_loss" if table.task == "classification" else "rmse"


def _finish(
    table: PreparedTable, chosen: list[Candidate], metric: str, clock: Clock, trials: list[Trial]
) -> tuple[Estimator, list[Trial]]:
    """Fit what is left on all rows, one after the other; return the best, and the trial of each."""
    whole: list[Trial] = []
    kept: Estimator | None = None
    for number, candidate in enumerate(chosen, 1):
        if kept is not None and clock.left() <= search.expected_seconds(candidate, trials, table.train.rows):
            continue
        trial, estimator = try_out(table, candidate, table.train, metric)
        whole.append(trial)
        if estimator is not None and search.best(metric, whole) is trial:
            kept = estimator
        clock.report(number / len(chosen))
    if kept is None:
        raise FitRefusedError("; ".join(sorted({str(trial.error) for trial in whole})))
    return kept, whole
