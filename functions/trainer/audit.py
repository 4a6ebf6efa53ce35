"""Entries of the audit log that a repeated delivery writes once, in their place in time."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.ids import derived_uuid7

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.versions.run import Run

WHO = "trainer"


def record(registry: Registry, run: Run, action: str, detail: dict[str, Any], at: str) -> None:
    """Append what was done with a run, once; `at` is when, the same for every delivery, and the entry's place."""
    detail = {"run_id": run.run_id, "request_id": run.request_id, **detail}
    audit_id = derived_uuid7(clock.to_ms(at), f"{run.run_id}/{action}")
    registry.record_audit(run.model, action, WHO, f"run {run.run_id}", detail, audit_id=audit_id, time=at)
