"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer import search
from trainer.estimation import estimate
from trainer.objective import settle
from trainer.rung import Clock, try_out, try_rung

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.objective import Objective
    from trainer.predecessor import Predecessor
    from trainer.predictors import Estimator
    from trainer.search import Candidate, Trial
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model with every trial that led to it, and the version whose settings were tried first."""

    estimator: Estimator
    chosen: Trial
    objective: Objective
    trials: list[Trial]
    predecessor: Predecessor | None


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
    chosen = search.candidates(table, None if predecessor is None else predecessor.candidate(table))
    objective = settle(table, chosen)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = search.best(metric, whole)
        return Fitted(estimate(table, winner.candidate, table.train), winner, objective, recorded, predecessor)
    end = time.monotonic() + seconds
    clock = Clock(min(end, time.monotonic() + float(table.spec.search.get("seconds", seconds))), report)
    *early, rows = search.rungs(table.train.rows, len(chosen))
    trials: list[Trial] = []
    for number, size in enumerate(early):
        rung = try_rung(table, chosen, size, metric, clock.stage(number, len(early) + 1))
        chosen = search.survivors(metric, rung) or chosen[:1]
        trials += rung
    chosen = search.surest_first(chosen, trials, rows, end - time.monotonic())
    estimator, whole = _finish(table, chosen, metric, clock.stage(len(early), len(early) + 1), trials)
    return Fitted(estimator, search.best(metric, whole), objective, [*trials, *whole], predecessor)


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
