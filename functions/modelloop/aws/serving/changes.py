"""Changes of what serves: a pure decision between a read and one conditional write, then its record.

Order makes races end with one winner. The pointer is read first. A version that is to get a role is touched next, on
condition that it is neither rejected nor retired, and the pointer is published over what was read. Whoever withdraws a
version reads its mark before the pointer, publishes a new revision, and writes the fact on condition of the mark. So of
a promotion and a withdrawal of one version, one always meets a failed condition.

Order makes crashes harmless too: the projection and the audit entry are derived from the published pointer, and are
made up for by a repeated call, by the next change and by `repair`.
"""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from modelloop import clock
from modelloop.aws.registry.registry import mark
from modelloop.aws.serving import journal, pointers
from modelloop.contracts.pointer import Pointer
from modelloop.errors import ConflictError
from modelloop.rollout import clearance, moves

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from modelloop.aws.registry.table import Item
    from modelloop.aws.stores import Stores

ATTEMPTS = 4


class Changes:
    """What one actor, named and with a reason, does to one model; `seen` is the only revision that may be changed.

    A revision of 0 stands for a model that was never served.

    Every method returns the pointer that serves afterwards; repeating one changes nothing. Raises ConflictError when
    somebody else was first or the wish makes no sense, NotFoundError for an unknown version, TransientError when the
    stores are out of reach.
    """

    def __init__(self, stores: Stores, model: str, *, who: str, why: str, seen: int | None = None) -> None:
        self._registry = stores.registry
        self._artifacts = stores.artifacts
        self._model = model
        self._who = who
        self._why = why
        self._seen = seen

    def release(self, version: int) -> Pointer | None:
        """Let a cleared version go live by its policy, again when outrun; one that waits or is withdrawn does not."""
        return _again(lambda: self._release(version)) if self._seen is None else self._release(version)

    def promote(self, version: int | None = None) -> Pointer | None:
        """Make a version (default: the challenger, else the shadow) the champion; that approves it, too."""
        pointer, etag = self._read()
        version = version or _candidate(pointer, "promote")
        facts = self._cleared(version)
        bake_minutes = clearance.policy(facts).bake_minutes
        ref = clearance.ref(facts)
        decided = moves.promote(pointer, ref, model=self._model, bake_minutes=bake_minutes, **self._said())
        approval = {"approved": self._fact()} if clearance.is_open(facts) else {}
        return self._give_role(pointer, etag, facts, decided, approval)

    def approve(self, version: int) -> Pointer | None:
        """Record that a version may serve; then it goes live as its policy says (manual: at once)."""
        facts = self._cleared(version)
        if clearance.policy(facts).policy == "manual":
            return self.promote(version)
        if "approved" not in facts:
            approval = {"approved": self._fact()}
            facts = self._registry.update_version(
                self._model, version, approval, unless=("approved", *clearance.WITHDRAWN)
            )
        journal.record_fact(self._registry, self._model, "approve", version, facts["approved"])
        return self.release(version)

    def reject(self, version: int | None = None, *, unpin: bool = True) -> Pointer | None:
        """Withdraw a version (default: the challenger, else the shadow) that shall not become champion."""
        version = version or _candidate(self._read()[0], "reject")
        return self._withdraw(version, "rejected", partial(moves.reject, unpin=unpin))

    def retire(self, version: int | None = None) -> Pointer | None:
        """Withdraw a version for good, or (without a number) stop serving the model."""
        if version is None:
            return self._change(partial(moves.retire, **self._said()))
        return self._withdraw(version, "retired", moves.retire)

    def rollback(self, to: int | None = None) -> Pointer | None:
        """Put the previous champion back; the version that goes is not released again, though it can be promoted."""
        pointer = self._change(partial(moves.rollback, to=to, **self._said()))
        if pointer is not None and pointer.action == "rollback" and pointer.subject is not None:
            self._registry.update_version(self._model, pointer.subject, {"rolled_back": self._fact()})
        return pointer

    def freeze(self, *, on: bool = True) -> Pointer | None:
        """Stop every release, promotion and judgement, or allow them again."""
        return self._change(partial(moves.freeze, frozen=on, **self._said()))

    def pin(self, version: int, *, on: bool = True) -> Pointer | None:
        """Keep a version reachable by its number, or let it go."""
        if not on:
            return self._change(partial(moves.unpin, version=version, **self._said()))
        return self._add_role(version, moves.pin)

    def shadow(self, version: int, *, on: bool = True) -> Pointer | None:
        """Compare a version after every answer, or stop that."""
        if not on:
            return self._change(partial(moves.unshadow, version=version, **self._said()))
        facts = self._registry.get_version(self._model, version)
        return self._add_role(version, partial(moves.shadow, bake_minutes=clearance.policy(facts).bake_minutes))

    def settle(self) -> Pointer | None:
        """Bring the table's copy and the audit log in line with the pointer."""
        return self._settle(self._read()[0])

    def _read(self) -> tuple[Pointer | None, str | None]:
        pointer, etag = pointers.read(self._artifacts, self._model)
        if self._seen is not None and (pointer.revision if pointer else 0) != self._seen:
            raise ConflictError(f"what serves for {self._model!r} has changed since it was looked at", field="model")
        return pointer, etag

    def _release(self, version: int) -> Pointer | None:
        pointer, etag = self._read()
        facts = self._registry.get_version(self._model, version)
        if not clearance.is_releasable(facts):
            return self._settle(pointer)
        policy = clearance.policy(facts)
        decided = moves.release(pointer, clearance.ref(facts), model=self._model, policy=policy, **self._said())
        return self._give_role(pointer, etag, facts, decided)

    def _add_role(self, version: int, decide: Callable[..., Pointer]) -> Pointer | None:
        pointer, etag = self._read()
        facts = self._cleared(version)
        decided = decide(_serving(pointer), clearance.ref(facts), **self._said())
        return self._give_role(pointer, etag, facts, decided)

    def _give_role(
        self,
        pointer: Pointer | None,
        etag: str | None,
        facts: Item,
        decided: Pointer | None,
        more: Mapping[str, Any] | None = None,
    ) -> Pointer | None:
        """Touch the version, then publish; `pointer` was read before `facts`."""
        if decided is not pointer and decided is not None:
            self._registry.update_version(self._model, facts["version"], more or {}, unless=clearance.WITHDRAWN)
        return self._publish(pointer, etag, decided)

    def _withdraw(self, version: int, fact: str, decide: Callable[..., Pointer]) -> Pointer | None:
        return _again(lambda: self._withdraw_once(version, fact, decide), only=_TouchedError)

    def _withdraw_once(self, version: int, fact: str, decide: Callable[..., Pointer]) -> Pointer | None:
        facts = self._registry.get_version(self._model, version)
        pointer, etag = self._read()
        if fact in facts:
            return self._settle(pointer)
        empty = Pointer(model=self._model, revision=0, champion=None)
        decided = self._publish(pointer, etag, decide(pointer or empty, version, **self._said()))
        try:
            self._registry.update_version(self._model, version, {fact: self._fact()}, unless=(fact,), seen=mark(facts))
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
            journal.record_pointer(self._registry, pointer)
        pointers.publish(self._artifacts, decided, etag)
        return self._settle(decided)

    def _settle(self, pointer: Pointer | None) -> Pointer | None:
        if pointer is not None:
            self._registry.project_pointer(pointer)
            journal.record_pointer(self._registry, pointer)
        return pointer

    def _cleared(self, version: int) -> Item:
        facts = self._registry.get_version(self._model, version)
        clearance.check(facts)
        return facts

    def _fact(self) -> dict[str, str]:
        return {"at": clock.now(), "who": self._who, "why": self._why}

    def _said(self) -> dict[str, Any]:
        return {"now": clock.now(), "who": self._who, "why": self._why}


def repair(stores: Stores, model: str) -> Pointer | None:
    """Bring the table's copy and the audit log in line with what serves; the schedule calls it."""
    return Changes(stores, model, who="schedule", why="repair").settle()


class _TouchedError(ConflictError):
    """A version was touched between its mark and its fact; the withdrawal looks again."""


def _again(change: Callable[[], Pointer | None], only: type[ConflictError] = ConflictError) -> Pointer | None:
    for _ in range(ATTEMPTS - 1):
        try:
            return change()
        except only:
            continue
    return change()


def _candidate(pointer: Pointer | None, action: str) -> int:
    """Return the version that a wish without a number means; repeated, it means the one that it meant before."""
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
