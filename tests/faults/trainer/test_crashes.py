"""The trainer is cut off at every AWS call in turn; the next delivery ends where an undisturbed run ends."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import EndpointConnectionError

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.registry import manifests
from modelloop.aws.storage import Bucket
from modelloop.versions.run_change import RunChange
from tests.support.trainer_lab import Lab, sample
from tests.support.trainer_lab import lab as open_lab
from trainer.evaluation import bootstrap, diagnostics
from trainer.release import replaying

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.contracts.audit import AuditEntry

ROWS = 1500  # a holdout that needs no cross-validation
PARTS = 4  # of the calls, so that no test takes long on a loaded machine
RUN_ID = "019a0000-0000-7000-8000-000000000001"
DONE: dict[str, list[Any]] = {"batchItemFailures": []}


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    hurry(monkeypatch)


def hurry(patch: pytest.MonkeyPatch) -> None:
    """Do the same with fewer rows and replicates: what is proven here is the order of effects."""
    patch.setattr(bootstrap, "REPLICATES", 40)
    patch.setattr(bootstrap, "MIN_REPLICATES", 40)
    patch.setattr(diagnostics, "REPEATS", 1)
    for name in ("HOLDOUT_ROWS", "MIXED_ROWS", "BOUNDARY_ROWS"):
        patch.setattr(replaying, name, 20)


class KilledError(BaseException):
    """The environment is gone: nothing catches it, and nothing is called after it."""


class Counter:
    """Counts AWS calls; from the one of number `fatal` on (or for that one alone) `fault` is raised."""

    def __init__(self, fatal: int | None, fault: Callable[[], BaseException], *, lasting: bool) -> None:
        self.calls = 0
        self.names: list[str] = []
        self._fatal, self._fault, self._lasting = fatal, fault, lasting

    def watch(self) -> None:
        for service in ("s3", "dynamodb"):
            clients.client(service).meta.events.register("before-call", self._count)

    def stop(self) -> None:
        for service in ("s3", "dynamodb"):
            clients.client(service).meta.events.unregister("before-call", self._count)

    def _count(self, model: Any, **_: Any) -> None:
        self.calls += 1
        self.names.append(model.name)
        if self._fatal is not None and (self.calls == self._fatal or (self._lasting and self.calls > self._fatal)):
            raise self._fault()


def state(lab: Lab) -> dict[str, Any]:
    """Return everything that people and the data plane see; the version's number may skip one, so it is called N."""
    run, pointer = lab.registry.get_run("m", RUN_ID), lab.pointer()
    number = f"version {run.version}"
    served = pointer.champion
    return {
        "run": (run.state, run.stage, run.percent, str(run.reason).replace(number, "version N"), run.gate, run.metrics),
        "pointer": (pointer.revision, served.version == run.version, served.file, served.sha256, pointer.challenger),
        "projection": (copied := lab.registry.get_model("m").serving) and copied.revision,
        "versions": [version.version == run.version for version in lab.registry.list_versions("m").items],
        "audit": sorted((entry.action, *_mark(entry)) for entry in lab.registry.list_audit("m").items),
        "bundle": Bucket("artifacts").get(keys.version("m", RUN_ID, keys.BUNDLE)),
    }


def _mark(entry: AuditEntry) -> tuple[Any, ...]:
    """Return what tells a repeated entry apart; its id holds the time."""
    return (entry.detail["revision" if entry.action == "release" else "run_id"],)


@pytest.fixture(scope="module")
def undisturbed() -> tuple[dict[str, Any], list[str]]:
    """Return what an undisturbed run ends with, and the names of its calls."""
    with pytest.MonkeyPatch.context() as patch, open_lab(patch) as lab:
        hurry(patch)
        run = lab.prepare(sample(ROWS, 1), run_id=RUN_ID)
        counter = Counter(None, KilledError, lasting=False)
        counter.watch()
        assert lab.deliver(run) == DONE
        counter.stop()
        return state(lab), counter.names


@pytest.mark.parametrize("part", range(PARTS))
def test_a_killed_environment_is_followed_by_the_same_state(
    undisturbed: tuple[dict[str, Any], list[str]], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    wanted, names = undisturbed
    endings = []
    for fatal in range(1 + part, len(names) + 1, PARTS):
        with open_lab(monkeypatch) as lab:
            run = lab.prepare(sample(ROWS, 1), run_id=RUN_ID)
            counter = Counter(fatal, KilledError, lasting=True)
            counter.watch()
            with pytest.raises(KilledError):
                lab.deliver(run)
            counter.stop()
            died = lab.registry.get_run("m", RUN_ID)
            expire(lab, died.state)
            manifests.read.cache_clear()  # another environment takes over
            assert lab.deliver(run) == DONE
            ended = lab.registry.get_run("m", RUN_ID)
            endings.append(ended.state)
            if died.state == "RUNNING" and died.stage == "fitting":
                assert (ended.state, lab.pointer()) == ("FAILED", None)
                assert "TrainerMemory" in str(ended.reason)
            else:
                assert state(lab) == wanted, f"killed at call {fatal}, {names[fatal - 1]}"
    assert endings.count("FAILED") <= 2
    assert len(endings) > 20 / PARTS


@pytest.mark.parametrize("part", range(PARTS))
def test_a_lost_connection_is_followed_by_the_same_state(
    undisturbed: tuple[dict[str, Any], list[str]], monkeypatch: pytest.MonkeyPatch, part: int
) -> None:
    wanted, names = undisturbed
    for fatal in range(1 + part, len(names) + 1, PARTS):
        with open_lab(monkeypatch) as lab:
            run = lab.prepare(sample(ROWS, 1), run_id=RUN_ID)
            counter = Counter(fatal, lambda: EndpointConnectionError(endpoint_url="https://aws"), lasting=False)
            counter.watch()
            first = lab.deliver(run)
            counter.stop()
            if first != DONE:
                assert lab.deliver(run) == DONE
            assert state(lab) == wanted, f"lost at call {fatal}, {names[fatal - 1]}"


def expire(lab: Lab, found: str) -> None:
    if found == "RUNNING":
        lab.registry.update_run("m", RUN_ID, RunChange(lease_until="2020-01-01T00:00:00.000Z"))
