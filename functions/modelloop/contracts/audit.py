"""Entries of the audit log: who did what to a model, when and why."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonValue


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """One entry. `id` is a UUIDv7, so that ids rise with time; what `detail` names depends on the action."""

    id: str
    time: str
    action: str
    who: str
    why: str
    detail: Mapping[str, JsonValue]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that is stored and that the API answers."""
        return {
            "id": self.id,
            "time": self.time,
            "action": self.action,
            "who": self.who,
            "why": self.why,
            "detail": self.detail,
        }


def audit_entry_from_json(document: Any) -> AuditEntry:
    """Return a stored entry."""
    return AuditEntry(*(document[name] for name in ("id", "time", "action", "who", "why", "detail")))
