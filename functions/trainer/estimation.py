"""One fit: a candidate's estimator on some rows of the table, with as many threads as pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from trainer.families import build
from trainer.predictors import Estimator

if TYPE_CHECKING:
    from trainer.search import Candidate
    from trainer.table import Part, PreparedTable

MOST_THREADS = 2  # sums of two parts do not depend on their order; of more they do
CELLS_FOR_THREADS = 2_000_000  # below, waiting for each other costs more than it saves


def estimate(table: PreparedTable, candidate: Candidate, part: Part, threads: int = MOST_THREADS) -> Estimator:
    """Fit a candidate; boosting stops early on the validation part.

    Raises SpecError for a parameter that its estimator does not have, FitRefusedError when the estimator refuses
    the rows or the value of a parameter.
    """
    threads = threads if part.matrix.size > CELLS_FOR_THREADS else 1
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    labels = _kind(table)
    validation = (table.validation.matrix, table.validation.target.astype(labels))
    with threadpool_limits({"blas": 1, "openmp": threads}):
        model.fit(part.matrix, part.target.astype(labels), validation=validation)
    return Estimator(model, table.task, table.spec.threshold)


def estimate_alone(table: PreparedTable, candidate: Candidate, part: Part) -> Estimator:
    """Fit a candidate on some rows alone, without early stopping; raises what `estimate` does."""
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    with threadpool_limits(1):
        model.fit(part.matrix, part.target.astype(_kind(table)))
    return Estimator(model, table.task, table.spec.threshold)


def _kind(table: PreparedTable) -> type[np.int64 | np.float64]:
    return np.int64 if table.task == "classification" else np.float64
