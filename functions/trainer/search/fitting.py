"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer.search import candidates as search
from trainer.search.estimation import estimate
from trainer.search.halving import Clock, try_out, try_rung
from trainer.search.objective import settle

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.comparison.predecessor import Predecessor
    from trainer.evaluation.predictors import Estimator
    from trainer.search.candidates import Candidate, Trial
    from trainer.search.objective import Objective
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model, every trial that led to it, and the version whose settings were tried first, if any."""

    estimator: Estimator
    chosen: Trial
    objective: Objective
    trials: list[Trial]
    predecessor: Predecessor | None = None


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
    candidates = search.candidates(table, None if predecessor is None else predecessor.candidate(table))
    objective = settle(table, candidates)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = search.best(metric, whole)
        return Fitted(estimate(table, winner.candidate, table.train), winner, objective, recorded, predecessor)
    under_way = _Search(table, metric, candidates, time.monotonic() + seconds, report)
    under_way.climb()
    under_way.finish()
    winner = search.best(metric, under_way.whole)
    return Fitted(under_way.kept, winner, objective, [*under_way.trials, *under_way.whole], predecessor)


class _Search:
    """A search under way: what is left to try, what was tried, and the best model on all rows so far."""

    def __init__(
        self, table: PreparedTable, metric: str, left: list[Candidate], end: float, report: Callable[[float], None]
    ) -> None:
        self._table, self._metric, self._left, self._end = table, metric, left, end
        limit = time.monotonic() + (table.spec.search.seconds or float("inf"))
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

    def finish(self) -> None:
        """Fit what is left on all rows, one after the other, and keep the best."""
        left = search.surest_first(self._left, self.trials, self._rows, self._end - time.monotonic())
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
