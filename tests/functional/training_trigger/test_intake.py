from __future__ import annotations

import csv
from hashlib import sha256
from importlib.metadata import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from modelloop.tables.encoding import encoding_from_json
from training_trigger import preparation

if TYPE_CHECKING:
    from tests.support.intake_stage import Stage


def penguins() -> str:
    path = next(path for path in files("palmerpenguins") or () if path.name == "penguins.csv")
    return path.read_text()


def small(rows: int = 60) -> str:
    return "x,kind,y\n" + "".join(f"{i * 0.5},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(rows))


def test_real_table_becomes_one_queued_run_whose_matrix_is_what_serving_would_encode(stage: Stage) -> None:
    text = penguins()
    stage.spec("target: species\n", "penguins")
    run = stage.upload("penguins.csv", text, "penguins")
    assert (run.state, run.stage, run.percent) == ("QUEUED", "queued", 25)
    assert run.dataset.rows == 344
    assert run.task_reason == "classification, because species is text"
    assert run.task_reason not in run.warnings
    assert run.dataset.version_id
    assert stage.messages() == [{"format_version": 1, "model": "penguins", "run_id": run.run_id, "request_id": None}]
    document = stage.table(run)
    assert document["classes"] == ["Adelie", "Chinstrap", "Gentoo"]
    rows = list(csv.DictReader(text.splitlines()))
    encoding = encoding_from_json(document["encoding"])
    served = encoding.read(len(rows), {name: [row[name] for row in rows] for name in rows[0]})
    np.testing.assert_array_equal(stage.array(run, "matrix.npy"), np.array(served.vectors, np.float32))
    target = stage.array(run, "target.npy")
    assert [document["classes"][code] for code in target] == [row["species"] for row in rows]
    assert set(stage.array(run, "membership.npy")) == {0, 1, 2}


def test_a_run_carries_what_was_uploaded_and_what_it_will_need(stage: Stage) -> None:
    body = small().encode()
    event = stage.event(keys.dataset("m", "t.csv"), body)
    (outcome,) = stage.deliver(event)
    run = stage.registry.get_run("m", outcome["run_id"])
    assert run.dataset.to_json() == {
        "uri": "s3://test-data/datasets/m/t.csv", "version_id": event["Records"][0]["s3"]["object"]["versionId"],
        "digest": sha256(body).hexdigest(), "file": "t.csv", "bytes": len(body), "rows": 60, "columns": 3,
    }  # fmt: skip
    assert run.plan is not None
    plan = {name: getattr(run.plan, name) for name in ("rows", "columns", "slots", "bytes", "classes")}
    assert plan == {"rows": 60, "columns": 2, "slots": 2, "bytes": len(body), "classes": 2}
    assert 0 < run.plan.memory_mb < run.plan.limits.memory_mb
    assert 0 < run.plan.seconds < run.plan.limits.seconds


@pytest.mark.parametrize(
    ("variable", "value", "says"),
    [
        ("MODELLOOP_TRAINER_STORAGE", "0", "deploy with a larger TrainerStorage"),
        ("MODELLOOP_TRAINER_MEMORY", "330", "deploy with TrainerMemory of at least"),
    ],
)
def test_what_the_deployed_functions_have_no_room_for_is_refused_with_what_to_deploy(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, variable: str, value: str, says: str
) -> None:
    monkeypatch.setenv(variable, value)
    settings.cache_clear()
    (outcome,) = stage.deliver(stage.event(keys.dataset("m", "t.csv"), small().encode()))
    assert outcome["outcome"] == "rejected"
    assert says in outcome["reason"]
    assert stage.messages() == []


def test_a_table_without_room_is_refused_before_it_is_read(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODELLOOP_TRAINER_STORAGE", "0")
    settings.cache_clear()
    monkeypatch.setattr(preparation, "load", lambda *_: pytest.fail("it was read"))
    (outcome,) = stage.deliver(stage.event(keys.dataset("m", "t.csv"), small().encode()))
    assert outcome["outcome"] == "rejected"


def test_second_delivery_and_second_upload_of_the_same_table_are_the_same_run(stage: Stage) -> None:
    event = stage.event(keys.dataset("m", "t.csv"), small().encode())
    (first,) = stage.deliver(event)
    (second,) = stage.deliver(event)
    (third,) = stage.deliver(stage.event(keys.dataset("m", "copy of t+1 ü%20.csv"), small().encode()))
    assert first["run_id"] == second["run_id"] == third["run_id"]
    assert len({message["run_id"] for message in stage.messages()}) == 1
    assert len(stage.registry.list_runs("m").items) == 1


def test_changed_spec_is_another_run(stage: Stage) -> None:
    first = stage.upload("t.csv", small())
    stage.spec("ignore: [kind]\n")
    second = stage.upload("t.csv", small())
    assert first.run_id != second.run_id
    assert [column["name"] for column in stage.table(second)["encoding"]["columns"]] == ["x"]


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Event": "s3:TestEvent", "Service": "Amazon S3"},
        {"Records": []},
        {"Records": None},
        {"source": "aws.somebody-else"},
        {"Records": [{"eventSource": "aws:sqs", "body": "{}"}]},
        {"Records": [{"eventSource": "aws:s3", "eventName": "ObjectRemoved:Delete"}]},
    ],
)
def test_events_without_an_upload_are_acknowledged(stage: Stage, event: dict[str, Any]) -> None:
    assert stage.deliver(event) == []


