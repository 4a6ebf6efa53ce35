from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop import keys
from modelloop.aws.storage import Bucket
from training_trigger import imported_model, reference_table

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

SPEC = """\
columns: {age: number, member: boolean, color: [red, green]}
classes: [0, 1]
target: y
outputs: {predict_proba: probabilities}
"""
REFERENCE = "age,member,color,y\n31,true,red,0\n,FALSE,blue,1\n 7.5 ,,green,1.0\n"


def put(name: str, body: str) -> None:
    Bucket("test-data").put(keys.brought("m", name), body.encode())


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
    assert Bucket("test-artifacts").get(keys.prepared("m", run.run_id, "model.onnx")) == b"onnx bytes"
    assert bring(stage).run_id == run.run_id


def test_a_third_of_a_regressions_reference_calibrates_and_the_rest_examines(stage: Stage) -> None:
    put("model.yaml", "columns: [a, b]\ntarget: y\ntask: regression\n")
    rows = [f"{i},{i % 7},{i * 0.5 if i % 10 else ''}" for i in range(600)]
    put("reference.csv", "a,b,y\n" + "\n".join(rows) + "\n")
    run = bring(stage)
    assert run.state == "QUEUED", run.reason
    sides = stage.array(run, "membership.npy")
    assert set(sides.tolist()) == {1, 2}
    assert (sides == 1).mean() == pytest.approx(1 / 3, abs=0.06)
    assert np.isnan(stage.array(run, "target.npy")).sum() == 60
    put("reference.csv", "a,b,y\n" + "\n".join(reversed(rows)) + "\n")
    again = bring(stage)
    assert again.run_id != run.run_id  # another table beside the same model is another question
    assert stage.array(again, "membership.npy").tolist() == sides.tolist()[::-1]


def test_protected_columns_that_the_model_does_not_see_are_cut_into_slices(stage: Stage) -> None:
    put("model.yaml", SPEC + "protected: [region, born, age]\n")
    rows = [f"{i},true,red,{i % 2},{'' if i % 5 == 0 else 'ns'[i % 2]},19{i % 100:02}-01-01" for i in range(200)]
    put("reference.csv", "age,member,color,y,region,born\n" + "\n".join(rows) + "\n")
    run = bring(stage)
    assert run.state == "QUEUED", run.reason
    region, born = stage.table(run)["slices"]
    assert region == {"name": "region", "labels": ["n", "s", "rare"]}
    assert len(born["labels"]) == 4
    codes = stage.array(run, "slices.npy")
    assert codes[:, 0].tolist() == [-1 if i % 5 == 0 else i % 2 for i in range(200)]
    assert codes[:, 1].tolist()[:2] == [0, 0]


def test_a_reference_of_more_rows_than_are_read_is_sampled_evenly(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reference_table, "MAX_ROWS", 1000)
    put("model.yaml", "columns: [a]\ntarget: y\n")
    put("reference.csv", "a,y\n" + "".join(f"{i},1.5\n" for i in range(8000)))
    run = bring(stage)
    assert stage.table(run)["rows"] == 1000
    assert "1,000 of the 8,000 rows of reference.csv are used, drawn evenly" in run.warnings
    drawn = stage.array(run, "matrix.npy")[:, 0]
    assert (np.diff(drawn) > 0).all()
    assert np.histogram(drawn, 8, (0, 8000))[0].min() > 90


def test_a_reference_without_a_named_label_is_warned_about(stage: Stage) -> None:
    put("model.yaml", "columns: [a]\n")
    put("reference.csv", "a,y\n1,2\n")
    assert any("no `target` in model.yaml names the label" in warning for warning in bring(stage).warnings)


def test_a_model_that_cannot_be_served_for_its_size_is_refused_at_once(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(imported_model, "MAX_MODEL_BYTES", 1 << 20)
    put("model.yaml", "columns: [a]\n")
    run = bring(stage, b"x" * (1 << 20) + b"x" * 200_000)
    assert run.state == "REJECTED"
    assert "the model has 1.2 MiB, and at most 1 MiB can be served" in str(run.reason)


def test_without_a_reference_the_model_is_taken_and_warned_about(stage: Stage) -> None:
    put("model.yaml", "columns: [a, b]\ntask: regression\n")
    run = bring(stage)
    assert run.state == "QUEUED"
    assert any("the model has no reference.csv" in warning for warning in run.warnings)
    assert [column["kind"] for column in stage.table(run)["encoding"]["columns"]] == ["number", "number"]


@pytest.mark.parametrize(("city", "warned"), [("Zürich", True), ("Bern", False)])
def test_a_guessed_encoding_of_the_reference_is_warned_about(stage: Stage, city: str, warned: bool) -> None:
    put("model.yaml", f"columns: {{age: number, city: [{city}]}}\ntask: regression\ntarget: y\n")
    table = "age,city,y\n" + f"31,{city},2.5\n" * 3
    Bucket("test-data").put(keys.brought("m", "reference.csv"), table.encode("cp1252"))
    run = bring(stage)
    assert (run.state, run.reason) == ("QUEUED", None)
    assert any(word.startswith("reference.csv: the file is not UTF-8 and was read") for word in run.warnings) is warned
    assert (stage.array(run, "matrix.npy")[:, 1] == 0).all()


@pytest.mark.parametrize(
    ("spec", "reference", "says"),
    [
        (None, None, "needs a model.yaml beside it that lists its `columns`"),
        ("target: y\n", None, "needs a model.yaml beside it that lists its `columns`"),
        ("columns: [a]\ntask: classification\n", None, "line 2: an imported classifier needs `classes`"),
        ("columns: [a]\nmetric: deviance\n", None, "line 2: the loss of an imported model is unknown: name it"),
        ("columns: [a]\nmetric: f1\n", None, "line 2: f1 is not a metric of regression"),
        ("columns: [a]\nclasses: [1, 2, 3]\nthreshold: 0.2\n", None, "line 3: a threshold decides between two"),
        ("columns: [a]\nestimators: [linear]\n", None, "line 2: `estimators` has no effect: an imported model"),
        ("columns: [a]\nclasses: [on, off]\n", None, "line 2: `classes` must be labels as they are"),
        ("columns: {a: date}\n", None, "`columns` must be a list of names"),
        ("columns: {a: []}\n", None, "`columns` must be a list of names"),
        (SPEC, "age,member,y\n1,true,0\n", "column 'color'"),
        (SPEC, REFERENCE.replace("31,", "old,"), "column 'age' in row 1: expected a number, got 'old'"),
        (SPEC, REFERENCE.replace(",0\n", ",2\n"), "target 'y': '2' is not in `classes`"),
        (SPEC + "protected: [zone]\n", REFERENCE, "line 5: reference.csv has no column 'zone'"),
        (SPEC, REFERENCE.replace(",y\n", ",z\n"), "reference.csv has no column 'y'"),
        (SPEC, REFERENCE + "1,2\n", "row 4 has 2 values"),
        (SPEC, "age,member,color,y\n", "has no rows"),
        (SPEC, "\n", "reference.csv: the file has no readable header line"),
        (SPEC, "age\n1\n", "reference.csv: the table has one column"),
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
