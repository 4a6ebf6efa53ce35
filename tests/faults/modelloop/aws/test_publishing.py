"""The trainer releases a version while people decide about the same model: a withdrawn version never goes live."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop.aws.serving import pointers
from modelloop.aws.serving.changes import Changes
from modelloop.contracts.manifest_parts import FileFacts
from modelloop.errors import ConflictError
from tests.support.manifests import manifest_of
from tests.support.rollouts import new_model, state
from tests.support.schedule import Turns, count_calls
from tests.support.stores import stores_of
from trainer.release.publishing import publish

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.registry.registry import Registry

FILES = {keys.BUNDLE: FileFacts("00", 1)}
FACT = {"reject": "rejected", "retire": "retired"}


def releasing(registry: Registry, model: str) -> Callable[[], str]:
    manifest = manifest_of(model=model, version=5, run_id="run5", compared_with="run2", files=FILES)
    return lambda: publish(stores_of(registry), manifest)


def by_ann(registry: Registry, model: str) -> Changes:
    return Changes(stores_of(registry), model, who="ann", why="wrong rows")


def interrupted(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], object]) -> None:
    """Let somebody act between the trainer's look at the pointer and its first write."""
    real, pending = pointers.publish, [meanwhile]

    def publish_late(artifacts: Any, pointer: Any, etag: str | None) -> str:
        if pending:
            pending.pop()()
        return real(artifacts, pointer, etag)

    monkeypatch.setattr(pointers, "publish", publish_late)


def test_a_version_rejected_meanwhile_does_not_go_live(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_model(registry)
    interrupted(monkeypatch, lambda: by_ann(registry, model).reject(5))
    assert releasing(registry, model)() == "version 5 was rejected before it could serve"
    found = state(registry, model)
    assert (found["champion"], found["challenger"], found["facts"][5]) == (2, 3, ["rejected"])


def test_a_champion_promoted_meanwhile_stops_the_release(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_model(registry)
    interrupted(monkeypatch, lambda: by_ann(registry, model).promote(3))
    assert "the champion changed while it was trained" in releasing(registry, model)()
    assert state(registry, model)["challenger"] is None


def test_another_change_meanwhile_only_delays_the_release(registry: Registry, monkeypatch: pytest.MonkeyPatch) -> None:
    model = new_model(registry)
    interrupted(monkeypatch, lambda: by_ann(registry, model).pin(1))
    assert releasing(registry, model)().startswith("version 5 is the challenger with 10 %")
    found = state(registry, model)
    assert (found["challenger"], found["pins"]) == (5, [1])


@pytest.mark.parametrize("withdraw", ["reject", "retire"])
def test_a_release_and_a_withdrawal_end_with_one_winner_whatever_their_order(registry: Registry, withdraw: str) -> None:
    def both(model: str) -> list[Callable[[], object]]:
        return [releasing(registry, model), lambda: getattr(by_ann(registry, model), withdraw)(5)]

    endings = set()
    for outer in (0, 1):
        calls = count_calls(both(new_model(registry))[outer])
        for point in range(calls):
            model = new_model(registry)
            results = Turns([outer] * point + [1 - outer] * 40).run(both(model))
            found = state(registry, model)
            lost = isinstance(results[1], ConflictError)
            assert (found["challenger"] == 5) == lost, (outer, point, results)
            assert found["facts"][5] == ([] if lost else [FACT[withdraw]]), (outer, point, results)
            endings.add(str(results[0]).split(" until")[0])
    assert len(endings) > 1, endings
