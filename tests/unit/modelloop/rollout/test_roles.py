"""Each wish on the pointer: whom it moves, which bake it ends or keeps, and what it refuses with which advice."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop import clock
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.errors import ConflictError
from modelloop.rollout import moves
from modelloop.spec.sections import Promotion

if TYPE_CHECKING:
    from collections.abc import Callable

NOW, UNTIL = "2026-01-01T00:00:00.000Z", "2026-01-01T00:30:00.000Z"
HOUR = clock.later(NOW, minutes=60)
SAID: dict[str, Any] = {"now": NOW, "who": "ann", "why": "because"}


def ref(number: int) -> VersionRef:
    return VersionRef(number, f"run{number}", "f", "00", 1)


FIRST = Pointer("m", 1, ref(1))
BOTH = FIRST.revised(challenger=ref(2), weight=10.0, shadow=ref(3), bake_until=UNTIL)


def test_a_policy_that_says_nothing_is_a_tenth_for_an_hour_within_one_percent() -> None:
    assert Promotion() == Promotion("auto", 10.0, 60.0, 0.01)


@pytest.mark.parametrize(("percent", "weight"), [(-1, 0), (0, 0), (99.5, 99.5), (100, 100), (101, 100)])
def test_a_challenger_answers_between_none_and_all(percent: float, weight: float) -> None:
    policy = Promotion(canary_percent=percent)
    released = moves.release(FIRST, ref(2), model="m", policy=policy, **SAID)
    assert released is not None
    assert released.weight == weight


@pytest.mark.parametrize("serving", [{"champion": ref(5)}, {"challenger": ref(5), "weight": 1}, {"shadow": ref(5)}])
def test_a_version_is_released_over_older_ones_alone(serving: dict[str, Any]) -> None:
    pointer = FIRST.revised(**serving)
    for number in (4, 5):
        assert moves.release(pointer, ref(number), model="m", policy=Promotion(), **SAID) is pointer
    assert moves.release(pointer, ref(6), model="m", policy=Promotion(), **SAID) is not pointer


def test_a_new_shadow_bakes_and_leaves_the_challenger_alone() -> None:
    released = moves.release(BOTH, ref(4), model="m", policy=Promotion("shadow", bake_minutes=90), **SAID)
    assert released is not None
    assert (released.shadow, released.challenger, released.weight) == (ref(4), ref(2), 10)
    assert released.bake_until == clock.later(NOW, minutes=90)


def test_a_first_promotion_has_nothing_to_be_watched_against() -> None:
    for pointer in (None, Pointer("m", 1, None)):
        promoted = moves.promote(pointer, ref(1), model="m", **SAID)
        assert (promoted.champion, promoted.previous, promoted.bake_until) == (ref(1), None, None)
        assert promoted.revision == (pointer.revision + 1 if pointer else 1)
    assert moves.promote(FIRST, ref(2), model="m", **SAID).bake_until == HOUR


def test_a_promotion_and_a_rollback_drop_whoever_was_compared_with_the_old_champion() -> None:
    promoted = moves.promote(BOTH, ref(4), model="m", **SAID)
    assert (promoted.challenger, promoted.weight, promoted.shadow) == (None, 0, None)
    back = moves.rollback(BOTH.revised(previous=ref(0)), **SAID)
    assert (back.champion, back.challenger, back.weight, back.shadow) == (ref(0), None, 0, None)
    assert back.bake_until is None


def test_a_rollback_to_where_it_stands_changes_nothing_and_a_named_one_is_no_repetition() -> None:
    watched = moves.promote(FIRST, ref(2), model="m", **SAID)
    assert moves.rollback(watched, to=2, **SAID) is watched
    assert moves.rollback(watched, to=1, **SAID).champion == ref(1)
    back = moves.rollback(watched, **SAID)
    with pytest.raises(ConflictError, match="no previous version"):
        moves.rollback(back, to=2, **SAID)
    stopped = moves.retire(FIRST, **SAID)
    assert moves.rollback(stopped.revised(action="freeze"), **SAID).champion == ref(1)


@pytest.mark.parametrize(
    ("wish", "advice"),
    [
        (lambda frozen: moves.promote(frozen, ref(2), model="m", **SAID), "unfreeze it before you promote"),
        (lambda frozen: moves.shadow(frozen, ref(4), **SAID), "unfreeze it before you shadow"),
    ],
)
def test_a_frozen_model_refuses_changes_by_name(wish: Callable[[Pointer], Pointer], advice: str) -> None:
    frozen = moves.freeze(BOTH, now=NOW, who="ben", why="audit")
    with pytest.raises(ConflictError, match=f"frozen by ben; {advice}"):
        wish(frozen)
    assert moves.freeze(frozen, **SAID) is frozen
    thawed = moves.freeze(frozen, frozen=False, **SAID)
    assert (thawed.frozen, thawed.action) == (False, "unfreeze")
    wish(thawed)


def test_a_model_that_nobody_put_a_name_to_is_frozen_by_somebody() -> None:
    with pytest.raises(ConflictError, match="frozen by somebody"):
        moves.promote(Pointer("m", 1, ref(1), frozen=True), ref(2), model="m", **SAID)


@pytest.mark.parametrize("wish", [moves.reject, moves.retire])
def test_the_champion_is_neither_rejected_nor_retired_by_its_number(wish: Callable[..., Pointer]) -> None:
    with pytest.raises(ConflictError, match="version 1 is the champion"):
        wish(BOTH, 1, **SAID)
    headless = BOTH.revised(champion=None)
    assert wish(headless, 1, **SAID).revision == headless.revision + 1


@pytest.mark.parametrize(
    ("gone", "challenger", "shadow", "weight", "until"),
    [(2, None, ref(3), 0.0, UNTIL), (3, ref(2), None, 10.0, UNTIL), (9, ref(2), ref(3), 10.0, UNTIL)],
)
@pytest.mark.parametrize("wish", [moves.reject, moves.retire])
def test_the_bake_goes_on_while_another_is_watched(
    wish: Callable[..., Pointer], gone: int, challenger: VersionRef, shadow: VersionRef, weight: float, until: str
) -> None:
    left = wish(BOTH, gone, **SAID)
    assert left.revision == BOTH.revision + 1
    assert (left.challenger, left.shadow, left.weight, left.bake_until) == (challenger, shadow, weight, until)


@pytest.mark.parametrize("role", ["challenger", "shadow"])
def test_the_bake_ends_with_the_last_that_is_watched(role: str) -> None:
    pointer = FIRST.revised(**{role: ref(2)}, bake_until=UNTIL)
    assert moves.reject(pointer, 2, **SAID).bake_until is None


def test_a_new_champion_is_watched_on_when_the_one_before_goes() -> None:
    watched = moves.promote(FIRST, ref(2), model="m", **SAID)
    left = moves.retire(watched, 1, **SAID)
    assert (left.previous, left.bake_until) == (None, HOUR)


def test_a_shadow_of_a_canary_shares_its_bake_and_one_alone_has_its_own() -> None:
    assert moves.shadow(BOTH, ref(4), **SAID).bake_until == UNTIL
    alone = moves.shadow(FIRST, ref(4), bake_minutes=5, **SAID)
    assert (alone.shadow, alone.bake_until) == (ref(4), clock.later(NOW, minutes=5))
    assert moves.shadow(FIRST, ref(4), **SAID).bake_until == HOUR
    assert moves.shadow(alone, ref(4), **SAID) is alone
    for serving in (1, 2):
        with pytest.raises(ConflictError, match=f"version {serving} answers requests already"):
            moves.shadow(BOTH, ref(serving), **SAID)


def test_only_the_shadow_that_was_meant_stops() -> None:
    assert moves.unshadow(BOTH, 2, **SAID) is BOTH
    assert moves.unshadow(FIRST, 1, **SAID) is FIRST
    assert moves.unshadow(BOTH, 3, **SAID).shadow is None


def test_pins_are_kept_once_and_let_go_one_by_one() -> None:
    pinned = moves.pin(moves.pin(FIRST, ref(2), **SAID), ref(3), **SAID)
    assert pinned.pins == (ref(2), ref(3))
    assert moves.pin(pinned, ref(2), **SAID) is pinned
    assert moves.unpin(pinned, 4, **SAID) is pinned
    assert moves.unpin(pinned, 2, **SAID).pins == (ref(3),)
    assert moves.retire(pinned, 3, **SAID).pins == (ref(2),)


def test_a_stopped_model_serves_nobody_and_stops_once() -> None:
    stopped = moves.retire(BOTH, **SAID)
    assert (stopped.champion, stopped.previous, stopped.challenger, stopped.shadow) == (None, ref(1), None, None)
    assert (stopped.weight, stopped.bake_until, stopped.frozen) == (0, None, True)
    assert moves.retire(stopped, **SAID) is stopped


@pytest.mark.parametrize(
    ("changed", "action", "subject"),
    [
        (moves.promote(BOTH, ref(2), model="m", **SAID), "promote", 2),
        (moves.rollback(BOTH.revised(previous=ref(0)), **SAID), "rollback", 1),
        (moves.reject(BOTH, 2, **SAID), "reject", 2),
        (moves.retire(BOTH, 3, **SAID), "retire", 3),
        (moves.retire(BOTH, **SAID), "retire", None),
        (moves.unshadow(BOTH, 3, **SAID), "unshadow", 3),
        (moves.pin(BOTH, ref(4), **SAID), "pin", 4),
    ],
)
def test_a_pointer_tells_its_last_change(changed: Pointer, action: str, subject: int | None) -> None:
    assert (changed.action, changed.subject) == (action, subject)
    assert (changed.updated_at, changed.who, changed.why) == (NOW, "ann", "because")
