"""Whether a run's models answer better together than the chosen one alone, and the blend of them, fitted again or not.

Weights and decision read answers to rows that the members have not seen, before the link: those of the folds, or of the
validation part where it takes their place. A refit is one decision for all members: the same weights, compared on the
same held rows, as `refitting` does for a single model.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
import orjson

from modelloop.contracts.manifest_parts import BlendMember, Refit
from modelloop.contracts.pointer import MAX_MODEL_BYTES
from modelloop.errors import FitRefusedError
from trainer.evaluation.predictors import Estimator
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.families.model import Model, best_iteration
from trainer.search.blending import choose_weights, is_better, predictions_of
from trainer.search.candidates import DRAWN, Candidate
from trainer.search.choice import gain
from trainer.search.choice import is_better as is_gain
from trainer.search.crossing import OutOfFold, cross_whole, fold_sets, is_large, on_validation
from trainer.search.estimation import estimate, plain_metric
from trainer.search.folds import FOLDS, deal
from trainer.search.out_of_fold import FoldAnswers, link_of
from trainer.search.refitting import (
    MANY_ROWS,
    MAX_ROWS,
    NO_FOLDS,
    NO_TIME,
    REFUSED,
    Outcome,
    Tried,
    expected_refit_seconds,
    grown_iterations,
    recipe,
    refit,
    unseen_answers,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from modelloop.contracts.manifest_parts import Selection
    from trainer.search.clock import Clock
    from trainer.search.folds import Fold
    from trainer.search.selecting import Contender
    from trainer.table import PreparedTable

MIN_MEMBERS = 2
MAX_SHARE = 0.9  # of what a bundle may have: encoding and golden rows need their part

type Recorded = tuple[Outcome, tuple[BlendMember, ...]]


@dataclass(frozen=True, slots=True)
class Blended:
    """Models of the training part that are blended, the heaviest first, with their weights, which add up to 1."""

    contenders: tuple[Contender, ...]
    weights: tuple[float, ...]
    link: str

    def members(self, iterations: Sequence[int | None]) -> tuple[BlendMember, ...]:
        """Return what is recorded of them; `iterations` are those of a refit."""
        return tuple(
            BlendMember(weight, one.candidate.family, one.candidate.params, count)
            for one, weight, count in zip(self.contenders, self.weights, iterations, strict=True)
        )


def find_blend(table: PreparedTable, contenders: Sequence[Contender], found: Contender, metric: str) -> Blended | None:
    """Return the blend of the chosen contender with named settings that answers better than it alone.

    `metric` is the gate's, a mean of row losses. None where no blend is better beyond noise, where nothing else has the
    link and the statistic of the chosen model, where the blend would be too large to serve, or the spec wants none.
    """
    if table.spec.search.blend is False or len(contenders) < MIN_MEMBERS:
        return None
    known = [(one, one.unseen(table)) for one in contenders if one is found or one.trial.origin != DRAWN]
    own = next(unseen for one, unseen in known if one is found)
    if own.answers is None:
        return None
    alike = [(one, unseen, raw) for one, unseen in known if (raw := _addable(unseen.answers, own.answers)) is not None]
    weights = choose_weights(
        [raw for _, _, raw in alike], own.predictions.target, own.answers.link, metric, own.predictions.contents
    )
    order = sorted(np.flatnonzero(weights).tolist(), key=lambda place: -weights[place])
    blend = Blended(
        tuple(alike[place][0] for place in order), tuple(weights[place] for place in order), own.answers.link
    )
    if len(order) < MIN_MEMBERS:
        return None
    together = _joined(table, blend, [alike[place][1] for place in order])
    if not is_better(together.predictions, own.predictions, metric):
        return None
    return blend if _is_servable(table, blend) else None


def _addable(answers: FoldAnswers | None, own: FoldAnswers) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]] | None:
    """Return raw answers that can be added to one's own: to the same rows, under the same link, of one statistic."""
    if answers is None or (answers.link, answers.statistic) != (own.link, own.statistic):
        return None
    return answers.raw if np.array_equal(answers.rows, own.rows) else None


def _joined(table: PreparedTable, blend: Blended, unseen: Sequence[OutOfFold]) -> OutOfFold:
    """Return the weighted answers of all members as those of one model."""
    first = unseen[0]
    raws = [one.answers.raw for one in unseen if one.answers is not None]
    raw = np.sum([weight * one for weight, one in zip(blend.weights, raws, strict=True)], axis=0)
    known = first.predictions
    predictions = predictions_of(raw, known.target, blend.link, known.contents, table.spec.threshold)
    statistic = None if first.answers is None else first.answers.statistic
    return OutOfFold(first.rows, predictions, FoldAnswers(first.rows, raw, blend.link, statistic))


def _is_servable(table: PreparedTable, blend: Blended) -> bool:
    model = _assembled(table, blend.weights, [one.estimator for one in blend.contenders]).model
    form = flatten(model, table.encoding)
    return form is not None and len(orjson.dumps(form)) <= MAX_SHARE * MAX_MODEL_BYTES


def _assembled(table: PreparedTable, weights: Sequence[float], members: Sequence[Estimator]) -> Estimator:
    models = [member.model for member in members if isinstance(member.model, Model)]
    blend = Blend(models, list(weights), str(link_of(models[0])))
    return Estimator(blend, table.task, table.spec.threshold)


def fit_members(
    table: PreparedTable, members: Sequence[BlendMember], fit: Callable[[Candidate], Estimator]
) -> Estimator:
    """Return the blend of recorded members, each fitted by `fit` with its iterations, their weights kept."""
    fitted = [fit(recipe(Candidate(member.family, member.params), member.iterations)) for member in members]
    return _assembled(table, [member.weight for member in members], fitted)


