from __future__ import annotations

from typing import Any

import pytest

from modelloop import clock
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.errors import ConflictError
from modelloop.rollout import moves
from modelloop.spec.sections import Promotion, section_from_json

NOW = "2026-01-01T00:00:00.000Z"
SAID: dict[str, Any] = {"now": NOW, "who": "ann", "why": "because"}


def ref(number: int) -> VersionRef:
    return VersionRef(number, f"run{number}", "f", "00", 1)


def release(pointer: Pointer | None, number: int, policy: Promotion | None = None) -> Pointer | None:
    return moves.release(pointer, ref(number), model="m", policy=policy or Promotion(), **SAID)


FIRST = Pointer("m", 1, ref(1))


def test_the_first_version_answers_everybody() -> None:
    for policy in ("auto", "shadow"):
        pointer = release(None, 1, Promotion(policy))
        assert pointer is not None
        assert (pointer.champion, pointer.weight, pointer.revision, pointer.policy) == (ref(1), 0, 1, policy)


def test_a_later_version_becomes_challenger_for_its_bake() -> None:
    pointer = release(FIRST, 2, Promotion(canary_percent=25, bake_minutes=90))
    assert pointer is not None
    assert (pointer.champion, pointer.challenger, pointer.weight) == (ref(1), ref(2), 25)
    assert pointer.bake_until == clock.later(NOW, minutes=90)


def test_the_policy_decides_how_a_version_goes_live() -> None:
    shadowed = release(FIRST, 2, Promotion("shadow"))
    assert shadowed is not None
    assert (shadowed.shadow, shadowed.challenger, shadowed.weight) == (ref(2), None, 0)
    assert release(FIRST, 2, Promotion("manual")) is FIRST
    assert release(None, 1, Promotion("manual")) is None


def test_an_older_version_does_not_come_back_by_itself() -> None:
    pointer = release(FIRST, 3)
    assert release(pointer, 2) is pointer
    assert release(pointer, 3) is pointer
    newer = release(pointer, 4)
    assert newer is not None
    assert newer.challenger == ref(4)


def test_promotion_keeps_the_way_back_and_watches() -> None:
    canary = release(FIRST, 2)
    pointer = moves.promote(canary, ref(2), model="m", bake_minutes=30, **SAID)
    assert (pointer.champion, pointer.previous, pointer.challenger, pointer.weight) == (ref(2), ref(1), None, 0)
    assert pointer.bake_until == clock.later(NOW, minutes=30)
    assert moves.promote(pointer, ref(2), model="m", **SAID) is pointer


def test_a_rollback_is_one_step_and_does_not_swing_back() -> None:
    pointer = moves.promote(FIRST, ref(2), model="m", **SAID)
    back = moves.rollback(pointer, **SAID)
    assert (back.champion, back.previous, back.subject) == (ref(1), None, 2)
    assert moves.rollback(back, **SAID) is back
    assert moves.rollback(pointer, to=2, **SAID) is pointer
    with pytest.raises(ConflictError, match="promote 3 instead"):
        moves.rollback(pointer, to=3, **SAID)
    with pytest.raises(ConflictError, match="no previous version"):
        moves.rollback(FIRST, **SAID)


def test_a_stopped_model_stays_stopped_until_somebody_wants_it() -> None:
    stopped = moves.retire(FIRST, **SAID)
    assert (stopped.champion, stopped.frozen) == (None, True)
    assert release(stopped, 2) is stopped
    assert moves.rollback(stopped, **SAID).champion == ref(1)


def test_a_spec_fills_in_what_it_leaves_out() -> None:
    assert section_from_json(Promotion, None) == section_from_json(Promotion, {}) == Promotion()
    assert section_from_json(Promotion, {"policy": "manual", "margin": None, "other": 1}) == Promotion("manual")


def test_a_rejected_version_is_out_with_its_pin_unless_that_shall_stay() -> None:
    pinned = moves.pin(FIRST.revised(challenger=ref(2), weight=10.0), ref(2), **SAID)
    assert moves.reject(pinned, 2, **SAID).refs() == (ref(1),)
    kept = moves.reject(pinned, 2, unpin=False, **SAID)
    assert (kept.challenger, kept.pins) == (None, (ref(2),))
