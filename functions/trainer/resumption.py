"""The trial that goes on from the predecessor's fitted state, where it may."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from modelloop.errors import CannotContinueError, FitRefusedError
from trainer.continuation import resume
from trainer.search.candidates import CONTINUED
from trainer.search.halving import scored

if TYPE_CHECKING:
    from trainer.comparison.start import Start
    from trainer.evaluation.predictors import Estimator
    from trainer.search.candidates import Trial
    from trainer.search.objective import Objective
    from trainer.table import PreparedTable


@dataclass(frozen=True)
class Resumption:
    """A trial with its model, and what was done; or neither, and why not."""

    reason: str
    made: tuple[Trial, Estimator] | None = None


def attempt(table: PreparedTable, start: Start, objective: Objective) -> Resumption:
    """Go on from the state that a run starts from; without one, or where it turns out to be unsound, say why not."""
    if start.predecessor is None or start.obstacle is not None:
        return Resumption(str(start.obstacle))
    candidate, began = start.candidate(table), time.monotonic()
    if candidate is None:
        return Resumption(f"model.yaml rules out {start.predecessor.manifest['estimator']['family']} as it was")
    try:
        estimator, told = resume(table, start.predecessor, candidate, objective.compared_by)
    except (CannotContinueError, FitRefusedError) as error:
        return Resumption(error.message)
    trial = scored(table, replace(candidate, origin=CONTINUED), table.train, objective.chosen_by, estimator, began)
    return Resumption(told, (trial, estimator))
