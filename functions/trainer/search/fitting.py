"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer.comparison.start import NOWHERE
from trainer.resumption import attempt
from trainer.search import candidates as search
from trainer.search.estimation import estimate
from trainer.search.halving import Clock, try_out, try_rung
from trainer.search.objective import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.comparison.start import Start
    from trainer.evaluation.predictors import Estimator
    from trainer.resumption import Resumption
    from trainer.search.candidates import Candidate, Trial
    from trainer.search.objective import Objective
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model with every trial that led to it; where it started, and what came of the state there."""

    estimator: Estimator
    chosen: Trial
    objective: Objective
    trials: list[Trial]
    start: Start
    reason: str

    @property
    def continued(self) -> bool:
        """Tell whether the model goes on from its predecessor's fitted state."""
        return self.chosen.origin == search.CONTINUED


def fit(
    table: PreparedTable,
    seconds: float,
    report: Callable[[float], None],
    recorded: list[Trial],
    start: Start = NOWHERE,
) -> Fitted:
    """Try the candidates, the predecessor's settings first, and keep the best on all rows.

    Where the predecessor's fitted state may go on, that is the first fit on all rows, and a cold one of its settings is
    left out. With `recorded` trials their winner is fitted alone.

    `seconds` is the time there is; a spec may leave less of it to the search. Nothing begins that is expected to end
    later, except the one fit that is needed. Raises FitRefusedError when every estimator refuses the table.
    """
    candidates = search.candidates(table, start.candidate(table))
    objective = settle(table, candidates)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        return _repeat(table, search.best(metric, whole), objective, recorded, start)
    under_way = _Search(table, metric, candidates, time.monotonic() + seconds, report)
    under_way.climb()
    resumed = attempt(table, start, objective)
    under_way.finish(resumed)
    winner = search.best(metric, under_way.whole)
    lost = resumed.made is not None and winner is not resumed.made[0]
    reason = "another trial was better than going on" if lost else resumed.reason
    return Fitted(under_way.kept, winner, objective, [*under_way.trials, *under_way.whole], start, reason)


def _repeat(table: PreparedTable, winner: Trial, objective: Objective, recorded: list[Trial], start: Start) -> Fitted:
    """Fit a recorded winner once more; cold, if the state that it went on from cannot be had any more."""
    resumed = attempt(table, start, objective)
    if resumed.made is not None:
        return Fitted(resumed.made[1], winner, objective, recorded, start, resumed.reason)
    if winner.origin == search.CONTINUED:
        winner = replace(winner, origin=search.PREDECESSOR)
    estimator = estimate(table, winner.candidate, table.train)
    return Fitted(estimator, winner, objective, recorded, start, resumed.reason)


class _Search:
    """A search under way: what is left to try, what was tried, and the best model on all rows so far."""

    def __init__(
        self, table: PreparedTable, metric: str, left: list[Candidate], end: float, report: Callable[[float], None]
    ) -> None:
        self._table, self._metric, self._left, self._end = table, metric, left, end
        limit = time.monotonic() + float(table.spec.search.get("seconds", float("inf")))
        *self._early, self._rows = search.rungs(table.train.rows, len(left))
        self._clock = Clock(min(end, limit), report)
        self.trials: list[Trial] = []
        self.whole: list[Trial] = []
        self.kept: Estimator

    def climb(self) -> None:
        """Try what is left on the lower rungs, and leave the better third of each."""
        for number, size in enumerate(self._early):
            rung = try_rung(self._table, self._left, size, self._metric, self._stage(number))
            self._left = search.survivors(self._metric, rung) or self._left[:1]
            self.trials += rung

    def finish(self, resumed: Resumption) -> None:
        """Fit what is left on all rows, one after the other, and keep the best."""
        left = self._left
        if resumed.made is not None:
            self._take(*resumed.made)
            left = [candidate for candidate in left if candidate.origin != search.PREDECESSOR]
        left = search.surest_first(left, self.trials, self._rows, self._end - time.monotonic())
        clock = self._stage(len(self._early))
        for number, candidate in enumerate(left, 1):
            if self._is_safe() and clock.left() <= search.expected_seconds(candidate, self.trials, self._rows):
                continue
            self._take(*try_out(self._table, candidate, self._table.train, self._metric))
            clock.report(number / len(left))
        if not self._is_safe():
            raise FitRefusedError("; ".join(sorted({str(trial.error) for trial in self.whole})))

    def _is_safe(self) -> bool:
        """Tell whether there is a model already."""
        return any(trial.error is None for trial in self.whole)

    def _take(self, trial: Trial, estimator: Estimator | None) -> None:
        self.whole.append(trial)
        if estimator is not None and search.best(self._metric, self.whole) is trial:
            self.kept = estimator

    def _stage(self, number: int) -> Clock:
        return self._clock.stage(number, len(self._early) + 1)
