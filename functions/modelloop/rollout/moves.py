"""Decisions on the serving pointer: pure functions from a pointer and a request to the next pointer.

Each returns the very same object when what is asked for is so already: repeating a request changes nothing. Each raises
ConflictError with advice when the request makes no sense. Roles: the champion answers, the challenger answers `weight`
percent, the shadow is asked after the answer, pins are reachable by their number alone.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.contracts.pointer import Pointer
from modelloop.errors import ConflictError

if TYPE_CHECKING:
    from modelloop.contracts.pointer import VersionRef
    from modelloop.rollout.trials import TrialPlan
    from modelloop.spec.sections import Promotion

FULL = 100.0


def release(
    pointer: Pointer | None,
    ref: VersionRef,
    *,
    model: str,
    policy: Promotion,
    now: str,
    who: str,
    why: str,
    plan: TrialPlan | None = None,
) -> Pointer | None:
    """Let a version that passed its gate go live as the policy says.

    auto: the first version answers everybody, a later one becomes challenger until `bake_until`; shadow: the same, but
    a later one becomes the shadow; manual: nothing changes until somebody promotes. A frozen pointer and a version
    that is not newer than those that serve change nothing either. `plan` is that of a version that the gate was unsure
    of: it needs a champion, and takes no challenger's place.
    """
    if policy.policy == "manual" or (plan is not None and (pointer is None or pointer.champion is None)):
        return pointer
    if pointer is None:
        first = Pointer(model=model, revision=0, champion=ref, policy=policy.policy)
        return _revised(first, "release", ref.version, now, who, why)
    if pointer.frozen or not _is_newer(pointer, ref):
        return pointer
    until = clock.later(now, minutes=policy.bake_minutes)
    if pointer.champion is None:
        changed = replace(pointer, champion=ref)
    elif plan is not None:
        changed = _on_trial(pointer, ref, plan, min(max(policy.canary_percent, 0.0), FULL), until)
    elif policy.policy == "shadow":
        changed = replace(pointer, shadow=ref, bake_until=until)
    else:
        weight = min(max(policy.canary_percent, 0.0), FULL)
        changed = replace(pointer, challenger=ref, weight=weight, bake_until=until)
    return _revised(replace(changed, policy=policy.policy), "release", ref.version, now, who, why)


def _on_trial(pointer: Pointer, ref: VersionRef, plan: TrialPlan, weight: float, until: str) -> Pointer:
    """Return the pointer with an unsure version as challenger; as shadow without labels, or beside a challenger."""
    if plan.is_canary and pointer.challenger is None:
        return replace(pointer, challenger=ref, weight=weight, bake_until=until, trial=plan.trial)
    until = pointer.bake_until if pointer.challenger and pointer.bake_until else until
    own = pointer.trial if pointer.challenger and _on_its_own(pointer) else plan.trial
    return replace(pointer, shadow=ref, bake_until=until, trial=own)


def _on_its_own(pointer: Pointer) -> bool:
    """Return whether the trial is the challenger's."""
    return pointer.trial is not None and pointer.trial.version == _number(pointer.challenger)


def promote(
    pointer: Pointer | None, ref: VersionRef, *, model: str, now: str, who: str, why: str, bake_minutes: float = 60.0
) -> Pointer:
    """Make a version the champion; the old one is kept to roll back to, and watched for one bake time.

    Whatever was compared with the old champion (challenger, shadow) is dropped.
    """
    if pointer is None:
        first = Pointer(model=model, revision=0, champion=ref)
        return _revised(first, "promote", ref.version, now, who, why)
    if pointer.champion == ref:
        return pointer
    _refuse_frozen(pointer, "promote")
    until = clock.later(now, minutes=bake_minutes) if pointer.champion else None
    changed = _champion_alone(pointer, ref, previous=pointer.champion, bake_until=until)
    return _revised(changed, "promote", ref.version, now, who, why)


def rollback(pointer: Pointer, *, now: str, who: str, why: str, to: int | None = None) -> Pointer:
    """Put the previous champion back; it takes every request, and the one that goes is not kept as previous.

    `to` is the number to return to. A frozen pointer can be rolled back: that is what people freeze and then do. When
    the last change was a rollback, another one changes nothing: repeating a request must not swing back. Raises
    ConflictError when there is no previous version, or `to` is another one.
    """
    champion = pointer.champion.version if pointer.champion else None
    if to == champion is not None or (pointer.action == "rollback" and to is None):
        return pointer
    if pointer.previous is None:
        raise ConflictError("there is no previous version to roll back to; promote the version that you want")
    if to not in {None, pointer.previous.version}:
        raise ConflictError(
            f"the previous version is {pointer.previous.version}, not {to}; promote {to} instead", field="version"
        )
    changed = _champion_alone(pointer, pointer.previous, previous=None, bake_until=None)
    return _revised(changed, "rollback", champion, now, who, why)


def reject(pointer: Pointer, version: int, *, now: str, who: str, why: str, unpin: bool = True) -> Pointer:
    """Take a version out of every role; always a new revision, so that whoever read the pointer before loses.

    Without `unpin` its pin stays: a pin is an explicit human choice, which the judge does not take back.
    """
    if pointer.champion is not None and pointer.champion.version == version:
        raise ConflictError(f"version {version} is the champion; roll back or promote another one", field="version")
    changed = _without(pointer, version)
    if not unpin:
        changed = replace(changed, pins=pointer.pins)
    return _revised(changed, "reject", version, now, who, why)


