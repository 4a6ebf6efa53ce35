"""A model of an earlier release is retrained by this one: its rows stay on their sides, and nobody is asked anew."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest

from inference import replay
from modelloop import keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.registry import manifests
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.ids import uuid7
from tests.support import older_model
from tests.support.intake_stage import ARTIFACTS, provisioned
from tests.support.older_model import FILE, MODEL, ROWS
from tests.support.trainer_lab import BucketObjects, Context, decision, outcomes, replayed
from trainer.handler import handler

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

MORE = 600


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with provisioned(monkeypatch) as made:
        manifests.read.cache_clear()
        objects = BucketObjects(ARTIFACTS, boto3.client("s3"))
        monkeypatch.setattr(replay, "_objects", lambda: objects)
        monkeypatch.setattr(ReplayFunction, "replay", lambda _, event: replayed(event))
        yield made


def retrained(stage: Stage) -> dict[str, Any]:
    """Ask for a retraining on the old table and new labelled rows; return the outcome."""
    lines = []
    for row in older_model.rows(MORE, seed=8):
        label = row.pop("y")
        cells = row | {"x": float(row["x"])}
        lines.append({"id": uuid7(), "row": 0, "time": "2026-11-23T10:00:00.000Z", "values": cells, "label": label})
    body = b"".join(json.dumps(line).encode() + b"\n" for line in lines)
    Bucket(ARTIFACTS).put(keys.labelled(MODEL, "2026-11-23T10"), body)
    (outcome,) = stage.deliver(RetrainRequest(MODEL, "request", "asked", None).to_json())
    return outcome


def grown(stage: Stage) -> dict[str, Any]:
    """Upload the old table with new rows at its end; return the outcome."""
    more = older_model.rows(MORE, seed=8)
    body = older_model.table() + "".join(",".join(row.values()) + "\n" for row in more)
    (outcome,) = stage.deliver(stage.event(keys.dataset(MODEL, FILE), body.encode()))
    return outcome


def train(stage: Stage, run: Run) -> Run:
    body = orjson.dumps({"format_version": 1, "model": MODEL, "run_id": run.run_id, "request_id": run.request_id})
    answer = handler({"Records": [{"messageId": "1", "body": body.decode()}]}, Context())
    assert answer == {"batchItemFailures": []}
    return stage.registry.get_run(MODEL, run.run_id)


@pytest.mark.parametrize("again", [retrained, grown])
def test_a_model_of_an_earlier_release_is_retrained_through_the_whole_gate(stage: Stage, again: Any) -> None:
    before = older_model.restore(stage)
    membership = older_model.recorded()["membership"]
    stage.spec("estimators: [linear]\n", MODEL)
    outcome = again(stage)
    run = stage.registry.get_run(MODEL, outcome["run_id"])
    assert (run.state, run.reason, run.dataset.rows) == ("QUEUED", None, ROWS + MORE)
    sides = "".join(map(str, stage.array(run, "membership.npy").tolist()))
    assert sides[:ROWS] == membership, "no row changes its side"

    ended = train(stage, run)
    assert (ended.state, decision(ended)) == ("SUCCEEDED", "release"), ended.reason
    assert set(outcomes(ended).values()) == {"passed"}, "nothing asks for an approval that was not needed before"
    assert ended.gate is not None
    rows = {compared.name: compared.rows for compared in ended.gate.comparisons}
    assert rows["champion_on_anchor"] == membership.count("2")
    assert rows["champion_on_holdout"] == sides.count("2")
    pointer, _ = pointers.read(Bucket(ARTIFACTS), MODEL)
    assert pointer is not None
    assert pointer.champion is not None
    assert pointer.challenger is not None
    assert (pointer.champion.run_id, pointer.challenger.run_id) == (before, run.run_id)
