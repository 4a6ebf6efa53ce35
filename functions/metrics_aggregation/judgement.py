"""One model's turn: read what is new, say what it means, store the verdict."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from modelloop import drift, windows
from modelloop.aws import manifests, pointers, summaries
from modelloop.aws.registry import Registry
from modelloop.settings import settings

if TYPE_CHECKING:
    from modelloop.serving import Pointer

OWN_TRAFFIC = frozenset({"champion", "challenger"})


def judge(model: str, now: str) -> dict[str, Any]:
    """Store the model's verdicts and repair the registry's copy of its pointer; return the statuses."""
    pointer, _ = pointers.read(model)
    if pointer is None:
        return {"drift": None}
    registry().project_pointer(pointer)
    document = drift_verdict(pointer, now)
    if document is not None:
        registry().put_verdict(model, "drift", document)
    return {"drift": document and document["status"]}


def drift_verdict(pointer: Pointer, now: str) -> dict[str, Any] | None:
    """Compare the champion's live traffic with its own baseline; None when it has no champion or no baseline."""
    if pointer.champion is None:
        return None
    manifest = manifests.read(pointer.model, pointer.champion.run_id)
    if not manifest.get("baseline"):
        return None
    version = pointer.champion.version
    min_rows = (manifest.get("monitoring") or {}).get("min_rows") or windows.MIN_ROWS
    found = summaries.newest_first(pointer.model, version, OWN_TRAFFIC, now)
    return drift.verdict(
        manifest["baseline"],
        windows.backwards(windows.by_hour(found), now, min_rows),
        model=pointer.model,
        version=version,
        min_rows=min_rows,
        now=now,
    )


@cache
def registry() -> Registry:
    """Return the process's registry."""
    return Registry(settings().table)
