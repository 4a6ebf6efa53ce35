from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.serving import pointers
from modelloop.aws.serving.changes import Changes, repair
from modelloop.errors import ConflictError, NotFoundError
from tests.support.stores import ARTIFACTS, stores_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.registry.registry import Registry
    from modelloop.contracts.pointer import Pointer


def add_version(registry: Registry, number: int, decision: str = "release", **promotion: Any) -> None:
    file = f"versions/m/run{number}/model.flat.json"
    facts = version_facts(decision, file, reasons=["because"], promotion=promotion)
    assert registry.register_version("m", f"run{number}", facts) == number


def by(registry: Registry, who: str = "ann", why: str = "because") -> Changes:
    return Changes(stores_of(registry), "m", who=who, why=why)


def roles(pointer: Pointer | None) -> dict[str, Any]:
    assert pointer is not None
    named = {role: getattr(pointer, role) for role in ("champion", "challenger", "shadow", "previous")}
    return {role: ref.version for role, ref in named.items() if ref is not None}


def who_approved(registry: Registry) -> str | None:
    approved = registry.get_version("m", 1).approved
    return approved.who if approved else None


def actions(registry: Registry) -> list[str]:
    return [entry.action for entry in registry.list_audit("m").items][::-1]


def test_versions_go_live_one_after_the_other(registry: Registry) -> None:
    for number in (1, 2):
        add_version(registry, number)
    assert roles(by(registry).release(1)) == {"champion": 1}
    canary = by(registry).release(2)
    assert roles(canary) == {"champion": 1, "challenger": 2}
    assert canary is not None
    assert canary.weight == 10
    assert roles(by(registry).promote()) == {"champion": 2, "previous": 1}
    assert roles(by(registry).rollback()) == {"champion": 1}
    assert actions(registry) == ["release", "release", "promote", "rollback"]
    assert roles(by(registry).release(2)) == {"champion": 1}
    assert roles(by(registry).promote(2)) == {"champion": 2, "previous": 1}
    assert roles(by(registry).rollback()) == {"champion": 1}
    copied = registry.get_model("m").serving
    assert copied is not None
    assert copied.champion is not None
    assert copied.champion.version == 1


def test_repeating_a_change_changes_nothing(registry: Registry) -> None:
    for number in (1, 2, 3):
        add_version(registry, number)
    by(registry).release(1)
    by(registry).release(2)
    repeated: list[Callable[[], Pointer | None]] = [
        lambda: by(registry).release(2),
        lambda: by(registry).promote(),
        lambda: by(registry).rollback(),
        lambda: by(registry).shadow(3),
        lambda: by(registry).pin(2),
        lambda: by(registry).freeze(),
        lambda: by(registry).freeze(on=False),
        lambda: by(registry).pin(2, on=False),
        lambda: by(registry).shadow(3, on=False),
        lambda: by(registry).reject(3),
        lambda: by(registry).retire(2),
        lambda: by(registry).retire(),
    ]
    for change in repeated:
        first = change()
        count = len(actions(registry))
        assert change() == first
        assert len(actions(registry)) == count


def test_a_version_that_needs_approval_waits_for_it(registry: Registry) -> None:
    add_version(registry, 1, "approve")
    assert by(registry).release(1) is None
    assert pointers.read(ARTIFACTS, "m") == (None, None)
    assert roles(by(registry).approve(1)) == {"champion": 1}
    assert roles(by(registry).approve(1)) == {"champion": 1}
    assert who_approved(registry) == "ann"
    assert sorted(actions(registry)) == ["approve", "release"]


def test_a_manual_version_goes_live_when_approved(registry: Registry) -> None:
    add_version(registry, 1, policy="manual")
    assert by(registry).release(1) is None
    assert roles(by(registry).approve(1)) == {"champion": 1}


def test_promoting_a_version_approves_it(registry: Registry) -> None:
    add_version(registry, 1, "approve")
    assert roles(by(registry, "eve").promote(1)) == {"champion": 1}
    assert who_approved(registry) == "eve"


def test_what_the_gate_refused_cannot_serve(registry: Registry) -> None:
    add_version(registry, 1, "reject")
    assert by(registry).release(1) is None
    for change in (by(registry).promote, by(registry).approve, by(registry).pin, by(registry).shadow):
        with pytest.raises(ConflictError, match="the gate refused version 1: because"):
            change(1)


@pytest.mark.parametrize("withdraw", ["reject", "retire"])
def test_a_withdrawn_version_never_serves_again(registry: Registry, withdraw: str) -> None:
    for number in (1, 2):
        add_version(registry, number)
    by(registry).release(1)
    by(registry).release(2)
    assert roles(getattr(by(registry, "eve"), withdraw)(2)) == {"champion": 1}
    assert roles(by(registry).release(2)) == {"champion": 1}
    with pytest.raises(ConflictError, match="by eve"):
        by(registry).promote(2)


def test_the_first_waiting_version_can_be_rejected_and_the_next_goes_live(registry: Registry) -> None:
    add_version(registry, 1, "approve")
    add_version(registry, 2)
    by(registry).reject(1)
    with pytest.raises(ConflictError):
        by(registry).promote(1)
    assert roles(by(registry).release(2)) == {"champion": 2}


def test_the_champion_is_not_withdrawn_by_number(registry: Registry) -> None:
    add_version(registry, 1)
    by(registry).release(1)
    for change in (by(registry).reject, by(registry).retire):
        with pytest.raises(ConflictError, match="is the champion"):
            change(1)
    assert registry.get_version("m", 1).retired is None


def test_a_frozen_model_only_goes_back(registry: Registry) -> None:
    for number in (1, 2, 3):
        add_version(registry, number)
    by(registry).release(1)
    by(registry).promote(2)
    by(registry).freeze()
    assert roles(by(registry).release(3)) == {"champion": 2, "previous": 1}
    with pytest.raises(ConflictError, match="frozen"):
        by(registry).promote(3)
    assert roles(by(registry).rollback()) == {"champion": 1}


def test_what_is_unknown_is_said(registry: Registry) -> None:
    with pytest.raises(NotFoundError):
        by(registry).promote(7)
    for change in (by(registry).rollback, by(registry).freeze, by(registry).retire):
        with pytest.raises(ConflictError, match="nothing serves"):
            change()
    for default in (by(registry).promote, by(registry).reject):
        with pytest.raises(ConflictError, match="name the version"):
            default()


def test_repair_makes_up_for_a_lost_record(registry: Registry) -> None:
    add_version(registry, 1)
    pointer = by(registry).release(1)
    assert pointer is not None
    _, etag = pointers.read(ARTIFACTS, "m")
    silent = pointer.revised(frozen=True, action="freeze", who="bob", why="quiet", updated_at=pointer.updated_at)
    pointers.publish(ARTIFACTS, silent, etag)
    for _ in range(2):
        repair(stores_of(registry), "m")
        copied = registry.get_model("m").serving
        assert copied is not None
        assert copied.frozen
        assert actions(registry) == ["release", "freeze"]
