"""Any history of decisions keeps a pointer that makes sense."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hypothesis import given
from hypothesis import strategies as st

from modelloop import clock
from modelloop.contracts.pointer import Pointer, VersionRef, pointer_from_json
from modelloop.errors import ConflictError
from modelloop.rollout import moves
from modelloop.spec.sections import Promotion

if TYPE_CHECKING:
    from collections.abc import Callable

START = "2026-01-01T00:00:00.000Z"
SAID: dict[str, Any] = {"now": START, "who": "ann", "why": "because"}
VERSIONS = st.integers(1, 5)
POLICIES = st.builds(
    Promotion, st.sampled_from(("auto", "manual", "shadow")), st.floats(-5, 150), st.floats(0, 600), st.floats(0, 0.1)
)


def ref(number: int) -> VersionRef:
    return VersionRef(number, f"run{number}", f"versions/m/run{number}/model.flat.json", "00", 1)


type Step = Callable[[Pointer | None], Pointer | None]


def on_existing(decide: Callable[..., Pointer], *args: Any, **options: Any) -> Step:
    return lambda pointer: None if pointer is None else decide(pointer, *args, **options, **SAID)


STEPS: st.SearchStrategy[Step] = st.one_of(
    st.builds(
        lambda number, policy: lambda pointer: moves.release(
            pointer, ref(number), model="m", policy=policy, **SAID
        ),
        VERSIONS, POLICIES,
    ),
    st.builds(lambda number: lambda pointer: moves.promote(pointer, ref(number), model="m", **SAID), VERSIONS),
    st.builds(lambda to: on_existing(moves.rollback, to=to), st.none() | VERSIONS),
    st.builds(lambda number: on_existing(moves.reject, number), VERSIONS),
    st.builds(lambda number: on_existing(moves.retire, number), st.none() | VERSIONS),
    st.builds(lambda number: on_existing(moves.shadow, ref(number)), VERSIONS),
    st.builds(lambda number: on_existing(moves.unshadow, number), VERSIONS),
    st.builds(lambda number: on_existing(moves.pin, ref(number)), VERSIONS),
    st.builds(lambda number: on_existing(moves.unpin, number), VERSIONS),
    st.builds(lambda frozen: on_existing(moves.freeze, frozen=frozen), st.booleans()),
)  # fmt: skip


def step(pointer: Pointer | None, wish: Step) -> Pointer | None:
    try:
        return wish(pointer)
    except ConflictError:
        return pointer


@given(st.lists(STEPS, max_size=12))
def test_every_history_leaves_a_pointer_that_makes_sense(wishes: list[Step]) -> None:
    pointer: Pointer | None = None
    for wish in wishes:
        before, pointer = pointer, step(pointer, wish)
        if pointer is None:
            continue
        assert pointer.revision == (before.revision if before else 0) + (pointer is not before)
        answering = [one for one in (pointer.champion, pointer.challenger, pointer.shadow) if one is not None]
        assert len(set(answering)) == len(answering)
        assert 0 <= pointer.weight <= 100
        assert pointer.weight == 0 or pointer.challenger is not None
        assert pointer.champion is not None or pointer.challenger is None
        assert pointer.previous is None or pointer.previous != pointer.champion
        assert pointer.bake_until is None or clock.to_ms(pointer.bake_until) >= clock.to_ms(START)
        assert pointer_from_json(pointer.to_json()) == pointer


@given(st.lists(STEPS, max_size=8), STEPS)
def test_a_wish_that_is_true_already_changes_no_role(wishes: list[Step], wish: Step) -> None:
    pointer: Pointer | None = None
    for one in wishes:
        pointer = step(pointer, one)
    once = step(pointer, wish)
    twice = step(once, wish)
    assert (once is None) == (twice is None)
    if once is not None and twice is not None:
        assert once.refs() == twice.refs()
        assert (once.champion, once.weight, once.frozen) == (twice.champion, twice.weight, twice.frozen)


@given(st.lists(STEPS, max_size=8), VERSIONS, POLICIES)
def test_a_frozen_pointer_is_not_released_to(wishes: list[Step], number: int, policy: Promotion) -> None:
    pointer: Pointer | None = None
    for wish in wishes:
        pointer = step(pointer, wish)
    if pointer is not None:
        frozen = moves.freeze(pointer, **SAID)
        assert moves.release(frozen, ref(number), model="m", policy=policy, **SAID) is frozen
