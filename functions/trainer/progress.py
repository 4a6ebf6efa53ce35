"""What is written about a run while it is worked on: its stage and percent, audit entries, metrics."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from modelloop import clock
from modelloop.aws.settings import METRICS_NAMESPACE
from modelloop.ids import derived_uuid7
from modelloop.versions.run import FAILED, REJECTED, SUCCEEDED, Spent
from modelloop.versions.run_change import RunChange

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.versions.run import Run

WHO = "trainer"
PERCENT = {
    "splitting": 25, "fitting": 30, "evaluating": 70, "exporting": 80, "replaying": 85, "registering": 92,
    "publishing": 96, "done": 100,
}  # fmt: skip
_ENDS = {SUCCEEDED: "RunsSucceeded", REJECTED: "RunsRejected", FAILED: "RunsFailed"}

metrics = Metrics(namespace=METRICS_NAMESPACE)


class Progress:
    """The stage and percent of one run; a share moves the percent towards the next stage."""

    def __init__(self, registry: Registry, run: Run) -> None:
        self._registry = registry
        self._run = run
        self._percent = 0
        self._started = time.monotonic()

    def reach(self, stage: str, share: float = 0.0) -> None:
        """Write the stage, and the share of it that is done, if the percent changes."""
        following = [percent for percent in PERCENT.values() if percent > PERCENT[stage]]
        end = following[0] if following else PERCENT[stage]
        percent = PERCENT[stage] + int(share * (end - PERCENT[stage]))
        if percent != self._percent:
            self._percent = percent
            self._registry.update_run(self._run.model, self._run.run_id, RunChange(stage=stage, percent=percent))

    def spent(self) -> Spent:
        """Return the seconds since the run was taken and the memory at the peak, to be compared with the plan."""
        return Spent(round(time.monotonic() - self._started), peak_mb())


def peak_mb(status: Path = Path("/proc/self/status")) -> int | None:
    """Return the most MB that this process has held, earlier runs included; None where the kernel does not tell."""
    lines = status.read_text().splitlines() if status.exists() else []
    kilobytes = next((line.split()[1] for line in lines if line.startswith("VmHWM:")), None)
    return None if kilobytes is None else round(int(kilobytes) * 1024 / 1e6)


def record_audit(registry: Registry, run: Run, action: str, detail: dict[str, str | int | list[str]], at: str) -> None:
    """Append what was done with a run to the audit log, once however often the message is delivered.

    `at` is the moment, the same for every delivery, and decides the entry's place.
    """
    audit_fields = {"run_id": run.run_id, "request_id": run.request_id, **detail}
    audit_id = derived_uuid7(clock.to_ms(at), f"{run.run_id}/{action}")
    registry.record_audit(run.model, action, WHO, f"run {run.run_id}", audit_fields, audit_id=audit_id, time=at)


def count_delivered(amount: int) -> None:
    """Count deliveries of messages, repeated ones too."""
    metrics.add_metric("RunsDelivered", MetricUnit.Count, amount)


def count_ended(run: Run, seconds: float) -> None:
    """Count a run by its end, and how long this attempt worked on it."""
    if run.state in _ENDS:
        metrics.add_metric(_ENDS[run.state], MetricUnit.Count, 1)
        metrics.add_metric("RunSeconds", MetricUnit.Seconds, seconds)
