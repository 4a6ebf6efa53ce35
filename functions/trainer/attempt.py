"""One attempt at a run: taken under a lease, ended in a state with a reason that says what to do."""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.errors import (
    ArtifactRefusedError,
    ConflictError,
    DatasetRejectedError,
    ExportMismatchError,
    TransientError,
)
from modelloop.versions.run import ENDED, FAILED, QUEUED, REJECTED, RUNNING, SUPERSEDED, Run
from modelloop.versions.run_change import RunChange

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.registry.registry import Registry

MAX_ATTEMPTS = 2
LEASE_SLACK_SECONDS = 15.0
HEAVY_STAGES = frozenset({"fitting"})
QUEUED_STAGE = "queued"
MEMORY_ADVICE = (
    "give the function more memory (TrainerMemory), train on fewer rows or columns, or name a lighter family in "
    "`estimators` (linear, hist_gradient_boosting)"
)
TIME_ADVICE = "or give it less to do: fewer rows, a smaller `search`"


def take(registry: Registry, model: str, run_id: str, seconds: float) -> Run | None:
    """Take a queued run for the time this function has left; None when there is nothing (more) to do.

    A run that a newer one has overtaken ends SUPERSEDED. A killed attempt records no reason: a run whose earlier
    attempt was killed ends FAILED with advice when that was while fitting or was the second attempt; otherwise it is
    taken again. Raises TransientError while another attempt holds it.
    """
    run = registry.get_run(model, run_id)
    if run.state in ENDED:
        return None
    if run.state == RUNNING:
        if run.lease_until is not None and run.lease_until > clock.now():
            raise TransientError(f"run {run_id} is being worked on until {run.lease_until}")
        if run.stage in HEAVY_STAGES or run.attempts >= MAX_ATTEMPTS:
            registry.finish_run(model, run_id, FAILED, _cut_off_reason(run))
            return None
        release(registry, run)
    if newer := overtaken_by(registry, run):
        registry.finish_run(model, run_id, SUPERSEDED, f"run {newer} has newer data")
        return None
    run = registry.update_run(model, run_id, RunChange(attempts=run.attempts + 1))
    if not registry.start_run(model, run_id, seconds + LEASE_SLACK_SECONDS):
        raise TransientError(f"run {run_id} was taken by another attempt")
    return replace(run, state=RUNNING)


def overtaken_by(registry: Registry, run: Run) -> str | None:
    """Return the id of the newest run that waits behind this one, or None."""
    for other in registry.list_runs(run.model).items:
        if other.run_id <= run.run_id:
            return None
        if other.state == QUEUED and other.stage == QUEUED_STAGE:
            return str(other.run_id)
    return None


def release(registry: Registry, run: Run) -> None:
    """Give a run back to the queue, for the next delivery."""
    registry.update_run(run.model, run.run_id, RunChange(state=QUEUED, lease_until=None))


@contextmanager
def ending(registry: Registry, run: Run) -> Iterator[None]:
    """End the run as what is raised inside asks for.

    Faults of the table and of the export end it. Whatever else is raised gives the run back and is raised again, so
    that the queue delivers it again; the second unknown failure ends the run too.
    """
    try:
        yield
    except DatasetRejectedError as error:
        registry.finish_run(run.model, run.run_id, REJECTED, error.message)
    except (ExportMismatchError, ArtifactRefusedError) as error:
        registry.finish_run(run.model, run.run_id, FAILED, error.message)
    except MemoryError:
        registry.finish_run(run.model, run.run_id, FAILED, f"the memory was not enough: {MEMORY_ADVICE}")
    except TransientError:
        _try_release(registry, run)
        raise
    except Exception as error:
        if run.attempts >= MAX_ATTEMPTS:
            reason = f"training failed twice: {type(error).__name__}: {str(error)[:500]}"
            registry.finish_run(run.model, run.run_id, FAILED, reason)
        else:
            _try_release(registry, run)
        raise


def _try_release(registry: Registry, run: Run) -> None:
    """Release the run if that is possible now; if not, its lease runs out."""
    with suppress(TransientError, ConflictError):
        release(registry, run)


def _cut_off_reason(run: Run) -> str:
    when = f"while {run.stage}" if run.stage in HEAVY_STAGES else f"in stage {run.stage}, for the second time"
    return f"training was cut off {when}, out of memory or time: {MEMORY_ADVICE}, {TIME_ADVICE}"
