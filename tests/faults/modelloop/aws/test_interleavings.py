"""Two writers at once: one wins, the other learns of it, whatever their order."""

from __future__ import annotations

from itertools import combinations, combinations_with_replacement, product
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.serving.changes import Changes
from modelloop.contracts.pointer import ROLES
from modelloop.errors import ConflictError
from tests.support.rollouts import ACTIONS, new_model, state
from tests.support.schedule import Turns, count_calls
from tests.support.stores import ARTIFACTS, stores_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.aws.registry.registry import Registry

RACES = [
    ("promote free", "retire free"),
    ("promote challenger", "reject challenger"),
    ("promote waiting", "reject waiting"),
    ("reject waiting", "approve"),
    ("rollback", "retire previous"),
    ("promote challenger", "rollback"),
]
WITHDRAWN = {"rejected", "retired"}


def act(registry: Registry, model: str, name: str, who: str) -> Callable[[], object]:
    return lambda: ACTIONS[name](Changes(stores_of(registry), model, who=who, why="race"))


def check(registry: Registry, model: str, results: list[object], names: tuple[str, str], allowed: list[Any]) -> None:
    assert all(not isinstance(result, Exception) or isinstance(result, ConflictError) for result in results), results
    assert not all(isinstance(result, ConflictError) for result in results), (names, results)
    found = state(registry, model)
    for role in ROLES:
        if found[role] is not None and role != "previous":
            assert not WITHDRAWN & set(found["facts"][found[role]]), (names, role, found)
    assert comparable(found) in allowed, (names, found, results)


def comparable(found: dict[str, Any]) -> dict[str, Any]:
    """Leave out what was done on the way, and approvals: they are recorded even when the promotion then loses."""
    facts = {number: [fact for fact in known if fact != "approved"] for number, known in found["facts"].items()}
    return {**found, "actions": None, "facts": facts}


def serial_outcomes(registry: Registry, names: tuple[str, str]) -> list[dict[str, Any]]:
    """Return what either writer alone, or one after the other, leads to."""
    outcomes = []
    for order in ((0,), (1,), (0, 1), (1, 0)):
        model = new_model(registry)
        for position in order:
            try:
                act(registry, model, names[position], f"writer {position}")()
            except ConflictError:
                continue
        outcomes.append(comparable(state(registry, model)))
    return outcomes


def schedules(first: int, second: int) -> Iterator[list[int]]:
    """Yield every order in which so many calls of one and of the other can follow each other."""
    for places in combinations(range(first + second), first):
        yield [0 if place in places else 1 for place in range(first + second)]


ALL = [
    pytest.param(names, id=" + ".join(names), marks=() if names in RACES else pytest.mark.slow)
    for names in combinations_with_replacement(ACTIONS, 2)
]


@pytest.mark.parametrize("names", ALL)
def test_one_writer_in_the_middle_of_another(registry: Registry, names: tuple[str, str]) -> None:
    allowed = serial_outcomes(registry, names)
    for outer in (0, 1):
        model = new_model(registry)
        calls = count_calls(act(registry, model, names[outer], "counter"))
        for point in range(calls):
            model = new_model(registry)
            both = [act(registry, model, name, f"writer {position}") for position, name in enumerate(names)]
            results = Turns([outer] * point + [1 - outer] * 40).run(both)
            check(registry, model, results, names, allowed)


@pytest.mark.parametrize("first", [0, 1])
def test_a_promotion_and_a_withdrawal_that_change_places_twice(registry: Registry, first: int) -> None:
    names = ("promote free", "retire free")
    allowed = serial_outcomes(registry, names)
    for head, middle in product(range(1, 7), repeat=2):
        model = new_model(registry)
        both = [act(registry, model, name, f"writer {position}") for position, name in enumerate(names)]
        results = Turns([first] * head + [1 - first] * middle + [first] * 40).run(both)
        check(registry, model, results, names, allowed)


@pytest.mark.slow
@pytest.mark.parametrize("names", RACES[:3], ids=" + ".join)
def test_every_interleaving_of_two_writers(registry: Registry, names: tuple[str, str]) -> None:
    allowed = serial_outcomes(registry, names)
    for schedule in schedules(5, 5):
        model = new_model(registry)
        both = [act(registry, model, name, f"writer {position}") for position, name in enumerate(names)]
        check(registry, model, Turns(schedule).run(both), names, allowed)


def test_two_equal_promotions_by_two_people_leave_one_change(registry: Registry) -> None:
    model = new_model(registry)
    before, _ = pointers.read(ARTIFACTS, model)
    both = [act(registry, model, "promote free", who) for who in ("ann", "bob")]
    Turns([0, 1] * 10).run(both)
    after, _ = pointers.read(ARTIFACTS, model)
    assert before is not None
    assert after is not None
    assert after.revision == before.revision + 1
