"""A crash before any call (so, after the one before it), then the same again: as if there had been no crash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.serving.changes import Changes
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.contracts.version_facts import VersionFacts
from modelloop.ids import uuid7
from modelloop.versions.run import Run
from tests.support import verdicts
from tests.support.rollouts import ACTIONS, new_model, state
from tests.support.runs import dataset
from tests.support.schedule import crash
from tests.support.stores import stores_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.registry.registry import Registry

MOST_CALLS = 40


@pytest.mark.parametrize("action", ACTIONS)
def test_a_change_that_crashed_converges_when_it_is_repeated(registry: Registry, action: str) -> None:
    model = new_model(registry)
    _act(registry, model, action)()
    expected = state(registry, model)
    for index in range(MOST_CALLS):
        model = new_model(registry)
        act = _act(registry, model, action)
        crashed = crash(act, index)
        act()
        assert state(registry, model) == expected, index
        if not crashed:
            break
    else:
        pytest.fail("the change makes more calls than this test tried")


def _act(registry: Registry, model: str, action: str) -> Callable[[], object]:
    return lambda: ACTIONS[action](Changes(stores_of(registry), model, who="ann", why="because"))


def _create(registry: Registry, model: str) -> Callable[[], object]:
    run_id = uuid7(1)
    return lambda: registry.create_run(Run(model, run_id, "upload", dataset(), "s", "2026"))


def _register(registry: Registry, model: str) -> Callable[[], object]:
    return lambda: registry.register_version(model, "run", VersionFacts(family="linear"))


def _verdict(registry: Registry, model: str) -> Callable[[], object]:
    return lambda: registry.put_verdict(verdicts.drift("2026-01-01T00:00:00.000Z", model=model))


@pytest.mark.parametrize("make", [_create, _register, _verdict])
def test_a_record_that_crashed_is_written_once(registry: Registry, make: Callable[..., Any]) -> None:
    for index in range(MOST_CALLS):
        model = f"m{index}"
        write = make(registry, model)
        crashed = crash(write, index)
        write()
        write()
        assert len(registry.list_runs(model).items) == (make is _create)
        assert [version.run_id for version in registry.list_versions(model).items] == ["run"] * (make is _register)
        assert len(registry.list_verdicts(DriftVerdict, model).items) == (make is _verdict)
        if not crashed:
            break
    else:
        pytest.fail("the record makes more calls than this test tried")
