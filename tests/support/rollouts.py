"""A model in the middle of its life: a champion with a predecessor, a challenger, and versions without a role."""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

from modelloop import clock, keys
from modelloop.aws.serving import pointers
from modelloop.aws.serving.changes import Changes, repair
from modelloop.contracts.pointer import ROLES, Pointer, VersionRef
from modelloop.contracts.version_facts import EVENTS
from tests.support.stores import ARTIFACTS, stores_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.registry.registry import Registry
    from modelloop.json_types import JsonValue

    type Act = Callable[[Changes], object]

_numbers = count()


def bundle_of(model: str, number: int) -> VersionRef:
    run_id = f"run{number}"
    return VersionRef(number, run_id, keys.version(model, run_id, keys.BUNDLE), "00", 1)


def new_model(registry: Registry) -> str:
    """Return a model with versions 1 to 5: 2 is champion after 1, 3 challenger, 4 waits for approval, 5 is free."""
    model = f"m{next(_numbers)}"
    refs = {number: bundle_of(model, number) for number in range(1, 6)}
    for number, ref in refs.items():
        facts = version_facts("approve" if number == 4 else "release", ref.file).to_json()
        place: dict[str, JsonValue] = {
            "model": model,
            "version": number,
            "run_id": ref.run_id,
            "created_at": clock.now(),
        }
        registry._table.put_new({"pk": f"MODEL#{model}", "sk": f"VERSION#{number:08d}", **place, **facts})
    said: dict[str, Any] = {"who": "trainer", "why": "gate", "action": "release", "updated_at": clock.now()}
    pointer = Pointer(model, 1, refs[2], challenger=refs[3], weight=10, previous=refs[1], subject=3, **said)
    pointers.publish(ARTIFACTS, pointer, None)
    return model


def state(registry: Registry, model: str) -> dict[str, Any]:
    """Return roles, facts and kinds of audit entries, after the schedule's repair; times and authors left out."""
    repair(stores_of(registry), model)
    pointer, _ = pointers.read(ARTIFACTS, model)
    assert pointer is not None
    assert registry.get_model(model).serving == pointer
    refs = {role: getattr(pointer, role) for role in ROLES}
    entries = registry.list_audit(model, limit=100).items
    revisions = sorted(int(str(entry.detail["revision"])) for entry in entries if "revision" in entry.detail)
    assert revisions == list(range(1, pointer.revision + 1))
    return {
        **{role: ref.version if ref else None for role, ref in refs.items()},
        "pins": [ref.version for ref in pointer.pins],
        "frozen": pointer.frozen,
        "facts": {
            record.version: [name for name in EVENTS if record.event(name)]
            for record in registry.list_versions(model).items
        },
        "actions": sorted({entry.action for entry in entries}),
    }


ACTIONS: dict[str, Act] = {
    "promote challenger": lambda changes: changes.promote(),
    "promote free": lambda changes: changes.promote(5),
    "promote waiting": lambda changes: changes.promote(4),
    "rollback": lambda changes: changes.rollback(),
    "reject challenger": lambda changes: changes.reject(),
    "reject waiting": lambda changes: changes.reject(4),
    "approve": lambda changes: changes.approve(4),
    "retire previous": lambda changes: changes.retire(1),
    "retire challenger": lambda changes: changes.retire(3),
    "retire free": lambda changes: changes.retire(5),
    "retire model": lambda changes: changes.retire(),
    "release": lambda changes: changes.release(5),
    "shadow": lambda changes: changes.shadow(5),
    "pin": lambda changes: changes.pin(5),
    "freeze": lambda changes: changes.freeze(),
}
