from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from modelloop import keys
from modelloop.aws import storage

if TYPE_CHECKING:
    from modelloop.run import Run
    from tests.support.intake_stage import Stage

SPEC = """\
columns: {age: number, member: boolean, color: [red, green]}
classes: [0, 1]
target: y
outputs: {predict_proba: probabilities}
"""
REFERENCE = "age,member,color,y\n31,true,red,0\n,FALSE,blue,1\n 7.5 ,,green,1.0\n"


def put(name: str, body: str) -> None:
    storage.put("test-data", keys.brought("m", name), body.encode())


def bring(stage: Stage, body: bytes = b"onnx bytes") -> Run:
    (outcome,) = stage.deliver(stage.event(keys.brought("m", "churn.onnx"), body))
    return stage.registry.get_run("m", outcome["run_id"])


def test_model_becomes_one_queued_run_with_its_reference_held_out(stage: Stage) -> None:
    put("model.yaml", SPEC)
    put("reference.csv", REFERENCE)
    run = bring(stage)
    assert (run.state, run.stage, run.cause) == ("QUEUED", "queued", "model")
    assert [message["run_id"] for message in stage.messages()] == [run.run_id]
    table = stage.table(run)
    assert (table["brought"], table["task"], table["classes"], table["rows"]) == (True, "classification", [0, 1], 3)
    matrix = stage.array(run, "matrix.npy")
    assert matrix[:, 0].tolist()[0::2] == [31.0, 7.5]
    assert matrix[:2, 1:].tolist() == [[1.0, 0.0], [0.0, 2.0]]
    assert stage.array(run, "target.npy").tolist() == [0, 1, 1]
    assert stage.array(run, "membership.npy").tolist() == [2, 2, 2]
    assert storage.get("test-artifacts", keys.prepared("m", run.run_id, "model.onnx")) == b"onnx bytes"
    assert bring(stage).run_id == run.run_id


def test_without_a_reference_the_model_is_taken_and_warned_about(stage: Stage) -> None:
    put("model.yaml", "columns: [a, b]\ntask: regression\n")
    run = bring(stage)
    assert run.state == "QUEUED"
    assert any("no reference.csv" in warning for warning in run.warnings)
    assert [column["kind"] for column in stage.table(run)["encoding"]["columns"]] == ["number", "number"]


@pytest.mark.parametrize(
    ("spec", "reference", "says"),
    [
        (None, None, "needs a model.yaml beside it that lists its `columns`"),
        ("target: y\n", None, "needs a model.yaml beside it that lists its `columns`"),
        ("columns: [a]\ntask: classification\n", None, "line 2: a brought classifier needs `classes`"),
        ("columns: [a]\nmetric: deviance\n", None, "line 2: the loss of a brought model is unknown: name it"),
        ("columns: [a]\nmetric: f1\n", None, "line 2: f1 is no metric of regression"),
        ("columns: [a]\nclasses: [1, 2, 3]\nthreshold: 0.2\n", None, "line 3: a threshold decides between two"),
        ("columns: {a: date}\n", None, "`columns` must be a list of names"),
        ("columns: {a: []}\n", None, "`columns` must be a list of names"),
        (SPEC, "age,member,y\n1,true,0\n", "column 'color'"),
        (SPEC, REFERENCE.replace("31,", "old,"), "column 'age' in row 1: expected a number, got 'old'"),
        (SPEC, REFERENCE.replace(",0\n", ",2\n"), "target 'y': '2' is none of the `classes`"),
        (SPEC, REFERENCE.replace(",y\n", ",z\n"), "reference.csv has no column 'y'"),
        (SPEC, REFERENCE + "1,2\n", "row 4 has 2 values"),
        (SPEC, "age,member,color,y\n", "has no rows"),
    ],
)
def test_what_cannot_be_examined_is_rejected(stage: Stage, spec: str | None, reference: str | None, says: str) -> None:
    if spec:
        put("model.yaml", spec)
    if reference:
        put("reference.csv", reference)
    run = bring(stage)
    assert run.state == "REJECTED"
    assert says in str(run.reason)
    assert stage.messages() == []


@pytest.mark.parametrize("name", ["model.yaml", "reference.csv", "readme.txt", ".onnx"])
def test_other_files_beside_a_model_start_nothing(stage: Stage, name: str) -> None:
    (outcome,) = stage.deliver(stage.event(keys.brought("m", name), b"x"))
    assert outcome["outcome"] == "ignored"
