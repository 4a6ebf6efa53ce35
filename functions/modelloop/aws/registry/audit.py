"""The audit log: who did what to a model, when and why."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.aws.registry.records import PAGE, Records, model_key
from modelloop.contracts.audit import AuditEntry, audit_entry_from_json
from modelloop.ids import uuid7

if TYPE_CHECKING:
    from modelloop.aws.registry.table import Page
    from modelloop.json_types import JsonObject


class AuditRecords(Records):
    """The registry's part that holds the audit log."""

    def record_audit(
        self, model: str, action: str, who: str, why: str, detail: JsonObject | None = None, *,
        audit_id: str | None = None, time: str | None = None,
    ) -> str:  # fmt: skip
        """Append to the audit log; the same `audit_id` (a UUIDv7) is written once. Return the id."""
        entry = AuditEntry(audit_id or uuid7(), time or self._now(), action, who, why, dict(detail or {}))
        self._table.put_new({"pk": model_key(model), "sk": f"AUDIT#{entry.id}", **entry.to_json()})
        return entry.id

    def list_audit(self, model: str, limit: int = PAGE, next: str | None = None) -> Page[AuditEntry]:  # noqa: A002
        """Return a page of the audit log, newest first."""
        return self._newest(model, "AUDIT#", limit, next, audit_entry_from_json)
