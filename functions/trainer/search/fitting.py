"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer.search.candidates import OFFERED, candidate_of, candidates, round_sizes
from trainer.search.estimation import estimate, try_out
from trainer.search.halving import Clock, halving_round
from trainer.search.objective import best, expected_seconds, safest_first, settle, survivors

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.contracts.manifest_parts import Predecessor, TrialRecord
    from trainer.evaluation.predictors import Estimator
    from trainer.search.candidates import Candidate
    from trainer.search.objective import Objective
    from trainer.search.predecessor import FittedVersion
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model, every trial that led to it, and the version whose settings were tried first, if any."""

    estimator: Estimator
    chosen: TrialRecord
    objective: Objective
    trials: list[TrialRecord]
    started_from: Predecessor | None = None


def fit(
    table: PreparedTable,
    seconds: float,
    report: Callable[[float], None],
    recorded: list[TrialRecord],
    predecessor: FittedVersion | None = None,
) -> Fitted:
    """Try the candidates, the predecessor's settings first, and keep the best on all rows.

    With `recorded` trials their winner is fitted alone.

    `seconds` is the time there is; a spec may leave less of it to the search. No fit begins that is expected to end
    later, except the one that is needed. Raises FitRefusedError when every estimator refuses the table.
    """
    chosen = candidates(table, None if predecessor is None else predecessor.candidate(table))
    started_from = None if predecessor is None else predecessor.name
    objective = settle(table, chosen)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = best(metric, whole)
        return Fitted(estimate(table, candidate_of(winner), table.train), winner, objective, recorded, started_from)
    search = _Search(table, metric, chosen, time.monotonic() + seconds, report)
    search.halve()
    search.finish()
    winner = best(metric, search.whole)
    return Fitted(search.kept, winner, objective, [*search.trials, *search.whole], started_from)


class _Search:
    """A search under way: what is left to try, what was tried, and the best model on all rows so far."""

    def __init__(
        self, table: PreparedTable, metric: str, left: list[Candidate], end: float, report: Callable[[float], None]
    ) -> None:
        self._table, self._metric, self._left, self._end = table, metric, left, end
        limit = time.monotonic() + (table.spec.search.seconds or float("inf"))
        *self._early, self._rows = round_sizes(table.train.rows, sum(one.origin != OFFERED for one in left))
        self._clock = Clock(min(end, limit), report)
        self.trials: list[TrialRecord] = []
        self.whole: list[TrialRecord] = []
        self.kept: Estimator

    def halve(self) -> None:
        """Try what is left on few rows, round by round, and leave the better third of each round."""
        for number, size in enumerate(self._early):
            trials = halving_round(self._table, self._left, size, self._metric, self._stage(number))
            self._left = survivors(self._metric, trials) or self._left[:1]
            self.trials += trials

    def finish(self) -> None:
        """Fit what is left on all rows, one after the other, and keep the best."""
        left = safest_first(self._left, self.trials, self._rows, self._end - time.monotonic())
        clock = self._stage(len(self._early))
        for number, candidate in enumerate(left, 1):
            known = [*self.trials, *self.whole]
            if self._has_model() and clock.left() <= expected_seconds(candidate, known, self._rows):
                continue
            self._keep(*try_out(self._table, candidate, self._table.train, self._metric))
            clock.report(number / len(left))
        if not self._has_model():
            raise FitRefusedError("; ".join(sorted({str(trial.error) for trial in self.whole})))

    def _has_model(self) -> bool:
        return any(trial.error is None for trial in self.whole)

    def _keep(self, trial: TrialRecord, estimator: Estimator | None) -> None:
        self.whole.append(trial)
        if estimator is not None and best(self._metric, self.whole) is trial:
            self.kept = estimator

    def _stage(self, number: int) -> Clock:
        return self._clock.stage(number, len(self._early) + 1)
