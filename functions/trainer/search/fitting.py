"""Fit within the deadline and choose by folds or by the validation part; the holdout is never seen.

In this order, each part only while its expected time fits: the family defaults and the champion's settings on all
training rows; the folds that choose among them; draws, which give up what a refit of the best would take; the blend of
the chosen one with the named settings; the refit.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.contracts.manifest_parts import Refit, Selection
from trainer.search.candidates import candidate_of, candidates
from trainer.search.clock import Clock
from trainer.search.crossing import fold_sets
from trainer.search.estimation import estimate, estimate_alone
from trainer.search.folds import FOLDS
from trainer.search.members import find_blend, fit_members, refit_blend, repeat_blend
from trainer.search.objective import best, settle
from trainer.search.refitting import Outcome, Tried, recipe, refit, unseen_answers
from trainer.search.selecting import Search

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelloop.contracts.manifest_parts import BlendMember, Predecessor, TrialRecord
    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Part
    from trainer.search.candidates import Candidate
    from trainer.search.crossing import OutOfFold
    from trainer.search.objective import Objective
    from trainer.search.predecessor import FittedVersion
    from trainer.search.selecting import Contender
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Fitted:
    """The chosen model, every trial that led to it, and the version whose settings were tried first, if any.

    `chosen` is the best trial, also where the model is a blend of it and others.
    `selection` is how it was chosen and whether it was fitted again; None after a log of an earlier release. `unseen`
    are answers to rows that it would not have seen, None where the validation part is still unseen. `contenders` are
    the models of the training part that it was chosen from; none when a recorded winner was fitted alone.
    """

    estimator: Estimator
    chosen: TrialRecord
    objective: Objective
    trials: list[TrialRecord]
    started_from: Predecessor | None = None
    selection: Selection | None = None
    unseen: OutOfFold | None = None
    contenders: Sequence[Contender] = ()

    @property
    def blend(self) -> tuple[BlendMember, ...]:
        """Return the members of the model where it is a blend, the heaviest first."""
        return () if self.selection is None else self.selection.blend

    @property
    def recipe(self) -> Candidate:
        """Return what was fitted, alone: the chosen settings, after a refit with its number of iterations."""
        again = None if self.selection is None else self.selection.refit
        return recipe(candidate_of(self.chosen), again.iterations if again is not None and again.done else None)

    def fit_on(self, table: PreparedTable, part: Part) -> Estimator:
        """Return the same fitted on other training rows; boosting stops early unless the model was fitted again."""
        if self.unseen is not None:
            return self.fit_anew(table, part)
        if self.blend:
            return fit_members(table, self.blend, lambda candidate: estimate(table, candidate, part))
        return estimate(table, candidate_of(self.chosen), part)

    def fit_anew(self, table: PreparedTable, part: Part) -> Estimator:
        """Return the same fitted on other rows alone, without early stopping, after a refit with its iterations."""
        if self.blend:
            return fit_members(table, self.blend, lambda candidate: estimate_alone(table, candidate, part))
        return estimate_alone(table, self.recipe, part)


def fit(
    table: PreparedTable,
    seconds: float,
    report: Callable[[float], None],
    recorded: list[TrialRecord],
    predecessor: FittedVersion | None = None,
    selection: Selection | None = None,
) -> Fitted:
    """Try the candidates, the predecessor's settings first, and return the best, fitted again where that helps.

    With `recorded` trials, and the `selection` that was recorded with them, nothing is chosen again: the winner is
    fitted alone, as it was.

    `seconds` is the time there is; a spec may leave less of it to fitting. No fit begins that is expected to end
    later, except the one that is needed. Raises FitRefusedError when every estimator refuses the table.
    """
    chosen = candidates(table, () if predecessor is None else predecessor.candidates(table))
    started_from = None if predecessor is None else predecessor.name
    objective = settle(table, chosen)
    metric = objective.chosen_by
    whole = [trial for trial in recorded if trial.rows == table.train.rows]
    if whole:
        winner = best(metric, whole) if selection is None else recorded[selection.chosen]
        outcome = _repeat(table, candidate_of(winner), metric, selection)
        return Fitted(outcome.estimator, winner, objective, recorded, started_from, selection, outcome.unseen)
    limit = min(seconds, table.spec.search.seconds or float("inf"))
    search = Search(table, metric, chosen, Clock(time.monotonic() + limit, report))
    search.fit_named()
    search.cross_named()
    search.try_draws()
    found = search.result()
    again, members = _blended_or_alone(table, search, found, objective)
    place, folds = search.trials.index(found.trial), FOLDS if search.repeats else 0
    made = Selection(search.by, folds, search.repeats, place, tuple(search.left_out), again.refit, members)
    return Fitted(
        again.estimator, found.trial, objective, search.trials, started_from, made, again.unseen, search.contenders
    )


def _blended_or_alone(
    table: PreparedTable, search: Search, found: Contender, objective: Objective
) -> tuple[Outcome, tuple[BlendMember, ...]]:
    """Return the chosen model, or the blend of it with others where that is better, fitted again where that helps."""
    blend = find_blend(table, search.contenders, found, objective.compared_by)
    if blend is None:
        return search.refit(found), ()
    clock = search.refit_clock(*blend.contenders)
    refitted = refit_blend(table, blend, objective.chosen_by, clock, search.folds)
    clock.report(1.0)
    return refitted


def _repeat(table: PreparedTable, candidate: Candidate, metric: str, selection: Selection | None) -> Outcome:
    """Fit a recorded winner as it was fitted before, whatever the time."""
    if selection is not None and selection.blend:
        return repeat_blend(table, selection, metric)
    made = Refit(done=False, rows=table.train.rows) if selection is None or selection.refit is None else selection.refit
    if not made.done:
        return Outcome(estimate(table, candidate, table.train), made)
    by_folds = selection is not None and selection.repeats > 0
    model = refit(table, candidate, made.iterations)
    folds = fold_sets(table)[0] if by_folds else ()
    first = model if by_folds else estimate(table, candidate, table.train)
    return Outcome(
        model, made, unseen_answers(table, Tried(candidate, first, 0.0, folds=folds), metric, made.iterations)
    )
