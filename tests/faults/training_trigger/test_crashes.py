"""Intake dies right after any single AWS call; the event comes again, and all ends as if nothing had happened.

Dying right after one call is dying just before the next one.
"""

from __future__ import annotations

import json
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.storage import Bucket
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.versions.run import SUCCEEDED
from tests.support.intake_stage import provisioned

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from tests.support.intake_stage import Stage

TABLE = "x,kind,y\n" + "".join(f"{i * 0.5},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(40))
REQUEST = RetrainRequest("m", "request", "why not", None).to_json()
PARTS = 4  # of the calls, so that no test takes long on a loaded machine
SERVICES = ("s3", "dynamodb", "sqs")


class PowerCutError(BaseException):
    """The process dies here: nothing may catch it."""


@contextmanager
def dying(at: int) -> Iterator[list[str]]:
    """Die right after the AWS call with that index; give the names of the calls made."""
    made: list[str] = []

    def count(model: Any, **_: Any) -> None:
        made.append(model.name)
        if len(made) - 1 == at:
            raise PowerCutError

    opened = [clients.client(service) for service in SERVICES] + [clients.client("s3", read_seconds=60)]
    for client in opened:
        client.meta.events.register("after-call", count)
    try:
        yield made
    finally:
        for client in opened:
            client.meta.events.unregister("after-call", count)


def state(stage: Stage) -> dict[str, Any]:
    runs = stage.registry.list_runs("m").items
    stored = [key for key in Bucket("test-artifacts").list_keys("prepared/") if not key.endswith("table.json")]
    prepared = {key.split("/", 3)[3]: Bucket("test-artifacts").get(key) for key in stored}
    told = [(run.state, run.stage, run.reason, run.cause, run.dataset.digest, run.plan) for run in runs]
    return {"runs": told, "files": prepared, "messages": {message["run_id"] for message in stage.messages()},
            "own": {run.run_id for run in runs if (run.state, run.stage) == ("QUEUED", "queued")}}  # fmt: skip


def upload(stage: Stage) -> dict[str, Any]:
    return stage.event(keys.dataset("m", "t.csv"), TABLE.encode())


def refused(stage: Stage) -> dict[str, Any]:
    return stage.event(keys.dataset("m", "t.csv"), TABLE.encode() + b"1,2\n")


def brought(stage: Stage) -> dict[str, Any]:
    Bucket("test-data").put(keys.brought("m", "model.yaml"), b"columns: [a]\nclasses: [0, 1]\ntarget: y\n")
    Bucket("test-data").put(keys.brought("m", "reference.csv"), b"a,y\n1,0\n2,1\n")
    return stage.event(keys.brought("m", "net.onnx"), b"onnx")


def retrained(stage: Stage) -> dict[str, Any]:
    run = stage.upload("t.csv", TABLE)
    stage.registry.finish_run("m", run.run_id, SUCCEEDED)
    stage.messages()
    line = {"id": "p", "row": 0, "time": "2026-11-23T10:00:00.000Z", "values": {"x": 1, "kind": "a"}, "label": "no"}
    Bucket("test-artifacts").put(keys.labelled("m", "2026-11-23T10"), json.dumps(line).encode())
    return REQUEST


def deliver_dying(stage: Stage, event: dict[str, Any], at: int) -> list[str]:
    with dying(at) as made:
        try:
            stage.deliver(event)
        except PowerCutError:
            return made
    return made


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with pytest.MonkeyPatch.context() as patch, provisioned(patch) as found:
        yield found


@pytest.mark.parametrize("part", range(PARTS))
@pytest.mark.parametrize("arrange", [upload, refused, brought, retrained])
def test_redelivery_converges_from_every_call(
    stage: Stage, arrange: Callable[[Stage], dict[str, Any]], part: int
) -> None:
    stage.wipe()
    calls = deliver_dying(stage, arrange(stage), -1)
    wanted = state(stage)
    assert len(calls) >= 8
    assert wanted["messages"] == wanted["own"]
    for at in range(part, len(calls), PARTS):
        stage.wipe()
        event = arrange(stage)
        assert deliver_dying(stage, event, at) == calls[: at + 1]
        stage.deliver(event)
        found = state(stage)
        assert found["messages"] == found["own"], (at, calls[at])
        assert (found["runs"], found["files"]) == (wanted["runs"], wanted["files"]), (at, calls[at])