@pytest.mark.parametrize(
    "key", ["other/m/t.csv", "datasets/", "datasets/m/", "datasets/Bad Name/t.csv", "datasets/m/model.yaml",
            "datasets/m/.DS_Store", "datasets/../m/t.csv"],
)  # fmt: skip
def test_objects_that_are_no_tables_have_no_effect(stage: Stage, key: str) -> None:
    (outcome,) = stage.deliver(stage.event(key, small().encode()))
    assert outcome["outcome"] == "ignored"
    assert stage.messages() == []
    assert stage.registry.list_models().items == []


def test_older_event_of_a_key_is_stale(stage: Stage) -> None:
    older = stage.event(keys.dataset("m", "t.csv"), small().encode())
    newer = stage.event(keys.dataset("m", "t.csv"), small(70).encode())
    (won,) = stage.deliver(newer)
    (lost,) = stage.deliver(older)
    assert (won["outcome"], lost["outcome"]) == ("queued", "stale")
    assert len(stage.registry.list_runs("m").items) == 1


def test_the_version_of_the_event_is_read_even_when_the_object_was_overwritten(stage: Stage) -> None:
    event = stage.event(keys.dataset("m", "t.csv"), small(60).encode())
    clients.client("s3").put_object(Bucket="test-data", Key=keys.dataset("m", "t.csv"), Body=small(90).encode())
    (outcome,) = stage.deliver(event)
    assert stage.registry.get_run("m", outcome["run_id"]).dataset.rows == 60


def test_a_deleted_version_is_reported_as_gone(stage: Stage) -> None:
    event = stage.event(keys.dataset("m", "t.csv"), small().encode())
    version = event["Records"][0]["s3"]["object"]["versionId"]
    clients.client("s3").delete_object(Bucket="test-data", Key=keys.dataset("m", "t.csv"), VersionId=version)
    (outcome,) = stage.deliver(event)
    assert (outcome["outcome"], outcome["run_id"]) == ("gone", None)


def test_refused_table_ends_rejected_and_the_file_stays(stage: Stage) -> None:
    run = stage.upload("t.csv", "a,b\n1,2\n1,2,3\n")
    assert run.state == "REJECTED"
    assert run.reason is not None
    assert run.reason.startswith("line 3 has 3 values and the header names 2 columns")
    assert Bucket("test-data").get(keys.dataset("m", "t.csv")) == b"a,b\n1,2\n1,2,3\n"
    assert stage.messages() == []


def test_classes_that_differ_in_case_alone_and_a_row_without_a_label_are_warned_about(stage: Stage) -> None:
    labels = ("Yes", "yes", "No", "other")
    run = stage.upload("t.csv", "x,y\n" + "".join(f"{i},{labels[i % 4]}\n" for i in range(80)) + "80,\n")
    assert [warning for warning in run.warnings if "case" in warning] == [
        "the classes 'Yes', 'yes' differ only in upper and lower case: spell them the same if they mean the same"
    ]
    assert "1 row has no label and was left out" in run.warnings


def test_the_trainer_is_told_on_which_line_each_setting_stands(stage: Stage) -> None:
    stage.spec("estimators: [linear]\nparams:\n  linear:\n    C: 2.0\n")
    lines = stage.table(stage.upload("t.csv", small()))["spec_lines"]
    assert lines == {"estimators": 1, "params": 2, "params.linear": 3, "params.linear.C": 4}


def test_refused_spec_ends_rejected_with_its_line(stage: Stage) -> None:
    stage.spec("# what to predict\ntarget: y\nestimator: forest\n")
    run = stage.upload("t.csv", small())
    assert run.state == "REJECTED"
    assert run.reason is not None
    assert run.reason.startswith("model.yaml line 3: unknown key `estimator`")
