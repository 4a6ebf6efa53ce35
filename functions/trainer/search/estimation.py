"""One fit: a candidate's estimator on some rows of the table, with as many threads as pay."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.evaluation.predictors import Estimator
from trainer.families import build
from trainer.search import threads

if TYPE_CHECKING:
    from trainer.search.candidates import Candidate
    from trainer.table import Part, PreparedTable


def estimate(
    table: PreparedTable, candidate: Candidate, part: Part, most_threads: int = threads.MOST_THREADS
) -> Estimator:
    """Fit a candidate; boosting stops early on the validation part.

    Raises SpecError for a parameter that its estimator does not have, FitRefusedError when the estimator refuses
    the rows or the value of a parameter.
    """
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    labels = _kind(table)
    validation = (table.validation.matrix, table.validation.target.astype(labels))
    with threads.for_cells(part.matrix.size, most_threads):
        model.fit(part.matrix, part.target.astype(labels), validation=validation)
    return Estimator(model, table.task, table.spec.threshold)


def estimate_alone(table: PreparedTable, candidate: Candidate, part: Part) -> Estimator:
    """Fit a candidate on some rows alone, without early stopping; raises what `estimate` does."""
    model = build(candidate.family, table.task, table.encoding, candidate.params, table.seed)
    with threads.limit(1):
        model.fit(part.matrix, part.target.astype(_kind(table)))
    return Estimator(model, table.task, table.spec.threshold)


def _kind(table: PreparedTable) -> type[np.int64 | np.float64]:
    return np.int64 if table.task == "classification" else np.float64
