"""Registered versions that tests write by hand."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.contracts.version_facts import GateFacts, ServingFile, VersionFacts
from modelloop.spec.sections import Promotion

if TYPE_CHECKING:
    from collections.abc import Sequence


def version_facts(
    decision: str = "release", file: str | None = None, *, reasons: Sequence[str] = (), **facts: Any
) -> VersionFacts:
    """Return the facts of a version that the gate decided so about, with a serving file of that key."""
    bundle = ServingFile(file, "00", 1) if file else None
    promotion = Promotion(**facts.pop("promotion", {}))
    return VersionFacts(bundle=bundle, gate=GateFacts(decision, tuple(reasons)), promotion=promotion, **facts)


def ref(number: int) -> VersionRef:
    return VersionRef(number, f"run{number}", "f", "00", 1)


def serving(**roles: Any) -> Pointer:
    """Return a pointer with versions in roles by their numbers, as in serving(champion=3, weight=10)."""
    named: dict[str, Any] = {
        name: ref(value) if type(value) is int and name != "weight" else value for name, value in roles.items()
    }
    return Pointer("m", 1, **({"champion": None} | named))