def keep(pointer: Pointer, version: int, *, now: str, who: str, why: str) -> Pointer:
    """Take a version out of a rollout that ended undecided; it is withdrawn from nobody, and its pin stays."""
    changed = replace(_without(pointer, version), pins=pointer.pins)
    return _revised(changed, "keep", version, now, who, why)


def shadow(pointer: Pointer, ref: VersionRef, *, now: str, who: str, why: str, bake_minutes: float = 60.0) -> Pointer:
    """Ask a version after every answer, to compare it; it never answers itself."""
    if pointer.shadow == ref:
        return pointer
    _refuse_frozen(pointer, "shadow")
    if ref in {pointer.champion, pointer.challenger}:
        raise ConflictError(f"version {ref.version} answers requests already; a shadow does not", field="version")
    until = pointer.bake_until if pointer.challenger else clock.later(now, minutes=bake_minutes)
    return _revised(replace(pointer, shadow=ref, bake_until=until), "shadow", ref.version, now, who, why)


def unshadow(pointer: Pointer, version: int, *, now: str, who: str, why: str) -> Pointer:
    """Stop asking that version after the answer."""
    if _number(pointer.shadow) != version:
        return pointer
    return _revised(replace(pointer, shadow=None), "unshadow", version, now, who, why)


def pin(pointer: Pointer, ref: VersionRef, *, now: str, who: str, why: str) -> Pointer:
    """Keep a version reachable by its number, whatever serves."""
    if ref in pointer.pins:
        return pointer
    return _revised(replace(pointer, pins=(*pointer.pins, ref)), "pin", ref.version, now, who, why)


def unpin(pointer: Pointer, version: int, *, now: str, who: str, why: str) -> Pointer:
    """Let a pinned version go."""
    pins = tuple(ref for ref in pointer.pins if ref.version != version)
    if pins == pointer.pins:
        return pointer
    return _revised(replace(pointer, pins=pins), "unpin", version, now, who, why)


def freeze(pointer: Pointer, *, frozen: bool = True, now: str, who: str, why: str) -> Pointer:
    """Stop (or with `frozen=False` allow again) every release, promotion and judgement; rolling back stays possible."""
    if pointer.frozen == frozen:
        return pointer
    action = "freeze" if frozen else "unfreeze"
    return _revised(replace(pointer, frozen=frozen), action, None, now, who, why)


def retire(pointer: Pointer, version: int | None = None, *, now: str, who: str, why: str) -> Pointer:
    """Take a version out of every role for good; without a number, stop serving the model and freeze it.

    Rolling back puts a stopped model's champion back. With a number always a new revision, as in `reject`. Raises
    ConflictError for the champion.
    """
    if version is not None:
        if pointer.champion is not None and pointer.champion.version == version:
            raise ConflictError(f"version {version} is the champion; promote another one first", field="version")
        return _revised(_without(pointer, version), "retire", version, now, who, why)
    if pointer.champion is None:
        return pointer
    changed = replace(_champion_alone(pointer, None, previous=pointer.champion, bake_until=None), frozen=True)
    return _revised(changed, "retire", None, now, who, why)


def _revised(changed: Pointer, action: str, subject: int | None, now: str, who: str, why: str) -> Pointer:
    """Return a changed pointer as the next revision, with what was done to which version, when, by whom and why."""
    revision = changed.revision + 1
    if changed.trial is not None and changed.trial.version not in map(_number, (changed.challenger, changed.shadow)):
        changed = replace(changed, trial=None)
    return replace(changed, revision=revision, action=action, subject=subject, updated_at=now, who=who, why=why)


def _champion_alone(
    pointer: Pointer, champion: VersionRef | None, *, previous: VersionRef | None, bake_until: str | None
) -> Pointer:
    return replace(
        pointer, champion=champion, previous=previous, bake_until=bake_until, challenger=None, weight=0.0, shadow=None
    )


def _without(pointer: Pointer, version: int) -> Pointer:
    """Return the pointer with a version in no role and no pin; the bake ends with the last candidate."""
    challenger = None if _number(pointer.challenger) == version else pointer.challenger
    shadow = None if _number(pointer.shadow) == version else pointer.shadow
    gone = (challenger, shadow) != (pointer.challenger, pointer.shadow)
    return replace(
        pointer,
        challenger=challenger,
        weight=pointer.weight if challenger == pointer.challenger else 0.0,
        shadow=shadow,
        previous=None if _number(pointer.previous) == version else pointer.previous,
        bake_until=None if gone and challenger is None and shadow is None else pointer.bake_until,
        pins=tuple(ref for ref in pointer.pins if ref.version != version),
    )


def _number(ref: VersionRef | None) -> int | None:
    return None if ref is None else ref.version


def _is_newer(pointer: Pointer, ref: VersionRef) -> bool:
    serving = (pointer.champion, pointer.challenger, pointer.shadow)
    return all(other is None or ref.version > other.version for other in serving)


def _refuse_frozen(pointer: Pointer, action: str) -> None:
    if pointer.frozen:
        raise ConflictError(
            f"the model is frozen by {pointer.who or 'somebody'}; unfreeze it before you {action} (freeze, on=false)"
        )