def refit_blend(table: PreparedTable, blend: Blended, metric: str, clock: Clock, folds: Sequence[Fold]) -> Recorded:
    """Return a blend, its members fitted again on training and validation rows where that makes it better.

    `folds` are those that its members were judged by; none where the validation part took their place.
    """
    kept = Refit(done=False, rows=table.train.rows)
    plain = _assembled(table, blend.weights, [one.estimator for one in blend.contenders])
    alone = blend.members([None] * len(blend.contenders))
    needed = sum(expected_refit_seconds(one.trial.seconds, by_folds=bool(folds)) for one in blend.contenders)
    reasons = [
        (table.fitting_rows.rows > MAX_ROWS, MANY_ROWS),
        (not folds and not is_large(table), NO_FOLDS),
        (not clock.fits_in(needed), NO_TIME),
    ]
    if reason := next((why for holds, why in reasons if holds), None):
        return Outcome(plain, replace(kept, reason=reason)), alone
    compared = _by_folds(table, blend, metric, folds) if folds else _by_validation(table, blend, metric)
    if compared is None:
        return Outcome(plain, replace(kept, reason=REFUSED)), alone
    before, after, iterations, unseen = compared
    mean, error = gain(metric, before, after)
    facts = replace(kept, gain=mean if np.isfinite(mean) else None, error=error if np.isfinite(error) else None)
    if not is_gain(metric, before, after):
        return Outcome(plain, facts), alone
    pairs = zip(blend.contenders, iterations, strict=True)
    again = _assembled(table, blend.weights, [refit(table, one.candidate, count) for one, count in pairs])
    return Outcome(again, replace(facts, done=True, rows=table.fitting_rows.rows), unseen), blend.members(iterations)


type _Compared = tuple[Sequence[float], Sequence[float], list[int | None], OutOfFold]


def _by_folds(table: PreparedTable, blend: Blended, metric: str, folds: Sequence[Fold]) -> _Compared | None:
    """Return the blend's scores on the held rows of each fold, before and after a refit."""
    crossed = [one.crossed for one in blend.contenders if one.crossed is not None]
    pairs = zip(blend.contenders, crossed, strict=True)
    iterations = [grown_iterations(one.estimator, known.iterations) for one, known in pairs]
    wholes = [
        cross_whole(table, recipe(one.candidate, count), metric, folds)
        for one, count in zip(blend.contenders, iterations, strict=True)
    ]
    unseen = [whole.unseen for whole in wholes if whole is not None]
    if len(unseen) < len(wholes):
        return None
    before, after = (_joined(table, blend, answers) for answers in ([known.unseen for known in crossed], unseen))
    parts = [np.searchsorted(after.rows, fold.held) for fold in folds]
    scores = [[plain_metric(one.predictions.take(part), metric) for part in parts] for one in (before, after)]
    return scores[0], scores[1], iterations, after


def _by_validation(table: PreparedTable, blend: Blended, metric: str) -> _Compared | None:
    """Return the scores of members of four fifths of the training part, and of all of it, on the validation's fifths.

    Of rows in time the newest fifth is left out: what a refit adds is newer, too.
    """
    start = table.train.rows
    numbers = deal(table, slice(0, start), table.seed)
    fifths = deal(table, slice(start, start + table.validation.rows), table.seed)
    if numbers is None or fifths is None or len(np.unique(fifths)) < FOLDS:
        return None
    fewer = table.train.take(np.flatnonzero(numbers != FOLDS - 1))
    try:
        smaller = [estimate(table, one.candidate, fewer) for one in blend.contenders]
    except FitRefusedError:
        return None
    whole = [one.estimator for one in blend.contenders]
    before, after = (
        _joined(table, blend, [on_validation(table, member) for member in members]) for members in (smaller, whole)
    )
    parts = [np.flatnonzero(fifths == fold) for fold in range(FOLDS)]
    scores = [[plain_metric(one.predictions.take(part), metric) for part in parts] for one in (before, after)]
    best = [best_iteration(member.model) if isinstance(member.model, Model) else None for member in whole]
    counts = [() if count is None else (count,) for count in best]
    iterations = [grown_iterations(member, count) for member, count in zip(whole, counts, strict=True)]
    return scores[0], scores[1], iterations, after


def repeat_blend(table: PreparedTable, selection: Selection, metric: str) -> Outcome:
    """Return a recorded blend, its members fitted as they were before, whatever the time."""
    members = selection.blend
    made = selection.refit or Refit(done=False, rows=table.train.rows)
    if not made.done:
        return Outcome(fit_members(table, members, lambda candidate: estimate(table, candidate, table.train)), made)
    candidates = [Candidate(member.family, member.params) for member in members]
    pairs = list(zip(candidates, (member.iterations for member in members), strict=True))
    again = [refit(table, candidate, count) for candidate, count in pairs]
    folds = fold_sets(table)[0] if selection.repeats else ()
    first = again if folds else [estimate(table, candidate, table.train) for candidate in candidates]
    unseen = [
        unseen_answers(table, Tried(candidate, member, 0.0, folds=folds), metric, count)
        for (candidate, count), member in zip(pairs, first, strict=True)
    ]
    known = [one for one in unseen if one is not None]
    blend = Blended((), tuple(member.weight for member in members), str(link_of(_plain(again[0]))))
    joined = _joined(table, blend, known) if len(known) == len(members) else None
    return Outcome(_assembled(table, blend.weights, again), made, joined)


def _plain(estimator: Estimator) -> Model:
    """Return the model of an estimator that is no blend."""
    if not isinstance(estimator.model, Model):
        raise TypeError("a member of a blend is no blend itself")
    return estimator.model
