"""Changes of what serves: a pure decision between a read and one conditional write, then its record.

Order makes races end with one winner. The pointer is read first. A version that is to get a role is touched next, on
condition that it is neither rejected nor retired, and the pointer is published over what was read. Whoever withdraws a
version reads its record before the pointer, publishes a new revision, and writes the withdrawal on condition that the
version was not touched since. So of a promotion and a withdrawal of one version, one always meets a failed condition.

Order makes crashes harmless too: the projection and the audit entry are derived from the published pointer, and are
made up for by a repeated call, by the next change and by `repair`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.aws.serving import pointers
from modelloop.contracts.pointer import ROLES, Pointer
from modelloop.contracts.version_facts import APPROVED, KEPT, REJECTED, RETIRED, ROLLED_BACK, VersionEvent
from modelloop.errors import ConflictError
from modelloop.ids import derived_uuid7
from modelloop.rollout import clearance, moves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.stores import Stores
    from modelloop.contracts.version_facts import VersionRecord
    from modelloop.rollout.trials import TrialPlan

ATTEMPTS = 4


class Changes:
    """What one actor, named and with a reason, does to one model; `seen` is the only revision that may be changed.

    A revision of 0 stands for a model that was never served.

    Every method returns the pointer that serves afterwards; repeating one changes nothing. Raises ConflictError when
    somebody else was first or the change makes no sense, NotFoundError for an unknown version, TransientError when the
    stores are out of reach.
    """

    def __init__(self, stores: Stores, model: str, *, who: str, why: str, seen: int | None = None) -> None:
        self._registry = stores.registry
        self._artifacts = stores.artifacts
        self._model = model
        self._who = who
        self._why = why
        self._seen = seen

    def release(self, version: int, plan: TrialPlan | None = None) -> Pointer | None:
        """Let a cleared version go live by its policy, again when outrun; one that waits or is withdrawn does not.

        `plan` says how a version goes on that the gate was unsure of.
        """
        return _again(lambda: self._release(version, plan)) if self._seen is None else self._release(version, plan)

    def promote(self, version: int | None = None) -> Pointer | None:
        """Make a version (default: the challenger, else the shadow) the champion; that approves it, too."""
        pointer, etag = self._read()
        version = version or _candidate(pointer, "promote")
        record = self._cleared(version)
        bake_minutes, ref = record.facts.promotion.bake_minutes, clearance.ref(record)
        decided = moves.promote(pointer, ref, model=self._model, bake_minutes=bake_minutes, **self._audit_fields())
        approval = {APPROVED: self._event()} if clearance.is_open(record) else {}
        return self._give_role(pointer, etag, version, decided, approval)

    def approve(self, version: int) -> Pointer | None:
        """Record that a version may serve; then it goes live as its policy says (manual: at once)."""
        record = self._cleared(version)
        if record.facts.promotion.policy == "manual":
            return self.promote(version)
        if record.approved is None:
            unless = (APPROVED, *clearance.WITHDRAWN)
            record = self._registry.update_version(self._model, version, {APPROVED: self._event()}, unless=unless)
        if record.approved is not None:
            _record_approval(self._registry, self._model, version, record.approved)
        return self.release(version)

    def reject(self, version: int | None = None, *, unpin: bool = True) -> Pointer | None:
        """Withdraw a version (default: the challenger, else the shadow) that shall not become champion."""
        version = version or _candidate(self._read()[0], "reject")
        return self._withdraw(version, REJECTED, partial(moves.reject, unpin=unpin))

    def keep(self, version: int) -> Pointer | None:
        """End the trial of a version that the gate was unsure of: it has no role, and people may still promote it."""
        pointer = self._change(lambda pointer: moves.keep(pointer, version, **self._audit_fields()))
        self._registry.update_version(self._model, version, {KEPT: self._event()})
        return pointer

    def retire(self, version: int | None = None) -> Pointer | None:
        """Withdraw a version for good, or (without a number) stop serving the model."""
        if version is None:
            return self._change(lambda pointer: moves.retire(pointer, None, **self._audit_fields()))
        return self._withdraw(version, RETIRED, moves.retire)

    def rollback(self, to: int | None = None) -> Pointer | None:
        """Put the previous champion back; the version that goes is not released again, though it can be promoted."""
        pointer = self._change(lambda pointer: moves.rollback(pointer, to=to, **self._audit_fields()))
        if pointer is not None and pointer.action == "rollback" and pointer.subject is not None:
            self._registry.update_version(self._model, pointer.subject, {ROLLED_BACK: self._event()})
        return pointer

    def freeze(self, *, on: bool = True) -> Pointer | None:
        """Stop every release, promotion and judgement, or allow them again."""
        return self._change(lambda pointer: moves.freeze(pointer, frozen=on, **self._audit_fields()))

    def pin(self, version: int, *, on: bool = True) -> Pointer | None:
        """Keep a version reachable by its number, or let it go."""
        if not on:
            return self._change(lambda pointer: moves.unpin(pointer, version, **self._audit_fields()))
        return self._add_role(version, moves.pin)

    def shadow(self, version: int, *, on: bool = True) -> Pointer | None:
        """Compare a version after every answer, or stop that."""
        if not on:
            return self._change(lambda pointer: moves.unshadow(pointer, version, **self._audit_fields()))
        bake_minutes = self._registry.get_version(self._model, version).facts.promotion.bake_minutes
        return self._add_role(version, partial(moves.shadow, bake_minutes=bake_minutes))

    def settle(self) -> Pointer | None:
        """Bring the table's copy and the audit log in line with the pointer."""
        return self._settle(self._read()[0])

    def _read(self) -> tuple[Pointer | None, str | None]:
        pointer, etag = pointers.read(self._artifacts, self._model)
        if self._seen is not None and (pointer.revision if pointer else 0) != self._seen:
            raise ConflictError(f"what serves for {self._model!r} has changed since it was looked at", field="model")
        return pointer, etag

    def _release(self, version: int, plan: TrialPlan | None) -> Pointer | None:
        pointer, etag = self._read()
        record = self._registry.get_version(self._model, version)
        if not clearance.is_releasable(record):
            return self._settle(pointer)
        ref, policy = clearance.ref(record), record.facts.promotion
        decided = moves.release(pointer, ref, model=self._model, policy=policy, plan=plan, **self._audit_fields())
        following = self._give_role(pointer, etag, version, decided)
        replaced = pointer.trial.version if pointer and pointer.trial else None
        if replaced is not None and following is not None and following.trial != (pointer and pointer.trial):
            event = VersionEvent(clock.now(), self._who, f"version {version} took its place, undecided")
            self._registry.update_version(self._model, replaced, {KEPT: event})
        return following

    def _add_role(self, version: int, decide: Callable[..., Pointer]) -> Pointer | None:
        pointer, etag = self._read()
        ref = clearance.ref(self._cleared(version))
        decided = decide(_serving(pointer), ref, **self._audit_fields())
        return self._give_role(pointer, etag, version, decided)

    def _give_role(
        self,
        pointer: Pointer | None,
        etag: str | None,
        version: int,
        decided: Pointer | None,
        events: Mapping[str, VersionEvent] | None = None,
    ) -> Pointer | None:
        """Touch the version, then publish; `pointer` was read before the version's record."""
        if decided is not pointer and decided is not None:
            self._registry.update_version(self._model, version, events, unless=clearance.WITHDRAWN)
        return self._publish(pointer, etag, decided)

    def _withdraw(self, version: int, event: str, decide: Callable[..., Pointer]) -> Pointer | None:
        return _again(lambda: self._withdraw_once(version, event, decide), only=_TouchedError)

    def _withdraw_once(self, version: int, event: str, decide: Callable[..., Pointer]) -> Pointer | None:
        record = self._registry.get_version(self._model, version)
        pointer, etag = self._read()
        if record.event(event) is not None:
            return self._settle(pointer)
        empty = Pointer(model=self._model, revision=0, champion=None)
        decided = self._publish(pointer, etag, decide(pointer or empty, version, **self._audit_fields()))
        events = {event: self._event()}
        try:
            self._registry.update_version(self._model, version, events, unless=(event,), seen=record.touched)
        except ConflictError as error:
            raise _TouchedError(error.message, field="version") from error
        return decided

    def _change(self, decide: Callable[[Pointer], Pointer]) -> Pointer | None:
        pointer, etag = self._read()
        return self._publish(pointer, etag, decide(_serving(pointer)))

    def _publish(self, pointer: Pointer | None, etag: str | None, decided: Pointer | None) -> Pointer | None:
        if decided is None or decided is pointer:
            return self._settle(pointer)
        if pointer is not None:
            _record_change(self._registry, pointer)
        pointers.publish(self._artifacts, decided, etag)
        return self._settle(decided)

    def _settle(self, pointer: Pointer | None) -> Pointer | None:
        if pointer is not None:
            self._registry.project_pointer(pointer)
            _record_change(self._registry, pointer)
        return pointer

    def _cleared(self, version: int) -> VersionRecord:
        record = self._registry.get_version(self._model, version)
        clearance.check(record)
        return record

    def _event(self) -> VersionEvent:
        return VersionEvent(clock.now(), self._who, self._why)

    def _audit_fields(self) -> dict[str, str]:
        return {"now": clock.now(), "who": self._who, "why": self._why}


