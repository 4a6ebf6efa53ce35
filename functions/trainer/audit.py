"""Entries of the audit log that a repeated delivery writes once."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from modelloop.aws.registry import Registry
    from modelloop.run import Run

WHO = "trainer"


def record(registry: Registry, run: Run, action: str, detail: dict[str, Any]) -> None:
    """Append what was done with a run; the entry's id comes from the run and the action."""
    detail = {"run_id": run.run_id, "request_id": run.request_id, **detail}
    registry.record_audit(run.model, action, WHO, f"run {run.run_id}", detail, audit_id=_id(run, action))


def _id(run: Run, action: str) -> str:
    """Keep the run's time, so that entries stay in order, and put the action's digest where the chance was."""
    digest = sha256(f"{run.run_id}\n{action}".encode()).hexdigest()
    return f"{run.run_id[:15]}{digest[:3]}-8{digest[3:6]}-{digest[6:18]}"
