"""Let a version go live as the policy says: one conditional write of the serving pointer, repeated when it loses."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.aws import pointers
from modelloop.errors import ConflictError, TransientError
from modelloop.gate import RELEASE
from modelloop.rollout import policy_from_json, release

if TYPE_CHECKING:
    from modelloop.aws.registry import Registry
    from modelloop.serving import Pointer, VersionRef

WHO = "trainer"
ATTEMPTS = 5


def publish(registry: Registry, manifest: dict[str, Any], ref: VersionRef) -> str:
    """Release a version whose gate said so; return what became of it, for a person."""
    model, gate = manifest["model"], manifest["gate"]
    why = f"gate: {gate['reasons'][0]}"
    if gate["decision"] != RELEASE:
        return f"version {ref.version} waits for approval: {'; '.join(gate['reasons'])}"
    for _ in range(ATTEMPTS):
        pointer, etag = pointers.read(model)
        if pointer is not None and ref in pointer.refs():
            registry.project_pointer(pointer)
            return _role(pointer, ref)
        if _champion_run(pointer) != manifest["compared_with"]:
            return f"version {ref.version} waits to be promoted: the champion changed while it was trained"
        following = release(
            pointer, ref, model=model, policy=policy_from_json(manifest["spec"]["promotion"]), now=clock.now(),
            who=WHO, why=why,
        )  # fmt: skip
        if following is None or following is pointer:
            return f"version {ref.version} is ready and waits to be promoted"
        try:
            pointers.publish(following, etag)
        except ConflictError:
            continue
        registry.project_pointer(following)
        return _role(following, ref)
    raise TransientError(f"the serving pointer of {model!r} was changed {ATTEMPTS} times meanwhile; try again")


def _champion_run(pointer: Pointer | None) -> str | None:
    return None if pointer is None or pointer.champion is None else pointer.champion.run_id


def _role(pointer: Pointer, ref: VersionRef) -> str:
    if pointer.champion == ref:
        return f"version {ref.version} serves"
    if pointer.challenger == ref:
        return (
            f"version {ref.version} is the challenger with {pointer.weight:g} % of requests until {pointer.bake_until}"
        )
    return f"version {ref.version} is the shadow" if pointer.shadow == ref else f"version {ref.version} was released"
