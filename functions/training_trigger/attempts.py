"""How often a run's preparation is tried, and how it ends when all attempts failed for reasons unknown."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from modelloop.errors import ConflictError, DatasetRejectedError, TransientError
from modelloop.versions.run import FAILED

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.registry.registry import Registry
    from modelloop.versions.run import Run

MOST_ATTEMPTS = 3  # the first delivery of an event and its two retries
CUT_OFF = (
    "the preparation of the table was cut off each time, out of memory or time: upload fewer rows or columns, "
    "or shorter texts"
)


def begin(registry: Registry, run: Run) -> Run | None:
    """Count an attempt at a run that waits for its preparation; None when there shall be no more.

    An attempt that is cut off leaves no word why, unlike one that fails: when all were, so would the last be, and
    nobody could end the run after it.
    """
    if run.created:
        return run
    if run.intake_attempts == MOST_ATTEMPTS - 1 and run.reason is None:
        registry.finish_run(run.model, run.run_id, FAILED, CUT_OFF)
        return None
    return registry.update_run(run.model, run.run_id, intake_attempts=run.intake_attempts + 1)


@contextmanager
def ending(registry: Registry, run: Run) -> Iterator[None]:
    """Note why an attempt failed; an unknown failure of the last one ends the run. All that is raised goes on.

    Nothing is ended for want of an answer from AWS: the event can be delivered again.
    """
    try:
        yield
    except (DatasetRejectedError, ConflictError):
        raise
    except Exception as error:
        reason = f"attempt {run.intake_attempts} at its preparation failed: {type(error).__name__}: {str(error)[:300]}"
        with suppress(TransientError, ConflictError):
            if run.intake_attempts >= MOST_ATTEMPTS and not isinstance(error, TransientError):
                registry.finish_run(run.model, run.run_id, FAILED, reason)
            else:
                registry.update_run(run.model, run.run_id, reason=reason)
        raise
