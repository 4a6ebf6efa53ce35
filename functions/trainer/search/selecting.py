"""A search under way: what is left to try, what was tried, and the models that may be chosen."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from math import isfinite
from typing import TYPE_CHECKING

from modelloop.errors import FitRefusedError
from trainer.search.candidates import DRAWN, KEEP, MIN_ROWS, candidate_of, round_sizes
from trainer.search.choice import FOLDS_DECIDE, VALIDATION_DECIDES, choose
from trainer.search.clock import Clock
from trainer.search.crossing import cross, fold_sets, on_validation
from trainer.search.estimation import try_out
from trainer.search.folds import FOLDS
from trainer.search.halving import halving_round
from trainer.search.objective import expected_seconds, safest_first, survivors
from trainer.search.refitting import Tried, expected_refit_seconds, refit_if_better, validation_scores

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.manifest_parts import TrialRecord
    from trainer.evaluation.predictors import Estimator
    from trainer.search.candidates import Candidate
    from trainer.search.crossing import Crossed, OutOfFold
    from trainer.search.folds import Fold
    from trainer.search.refitting import Outcome
    from trainer.table import PreparedTable

MAX_UNASKED_SECONDS = 15.0  # of a processor, that a run without a search spends on folds and on a refit
PILOT_SHARE = 10
MIN_PILOT_ROWS = 2_000
_FIRST_ROUND = 2  # the stage of the first round of draws: named settings and folds come before


@dataclass(frozen=True, slots=True)
class Contender:
    """A trial on all training rows with its model, and what the folds say of it where there are any.

    `effort` is the processor time of its fit in seconds: other than the time that passed, it does not depend on what
    else a machine does.
    """

    trial: TrialRecord
    estimator: Estimator
    crossed: Crossed | None = None
    effort: float = 0.0

    @property
    def candidate(self) -> Candidate:
        """Return what was tried."""
        return candidate_of(self.trial)

    def unseen(self, table: PreparedTable) -> OutOfFold:
        """Return its answers to rows that it has not seen: those of the first repeat's folds, or the validation's."""
        return on_validation(table, self.estimator) if self.crossed is None else self.crossed.unseen


class Search:
    """Fits, step by step, what is to be tried, and keeps the models of what may be chosen."""

    def __init__(self, table: PreparedTable, metric: str, candidates: Sequence[Candidate], clock: Clock) -> None:
        self._table, self._metric, self._clock = table, metric, clock
        self._named = [candidate for candidate in candidates if candidate.origin != DRAWN]
        self._draws = [candidate for candidate in candidates if candidate.origin == DRAWN]
        self._rows = table.train.rows
        *self._early, _ = round_sizes(self._rows, len(self._draws))
        sets = fold_sets(table)
        self._sets = sets if len(candidates) > 1 else sets[:1]  # one candidate needs no choice, only a refit's folds
        self._refused: list[str] = []
        self._spare = float("inf") if table.spec.search.is_asked else MAX_UNASKED_SECONDS
        self.by = VALIDATION_DECIDES
        self.trials: list[TrialRecord] = []
        self.contenders: list[Contender] = []
        self.left_out: list[str] = []

    @property
    def repeats(self) -> int:
        """Return how often the folds were made anew; 0 where the validation part decides."""
        return len(self._sets) if self.by == FOLDS_DECIDE else 0

    def fit_named(self) -> None:
        """Fit the predecessor's settings and the family defaults on all training rows, one after the other.

        Of these one is fitted in any case; the others are left out when they are not expected to end in time.
        """
        clock = self._stage(0)
        self._pilot()
        for number, candidate in enumerate(safest_first(self._named, self.trials, self._rows, clock.left()), 1):
            if self.contenders and not clock.fits_in(expected_seconds(candidate, self.trials, self._rows)):
                self.left_out.append(candidate.family)
                continue
            self.contenders += self._fit(candidate)
            clock.report(number / len(self._named))

    def cross_named(self) -> None:
        """Let the folds say which of the named settings is best, if there is time to fit all of them on all folds."""
        if self._sets and self.contenders and self._may_cross_named():
            self._spare -= self._folds_worth * sum(one.effort for one in self.contenders)
            crossed = cross(self._table, [one.candidate for one in self.contenders], self._metric, self._sets)
            if crossed is not None and all(map(isfinite, (score for one in crossed for score in one.scores))):
                self.by = FOLDS_DECIDE
                pairs = zip(self.contenders, crossed, strict=True)
                self.contenders = [self._judged(contender, one.scores, one) for contender, one in pairs]
        if self.by == VALIDATION_DECIDES and self._draws:
            self.contenders = [self._on_fifths(contender) for contender in self.contenders]
        self._stage(1).report(1.0)

    def try_draws(self) -> None:
        """Fit draws on few rows, round by round, and the better third of each round on more, at last on all.

        The best three are judged as the named settings were. What a refit of those would take is not spent here.
        """
        clock, left = self._clock, self._draws
        if self.contenders:
            base = self._found()
            clock = clock.but(self._refit_seconds(base.trial.seconds) + self._crossing_seconds(base))
        for number, size in enumerate(self._early, _FIRST_ROUND):
            stage = clock.stage(number, self._stages)
            trials = halving_round(self._table, left, size, self._metric, stage, self.trials)
            self.trials += trials
            left = survivors(self._metric, trials)
        stage = clock.stage(_FIRST_ROUND + len(self._early), self._stages)
        drawn: list[Contender] = []
        for number, candidate in enumerate(left, 1):
            unserved = not self.contenders and not drawn
            if unserved or stage.fits_in(expected_seconds(candidate, self.trials, self._rows)):
                drawn = self._best_three([*drawn, *self._fit(candidate)])
            stage.report(number / len(left))
        self.contenders += [judged for contender in drawn for judged in self._judge_draw(contender)]

    def result(self) -> Contender:
        """Return what was chosen; raise FitRefusedError when every estimator refused the table."""
        if not self.contenders:
            raise FitRefusedError("; ".join(sorted(set(self._refused))))
        return self._found()

    def refit(self, found: Contender) -> Outcome:
        """Return the chosen model, fitted again on training and validation rows where that helps."""
        folds = self._sets[0] if found.crossed is not None else ()
        tried = Tried(found.candidate, found.estimator, found.trial.seconds, found.crossed, folds)
        outcome = refit_if_better(self._table, tried, self._metric, self.refit_clock(found))
        self._stage(self._stages - 1).report(1.0)
        return outcome

    @property
    def folds(self) -> Sequence[Fold]:
        """Return the folds of the first repeat; none where the validation part decides."""
        return self._sets[0] if self.by == FOLDS_DECIDE else ()

    def refit_clock(self, *contenders: Contender) -> Clock:
        """Return the clock for a refit of some contenders: without time where it would cost more than is asked for."""
        effort = sum(self._refit_seconds(one.effort) for one in contenders)
        return self._clock if effort < self._spare else self._clock.but(float("inf"))

    @property
    def _stages(self) -> int:
        """Return how many stages there are: named settings, folds, rounds of draws, all of them, the refit."""
        return _FIRST_ROUND + len(self._early) + bool(self._draws) + 1

    def _stage(self, number: int) -> Clock:
        return self._clock.stage(number, self._stages)

    def _pilot(self) -> None:
        """Fit the named settings on a tenth of the rows where a spec sets the time: who would not end in it shows."""
        if self._table.spec.search.seconds is not None and self._rows >= MIN_PILOT_ROWS:
            size = max(MIN_ROWS, self._rows // PILOT_SHARE)
            silent = Clock(self._clock.deadline, lambda _: None)
            self.trials += halving_round(self._table, self._named, size, self._metric, silent, self.trials)

    def _fit(self, candidate: Candidate) -> list[Contender]:
        """Return the candidate's model of all training rows; none when the estimator refuses them."""
        began = time.thread_time()
        trial, estimator = try_out(self._table, candidate, self._table.train, self._metric)
        effort = time.thread_time() - began
        self.trials.append(trial)
        if estimator is None:
            self._refused.append(str(trial.error))
            return []
        return [Contender(trial, estimator, effort=effort)]

    def _best_three(self, drawn: list[Contender]) -> list[Contender]:
        kept = survivors(self._metric, [contender.trial for contender in drawn], at_most=KEEP)
        return [next(one for one in drawn if one.candidate == candidate) for candidate in kept]

    def _judge_draw(self, contender: Contender) -> list[Contender]:
        """Return a draw as the named settings were judged; none where there is no time for its folds."""
        if self.by == VALIDATION_DECIDES:
            return [self._on_fifths(contender)]
        if not self._clock.but(self._refit_seconds(contender.trial.seconds)).fits_in(self._crossing_seconds(contender)):
            return []
        crossed = cross(self._table, [contender.candidate], self._metric, self._sets)
        return [] if crossed is None else [self._judged(contender, crossed[0].scores, crossed[0])]

    def _on_fifths(self, contender: Contender) -> Contender:
        return self._judged(contender, validation_scores(self._table, contender.estimator, self._metric), None)

    def _judged(self, contender: Contender, scores: tuple[float, ...] | None, crossed: Crossed | None) -> Contender:
        trial = replace(contender.trial, folds=scores)
        self.trials[self.trials.index(contender.trial)] = trial
        return replace(contender, trial=trial, crossed=crossed)

    def _found(self) -> Contender:
        trials = [contender.trial for contender in self.contenders]
        return self.contenders[trials.index(choose(self._metric, trials, self.by))]

    def _crossing_seconds(self, *contenders: Contender) -> float:
        return self._folds_worth * sum(contender.trial.seconds for contender in contenders)

    def _may_cross_named(self) -> bool:
        """Return whether there is time for the folds; where one candidate leaves nothing to choose, with its refit."""
        seconds = self._crossing_seconds(*self.contenders)
        effort = self._folds_worth * sum(one.effort for one in self.contenders)
        if len(self.contenders) == 1 and not self._draws:
            seconds += expected_refit_seconds(self.contenders[0].trial.seconds, by_folds=True)
            effort += expected_refit_seconds(self.contenders[0].effort, by_folds=True)
        return effort < self._spare and self._clock.fits_in(seconds)

    @property
    def _folds_worth(self) -> float:
        """Return how many fits of the training part all fits of one candidate on the folds are worth."""
        return len(self._sets) * FOLDS * (FOLDS - 1) / FOLDS

    def _refit_seconds(self, seconds: float) -> float:
        return expected_refit_seconds(seconds, by_folds=self.by == FOLDS_DECIDE)
