"""Fit within the deadline and choose by the validation part; the holdout is never seen."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer.evaluation.predictors import Estimator
from trainer.families.model import Model
from trainer.search.candidates import DRAWN, candidate_of, candidates, round_sizes
from trainer.search.estimation import estimate, estimate_alone, try_out
from trainer.search.halving import Clock, halving_round
from trainer.search.members import WholeFit, find_blend, fit_members
from trainer.search.objective import best, expected_seconds, safest_first, settle, survivors

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.contracts.manifest_parts import BlendMember, Predecessor, TrialRecord
    from trainer.rows import Part
    from trainer.search.candidates import Candidate
    from trainer.search.objective import Objective
    from trainer.search.predecessor import FittedVersion
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model, every trial that led to it, and the version whose settings were tried first, if any.

    `chosen` is the best trial; where it answers better together with others, `blend` has the members of `estimator`.
    """

    estimator: Estimator
    chosen: TrialRecord
    objective: Objective
    trials: list[TrialRecord]
    started_from: Predecessor | None = None
    blend: tuple[BlendMember, ...] = ()

    def fit_anew(self, table: PreparedTable, part: Part) -> Estimator:
        """Return the same model fitted on other rows alone, without early stopping."""
        if self.blend:
            return fit_members(table, self.blend, lambda candidate: estimate_alone(table, candidate, part))
        return estimate_alone(table, candidate_of(self.chosen), part)


def fit(
    table: PreparedTable,
    seconds: float,
    report: Callable[[float], None],
    recorded: list[TrialRecord],
    predecessor: FittedVersion | None = None,
    recorded_blend: tuple[BlendMember, ...] = (),
) -> Fitted:
    """Try the candidates, the predecessor's settings first, and keep the best on all rows, alone or in a blend.

    With `recorded` trials their winner is fitted alone, or the blend that was recorded with them.

    `seconds` is the time there is; a spec may leave less of it to the search. No fit begins that is expected to end
    later, except the one that is needed. Raises FitRefusedError when every estimator refuses the table.
    """
    chosen = candidates(table, () if predecessor is None else predecessor.candidates(table))
    started_from = None if predecessor is None else predecessor.name
    objective = settle(table, chosen)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = best(metric, whole)
        kept = _repeat(table, winner, recorded_blend)
        return Fitted(kept, winner, objective, recorded, started_from, recorded_blend)
    search = _Search(table, metric, chosen, time.monotonic() + seconds, report)
    search.halve()
    search.finish()
    winner, trials = best(metric, search.whole), [*search.trials, *search.whole]
    found = find_blend(table, search.fits, winner, objective.compared_by)
    if found is None:
        return Fitted(search.kept, winner, objective, trials, started_from)
    blend, members = found
    return Fitted(Estimator(blend, table.task, table.spec.threshold), winner, objective, trials, started_from, members)


def _repeat(table: PreparedTable, winner: TrialRecord, members: tuple[BlendMember, ...]) -> Estimator:
    if members:
        return fit_members(table, members, lambda candidate: estimate(table, candidate, table.train))
    return estimate(table, candidate_of(winner), table.train)


class _Search:
    """A search under way: what is left to try, what was tried, and the best model on all rows so far."""

    def __init__(
        self, table: PreparedTable, metric: str, left: list[Candidate], end: float, report: Callable[[float], None]
    ) -> None:
        self._table, self._metric, self._left, self._end = table, metric, left, end
        limit = time.monotonic() + (table.spec.search.seconds or float("inf"))
        *self._early, self._rows = round_sizes(table.train.rows, len(left))
        self._clock = Clock(min(end, limit), report)
        self.trials: list[TrialRecord] = []
        self.whole: list[TrialRecord] = []
        self.fits: list[WholeFit] = []
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
            if self._has_model() and clock.left() <= expected_seconds(candidate, self.trials, self._rows):
                continue
            self._keep(*try_out(self._table, candidate, self._table.train, self._metric))
            clock.report(number / len(left))
        if not self._has_model():
            raise FitRefusedError("; ".join(sorted({str(trial.error) for trial in self.whole})))

    def _has_model(self) -> bool:
        return any(trial.error is None for trial in self.whole)

    def _keep(self, trial: TrialRecord, estimator: Estimator | None) -> None:
        self.whole.append(trial)
        if estimator is None:
            return
        if best(self._metric, self.whole) is trial:
            self.kept = estimator
            self.fits = [fit for fit in self.fits if fit.trial.origin != DRAWN]  # of draws only the best is kept
        elif trial.origin == DRAWN:
            return
        if isinstance(estimator.model, Model):
            self.fits.append(WholeFit(trial, estimator.model))

    def _stage(self, number: int) -> Clock:
        return self._clock.stage(number, len(self._early) + 1)
