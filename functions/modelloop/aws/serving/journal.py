"""The audit entries of changes to what serves, derived from what was written, so that repeats find them there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.ids import derived_uuid7

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.aws.registry.registry import Registry
    from modelloop.contracts.pointer import Pointer

ROLES = ("champion", "challenger", "shadow", "previous")


def record_pointer(registry: Registry, pointer: Pointer) -> None:
    """Record the change that made this revision of the pointer, and who serves as what since then, once."""
    refs = {role: getattr(pointer, role) for role in ROLES}
    numbers = {role: ref and ref.version for role, ref in refs.items()}
    standing = {"pins": [ref.version for ref in pointer.pins], "frozen": pointer.frozen, "weight": pointer.weight}
    registry.record_audit(
        pointer.model,
        pointer.action,
        pointer.who,
        pointer.why,
        {"version": pointer.subject, "revision": pointer.revision, **standing, **numbers},
        audit_id=derived_uuid7(clock.to_ms(pointer.updated_at), f"{pointer.model}/{pointer.revision}"),
        time=pointer.updated_at,
    )


def record_fact(registry: Registry, model: str, action: str, version: int, fact: Mapping[str, str]) -> None:
    """Record a fact about a version ({at, who, why}), once."""
    audit_id = derived_uuid7(clock.to_ms(fact["at"]), f"{model}/{version}/{action}")
    detail = {"version": version}
    registry.record_audit(model, action, fact["who"], fact["why"], detail, audit_id=audit_id, time=fact["at"])
