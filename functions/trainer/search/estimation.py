"""One fit: a candidate's estimator on some rows of the table, with as many threads as pay, and its score."""

from __future__ import annotations

import time
from math import nan
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.manifest_parts import TrialRecord
from modelloop.errors import FitRefusedError
from trainer.evaluation.metrics import statistics
from trainer.evaluation.predictors import MAX_THREADS, Estimator, threads_for
from trainer.families.catalogue import build
from trainer.search.candidates import given_params
from trainer.search.refusal import naming

if TYPE_CHECKING:
    from trainer.rows import Part, Predictions
    from trainer.search.candidates import Candidate
    from trainer.table import PreparedTable


def estimate(
    table: PreparedTable,
    candidate: Candidate,
    part: Part,
    max_threads: int = MAX_THREADS,
    stopping: Part | None = None,
) -> Estimator:
    """Fit a candidate; boosting stops early on the `stopping` rows, or else on the validation part.

    Raises SpecError for a parameter that its estimator does not have, FitRefusedError when the estimator refuses
    the rows or the value of a parameter.
    """
    return _fit(table, candidate, part, max_threads, table.validation if stopping is None else stopping)


def estimate_alone(table: PreparedTable, candidate: Candidate, part: Part, max_threads: int = 1) -> Estimator:
    """Fit a candidate on some rows alone, without early stopping; raises what `estimate` does."""
    return _fit(table, candidate, part, max_threads, None)


def try_out(
    table: PreparedTable, candidate: Candidate, part: Part, metric: str, max_threads: int = MAX_THREADS
) -> tuple[TrialRecord, Estimator | None]:
    """Fit a candidate and score it on the validation part; without an estimator when it refuses the rows."""
    began = time.monotonic()
    try:
        with naming(candidate.family, given_params(table.spec, candidate.family)):
            estimator = estimate(table, candidate, part, max_threads)
            score = plain_metric(estimator.predict(table.validation), metric)
            return _trial(candidate, part, score, began), estimator
    except FitRefusedError as error:
        return _trial(candidate, part, nan, began, error.message), None


def plain_metric(predictions: Predictions, metric: str) -> float:
    """Return one metric of some predictions; NaN where it is not defined."""
    return float(statistics(predictions, (metric,))[metric](predictions.votes[None, :])[0])


def _fit(table: PreparedTable, candidate: Candidate, part: Part, max_threads: int, stopping: Part | None) -> Estimator:
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    labels = np.int64 if table.task == "classification" else np.float64
    validation = None if stopping is None else (stopping.matrix, stopping.target.astype(labels))
    with threads_for(part.matrix.size, max_threads):
        model.fit(part.matrix, part.target.astype(labels), validation=validation)
    return Estimator(model, table.task, table.spec.threshold)


def _trial(candidate: Candidate, part: Part, score: float, began: float, error: str | None = None) -> TrialRecord:
    seconds = time.monotonic() - began
    return TrialRecord(candidate.family, candidate.params, part.rows, score, seconds, error, candidate.origin)
