"""The chosen settings fitted again on training and validation rows, where that has been shown to help.

Two recipes are compared on the same held rows of the same folds: the one that has been tried, which leaves a fifth of
the rows to stop boosting, and the one that learns from all of them and boosts for a fixed number of iterations: the
median of the best ones times k / (k - 1) for k folds, because it learns from so many more rows. The second is taken
when it is better by more than one standard error of the paired differences. Its answers to the held rows are what
stands for unseen rows afterwards; they come from models of four fifths of the rows, so intervals made of them are those
of CV+ (Barber et al., "Predictive inference with the jackknife+", 2021), which promise less than they mostly hold.

Where the validation part takes the folds' place, the question is whether more rows help at all: the settings are fitted
on four fifths of the training part too, and both are compared on fifths of the validation part.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.manifest_parts import Refit
from modelloop.errors import FitRefusedError
from trainer.evaluation.predictors import MAX_THREADS
from trainer.families.model import best_iteration
from trainer.search.choice import gain, is_better
from trainer.search.crossing import cross_whole, is_large, on_validation
from trainer.search.estimation import estimate, estimate_alone, plain_metric
from trainer.search.folds import FOLDS, deal

if TYPE_CHECKING:
    from collections.abc import Sequence

    from trainer.evaluation.predictors import Estimator
    from trainer.search.candidates import Candidate
    from trainer.search.clock import Clock
    from trainer.search.crossing import Crossed, OutOfFold
    from trainer.search.folds import Fold
    from trainer.table import PreparedTable

MAX_ROWS = 200_000  # fitting rows: beyond, a quarter more of them changes little, and memory is planned for fewer
GROWTH = FOLDS / (FOLDS - 1)
NO_FOLDS = "there were no folds: too few rows of a class, or no time"
NO_TIME = "there was no time to show whether it helps"
MANY_ROWS = f"there are more than {MAX_ROWS:,} rows"
REFUSED = "the rows cannot be divided, or the estimator refused a part of them"


@dataclass(frozen=True, slots=True)
class Tried:
    """The winner before a refit: its settings, its model of the training part, and the seconds that took.

    `crossed` is what the `folds` say of it, None (and no folds) where the validation part took their place.
    """

    candidate: Candidate
    estimator: Estimator
    seconds: float
    crossed: Crossed | None = None
    folds: Sequence[Fold] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The model that serves, whether it was fitted again, and the answers to rows that were unseen if it was."""

    estimator: Estimator
    refit: Refit
    unseen: OutOfFold | None = None


def expected_refit_seconds(seconds: float, *, by_folds: bool) -> float:
    """Return how long comparing and refitting will take of settings that took so long on the training part."""
    compared = FOLDS if by_folds else 1 / GROWTH
    return seconds * (compared + GROWTH)


def refit_if_better(table: PreparedTable, tried: Tried, metric: str, clock: Clock) -> Outcome:
    """Compare both recipes within the time and return the model of the better one."""
    kept = Refit(done=False, rows=table.train.rows)
    if table.fitting_rows.rows > MAX_ROWS:
        return Outcome(tried.estimator, replace(kept, reason=MANY_ROWS))
    if tried.crossed is None and not is_large(table):
        return Outcome(tried.estimator, replace(kept, reason=NO_FOLDS))
    if not clock.fits_in(expected_refit_seconds(tried.seconds, by_folds=tried.crossed is not None)):
        return Outcome(tried.estimator, replace(kept, reason=NO_TIME))
    compared = _by_validation(table, tried, metric) if tried.crossed is None else _by_folds(table, tried, metric)
    if compared is None:
        return Outcome(tried.estimator, replace(kept, reason=REFUSED))
    before, after, iterations, unseen = compared
    mean, error = gain(metric, before, after)
    facts = replace(kept, gain=_number(mean), error=_number(error))
    if not is_better(metric, before, after):
        return Outcome(tried.estimator, facts)
    facts = replace(facts, done=True, rows=table.fitting_rows.rows, iterations=iterations)
    return Outcome(refit(table, tried.candidate, iterations), facts, unseen)


def refit(table: PreparedTable, candidate: Candidate, iterations: int | None) -> Estimator:
    """Return a candidate's model of all fitting rows, without early stopping; boosting goes on for `iterations`."""
    return estimate_alone(table, recipe(candidate, iterations), table.fitting_rows, MAX_THREADS)


def unseen_answers(table: PreparedTable, tried: Tried, metric: str, iterations: int | None) -> OutOfFold | None:
    """Return the answers to unseen rows that go with a refit: those of folds, or of the model of the training part."""
    if not tried.folds:
        return on_validation(table, tried.estimator)
    whole = cross_whole(table, recipe(tried.candidate, iterations), metric, tried.folds)
    return None if whole is None else whole.unseen


def recipe(candidate: Candidate, iterations: int | None) -> Candidate:
    """Return a candidate whose boosting goes on for a fixed number of iterations."""
    if iterations is None:
        return candidate
    return replace(candidate, params={**candidate.params, "max_iter": iterations})


type _Compared = tuple[Sequence[float], Sequence[float], int | None, OutOfFold | None]


def _by_folds(table: PreparedTable, tried: Tried, metric: str) -> _Compared | None:
    assert tried.crossed is not None  # noqa: S101  asked by the caller
    iterations = grown_iterations(tried.estimator, tried.crossed.iterations)
    whole = cross_whole(table, recipe(tried.candidate, iterations), metric, tried.folds)
    if whole is None:
        return None
    return tried.crossed.scores[:FOLDS], whole.scores, iterations, whole.unseen


def _by_validation(table: PreparedTable, tried: Tried, metric: str) -> _Compared | None:
    """Return the scores of four fifths of the training part, and of all of it, on fifths of the validation part.

    Of rows in time the newest fifth is left out: what a refit adds is newer, too.
    """
    numbers = deal(table, slice(0, table.train.rows), table.seed)
    if numbers is None:
        return None
    fewer = np.flatnonzero(numbers != FOLDS - 1)
    try:
        smaller = estimate(table, tried.candidate, table.train.take(fewer))
    except FitRefusedError:
        return None
    before, after = (validation_scores(table, estimator, metric) for estimator in (smaller, tried.estimator))
    best = best_iteration(tried.estimator.model)
    iterations = grown_iterations(tried.estimator, () if best is None else (best,))
    if before is None or after is None:
        return None
    return before, after, iterations, on_validation(table, tried.estimator)


def validation_scores(table: PreparedTable, estimator: Estimator, metric: str) -> tuple[float, ...] | None:
    """Return a model's scores on fifths of the validation part; None where that cannot be divided."""
    start = table.train.rows
    numbers = deal(table, slice(start, start + table.validation.rows), table.seed)
    if numbers is None or len(np.unique(numbers)) < FOLDS:
        return None
    predictions = estimator.predict(table.validation)
    return tuple(plain_metric(predictions.take(np.flatnonzero(numbers == fold)), metric) for fold in range(FOLDS))


def grown_iterations(estimator: Estimator, best: Sequence[int]) -> int | None:
    """Return the iterations of boosting for all fitting rows, by the best ones of fits on fewer; None where none boost.

    Never more than the settings allow.
    """
    if not best:
        return None
    return min(max(1, round(float(np.median(best)) * GROWTH)), int(estimator.model.estimator.max_iter))


def _number(value: float) -> float | None:
    return value if np.isfinite(value) else None
