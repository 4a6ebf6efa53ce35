"""Let a version go live as the policy says, unless what it was compared with has changed meanwhile."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.aws.serving import label_supply, pointers
from modelloop.aws.serving.changes import Changes
from modelloop.errors import ConflictError, TransientError
from modelloop.rollout import clearance, trials
from modelloop.versions.gate import RELEASE

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.stores import Stores
    from modelloop.contracts.manifest import Manifest
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.rollout.trials import TrialPlan

WHO = "trainer"
ATTEMPTS = 5


def publish(stores: Stores, manifest: Manifest, label_delay_hours: float = 0.0) -> str:
    """Release a registered version that its gate released; return a sentence about what became of it.

    Each attempt may only change the revision of the pointer that was read; after a lost race it is read again. One
    that the gate was unsure of goes on where labels can decide about it, which come after `label_delay_hours` unless
    the model has a delay of its own. Raises TransientError when others change the pointer five times.
    """
    model, gate, ref = manifest.model, manifest.gate, manifest.ref
    if gate.decision != RELEASE:
        return f"version {ref.version} waits for approval: {'; '.join(gate.reasons)}"
    for _ in range(ATTEMPTS):
        pointer, _ = pointers.read(stores.artifacts, model)
        if not _serves(pointer, ref) and _champion_run(pointer) != manifest.compared_with:
            return f"version {ref.version} waits to be promoted: the champion changed while it was trained"
        seen = 0 if pointer is None else pointer.revision
        try:
            changes = Changes(stores, model, who=WHO, why=f"gate: {gate.reasons[0]}", seen=seen)
            following = changes.release(ref.version, _plan(stores, pointer, manifest, label_delay_hours))
        except ConflictError:
            continue
        return _describe_outcome(stores.registry, following, model, ref)
    raise TransientError(f"the serving pointer of {model!r} was changed {ATTEMPTS} times meanwhile; try again")


def _plan(stores: Stores, pointer: Pointer | None, manifest: Manifest, label_delay_hours: float) -> TrialPlan | None:
    """Return how a version goes on that the gate was unsure of; None for any other."""
    if not manifest.gate.unsure or pointer is None or pointer.champion is None:
        return None
    facts, now = manifest.registry_facts(), clock.now()
    if facts.gate is None:
        return None
    labelled = label_supply.read(stores.artifacts, manifest.model, pointer.champion.version, now)
    delay = trials.delay_hours(manifest.spec.monitoring.label_delay_hours, label_delay_hours)
    return trials.plan(manifest.version, facts.gate, facts.promotion, labelled, delay, now)


def _serves(pointer: Pointer | None, ref: VersionRef) -> bool:
    return pointer is not None and ref in (pointer.champion, pointer.challenger, pointer.shadow, pointer.previous)


def _champion_run(pointer: Pointer | None) -> str | None:
    return None if pointer is None or pointer.champion is None else pointer.champion.run_id


def _describe_outcome(registry: Registry, pointer: Pointer | None, model: str, ref: VersionRef) -> str:
    if pointer is not None and ref in pointer.refs():
        return _role(pointer, ref)
    status = clearance.status(registry.get_version(model, ref.version))
    if status in {*clearance.WITHDRAWN, "rolled_back"}:
        return f"version {ref.version} was {status.replace('_', ' ')} before it could serve"
    return f"version {ref.version} is ready and waits to be promoted"


def _role(pointer: Pointer, ref: VersionRef) -> str:
    if pointer.champion == ref:
        return f"version {ref.version} serves"
    own = pointer.trial if pointer.trial is not None and pointer.trial.version == ref.version else None
    if pointer.challenger == ref:
        until = f"{own.expires_at} at the latest; only labels promote it" if own else pointer.bake_until
        return f"version {ref.version} is the challenger with {pointer.weight:g} % of requests until {until}"
    if pointer.shadow == ref:
        return f"version {ref.version} is the shadow" + ("; only a person promotes it" if own else "")
    return f"version {ref.version} was released"
