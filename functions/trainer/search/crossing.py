"""Candidates fitted on every fold: their scores on the held rows, and what they answered there.

A fold is fitted as the table is: its training rows teach, its stopping rows stop boosting early, and its held rows are
seen by neither. So the scores are those of today's recipe on rows that it has not seen, and may be compared.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import FitRefusedError
from trainer.families.model import best_iteration
from trainer.rows import join_predictions
from trainer.search.candidates import given_params
from trainer.search.estimation import estimate, estimate_alone, plain_metric
from trainer.search.folds import FOLDS, make_folds
from trainer.search.out_of_fold import FoldAnswers, link_of, raw_answers, statistic_of
from trainer.search.refusal import naming

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Predictions
    from trainer.search.candidates import Candidate
    from trainer.search.folds import Fold
    from trainer.table import PreparedTable

MAX_ROWS = 20_000  # fitting rows
MAX_VALIDATION_ROWS = 2_000  # from as many on, the validation part says as much as folds would
MAX_REPEATED_ROWS = 2_000
REPEATS = 2


@dataclass(frozen=True, slots=True)
class OutOfFold:
    """Predictions of fitting rows that their models had not seen, at rising `rows`; `answers` are the same unlinked."""

    rows: NDArray[np.intp]
    predictions: Predictions
    answers: FoldAnswers | None


@dataclass(frozen=True, slots=True)
class Crossed:
    """What the folds say of one candidate: a score a fold, the best iterations of boosting, and the answers."""

    scores: tuple[float, ...]
    iterations: tuple[int, ...]
    unseen: OutOfFold


@dataclass(frozen=True, slots=True)
class _Held:
    """The answers of one fit to the rows that it did not see."""

    rows: NDArray[np.intp]
    predictions: Predictions
    raw: NDArray[np.float64] | None
    link: str | None
    statistic: str | None
    iteration: int | None
    score: float


def is_large(table: PreparedTable) -> bool:
    """Return whether the validation part is large enough to take the place of folds."""
    return table.validation.rows >= MAX_VALIDATION_ROWS or table.fitting_rows.rows > MAX_ROWS


def fold_sets(table: PreparedTable) -> list[list[Fold]]:
    """Return the folds of the fitting rows, which are divided twice where they are few; empty where folds choose not.

    Those are large tables, and ones of which no folds can be made.
    """
    rows = table.fitting_rows.rows
    if is_large(table):
        return []
    sets = [make_folds(table, rows, repeat) for repeat in range(REPEATS if rows <= MAX_REPEATED_ROWS else 1)]
    return [folds for folds in sets if folds]


def cross(
    table: PreparedTable, candidates: Sequence[Candidate], metric: str, sets: Sequence[Sequence[Fold]]
) -> list[Crossed] | None:
    """Return what the folds say of each candidate; None when one of them refuses a fold.

    Each fit takes one thread, and as many run side by side as there are processors.
    """
    jobs = [(candidate, fold) for candidate in candidates for folds in sets for fold in folds]

    def work(job: tuple[Candidate, Fold]) -> _Held:
        candidate, fold = job
        rows = table.fitting_rows
        with naming(candidate.family, given_params(table.spec, candidate.family)):
            fitted = estimate(table, candidate, rows.take(fold.fitted), 1, rows.take(fold.stopping))
            return _held(table, fitted, fold, metric)

    return _gathered(table, jobs, work, len(candidates))


def cross_whole(table: PreparedTable, candidate: Candidate, metric: str, folds: Sequence[Fold]) -> Crossed | None:
    """Return what folds say of a candidate that learns from all rows but the held ones, without early stopping."""
    jobs = [(candidate, fold) for fold in folds]

    def work(job: tuple[Candidate, Fold]) -> _Held:
        _, fold = job
        with naming(candidate.family, given_params(table.spec, candidate.family)):
            fitted = estimate_alone(table, candidate, table.fitting_rows.take(fold.rest))
            return _held(table, fitted, fold, metric)

    crossed = _gathered(table, jobs, work, 1)
    return None if crossed is None else crossed[0]


def on_validation(table: PreparedTable, estimator: Estimator) -> OutOfFold:
    """Return the answers of a model of the training part to the validation part, in place of those of folds."""
    part, start = table.validation, table.train.rows
    rows = np.arange(start, start + part.rows)
    raw, link = raw_answers(estimator.model, part.matrix), link_of(estimator.model)
    answers = None if raw is None or link is None else FoldAnswers(rows, raw, link, statistic_of(estimator.model))
    return OutOfFold(rows, estimator.predict(part), answers)


def _held(table: PreparedTable, fitted: Estimator, fold: Fold, metric: str) -> _Held:
    part = table.fitting_rows.take(fold.held)
    model, predictions = fitted.model, fitted.predict(part)
    statistic = statistic_of(model) if table.task == "regression" and link_of(model) else None
    return _Held(
        fold.held, predictions, raw_answers(model, part.matrix), link_of(model), statistic,
        best_iteration(model), plain_metric(predictions, metric),
    )  # fmt: skip


def _gathered(
    table: PreparedTable,
    jobs: Sequence[tuple[Candidate, Fold]],
    work: Callable[[tuple[Candidate, Fold]], _Held],
    candidates: int,
) -> list[Crossed] | None:
    with ThreadPoolExecutor(os.process_cpu_count() or 1) as pool:
        try:
            held = list(pool.map(work, jobs))
        except FitRefusedError:
            return None
    each = len(jobs) // candidates
    return [_crossed(table, held[place * each : (place + 1) * each]) for place in range(candidates)]


def _crossed(table: PreparedTable, held: Sequence[_Held]) -> Crossed:
    scores = tuple(one.score for one in held)
    iterations = tuple(one.iteration for one in held if one.iteration is not None)
    return Crossed(scores, iterations, _joined(table, held[:FOLDS]))


def _joined(table: PreparedTable, held: Sequence[_Held]) -> OutOfFold:
    """Return the answers of one repeat in the order of the rows."""
    rows = np.concatenate([one.rows for one in held])
    order = np.argsort(rows)
    rows, first = rows[order], held[0]
    raws = [one.raw for one in held if one.raw is not None]
    contents = table.fitting_rows.take(rows).contents
    predictions = replace(join_predictions([one.predictions for one in held]).take(order), contents=contents)
    answers = (
        FoldAnswers(rows, np.concatenate(raws)[order], first.link, first.statistic) if raws and first.link else None
    )
    return OutOfFold(rows, predictions, answers)