def repair(stores: Stores, model: str) -> Pointer | None:
    """Bring the table's copy and the audit log in line with what serves; the schedule calls it."""
    return Changes(stores, model, who="schedule", why="repair").settle()


def _record_change(registry: Registry, pointer: Pointer) -> None:
    """Record the change that made this revision of the pointer, and who serves as what since then, once."""
    refs = {role: getattr(pointer, role) for role in ROLES}
    registry.record_audit(
        pointer.model,
        pointer.action,
        pointer.who,
        pointer.why,
        {
            "version": pointer.subject,
            "revision": pointer.revision,
            "pins": [ref.version for ref in pointer.pins],
            "frozen": pointer.frozen,
            "weight": pointer.weight,
            **{role: ref and ref.version for role, ref in refs.items()},
        },
        audit_id=derived_uuid7(clock.to_ms(pointer.updated_at), f"{pointer.model}/{pointer.revision}"),
        time=pointer.updated_at,
    )


def _record_approval(registry: Registry, model: str, version: int, event: VersionEvent) -> None:
    """Record that a version was approved, once."""
    audit_id = derived_uuid7(clock.to_ms(event.at), f"{model}/{version}/approve")
    registry.record_audit(
        model, "approve", event.who, event.why, {"version": version}, audit_id=audit_id, time=event.at
    )


class _TouchedError(ConflictError):
    """A version was touched between its reading and its withdrawal, which is tried again."""


def _again(change: Callable[[], Pointer | None], only: type[ConflictError] = ConflictError) -> Pointer | None:
    for _ in range(ATTEMPTS - 1):
        try:
            return change()
        except only:
            continue
    return change()


def _candidate(pointer: Pointer | None, action: str) -> int:
    """Return the version that a request without a number means; repeated, it means the one that it meant before."""
    ref = pointer and (pointer.challenger or pointer.shadow)
    if ref:
        return ref.version
    if pointer and pointer.action == action and pointer.subject:
        return pointer.subject
    raise ConflictError(f"there is neither a challenger nor a shadow to {action}; name the version", field="version")


def _serving(pointer: Pointer | None) -> Pointer:
    if pointer is None:
        raise ConflictError("nothing serves for this model yet; promote a version first", field="model")
    return pointer
