"""What people and programs label by mistake never refuses the table that a model is trained on again."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.versions.run import SUCCEEDED
from modelloop.versions.run_change import RunChange
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

REQUEST = RetrainRequest("m", "request", "asked", None).to_json()
CITIES = ("Busan", "Seoul", "Daegu")


def base(target: list[str]) -> str:
    return "x,city,y\n" + "".join(f"{at * 0.5},{CITIES[at % 3]},{target[at % len(target)]}\n" for at in range(120))


def row(place: int, label: object, **cells: Any) -> dict[str, Any]:
    values = {"x": place * 0.5, "city": CITIES[place % 3]} | cells
    return {
        "id": f"p{place:04d}", "row": place % 2, "time": "2026-11-23T10:00:00.000Z", "values": values, "label": label
    }  # fmt: skip


def trained(stage: Stage, target: list[str], task: str, classes: tuple[Any, ...] | None) -> Run:
    run = stage.upload("t.csv", base(target))
    number = stage.registry.register_version("m", run.run_id, version_facts(task=task, target="y", classes=classes))
    stage.registry.finish_run("m", run.run_id, SUCCEEDED, change=RunChange(version=number))
    return run


def retrained(stage: Stage, rows: list[dict[str, Any]]) -> Run:
    body = "".join(json.dumps(one) + "\n" for one in rows).encode()
    Bucket("test-artifacts").put(keys.labelled("m", "2026-11-23T10"), body)
    (outcome,) = stage.deliver(REQUEST)
    return stage.registry.get_run("m", outcome["run_id"])


def test_an_unknown_class_is_left_out_and_named_until_ten_predictions_have_it(stage: Stage) -> None:
    trained(stage, ["1", "2"], "classification", (1, 2))
    usual = [row(place, 1 + place % 2) for place in range(200, 240)]
    run = retrained(stage, [*usual, row(300, 3), *(row(301, 3) | {"row": at} for at in range(20))])
    assert (run.state, run.dataset.rows, run.dataset.labelled) == ("QUEUED", 160, 40)
    assert stage.table(run)["classes"] == [1, 2]
    (told,) = [one for one in run.warnings if one.startswith("feedback")]
    assert "21 labelled rows were left out" in told
    assert "a new class, which needs 10 predictions and has 2" in told
    assert "'3' for row 0 of prediction p0300" in told

    run = retrained(stage, [*usual, *(row(place, ("3.0", 3)[place % 2]) for place in range(300, 310))])
    assert (run.state, run.dataset.labelled) == ("QUEUED", 50)
    assert stage.table(run)["classes"] == [1, 2, 3]
    assert "feedback: the new class '3' was learned from 10 predictions" in run.warnings


def test_a_label_that_is_no_number_is_left_out_of_a_regression(stage: Stage) -> None:
    stage.spec("task: regression\n")
    trained(stage, [str(at) for at in range(30)], "regression", None)
    run = retrained(stage, [row(200, "many"), row(201, "3,5"), row(202, "7.50"), row(203, 4), row(204, True)])
    assert (run.state, run.dataset.rows) == ("QUEUED", 122)
    assert sorted(stage.array(run, "target.npy")[120:]) == [4.0, 7.5]
    assert run.warnings[0] == (
        "feedback: 3 labelled rows were left out, with a label that cannot be read: 'many' for row 0 of prediction "
        "p0200, '3,5' for row 1 of prediction p0201, True for row 0 of prediction p0204"
    )


def test_a_fault_of_the_table_is_not_blamed_on_feedback(stage: Stage) -> None:
    trained(stage, ["1", "2"], "classification", (1, 2))
    stage.spec("task: regression\ntarget: city\n")
    run = retrained(stage, [row(place, 1) for place in range(200, 210)])
    assert run.state == "REJECTED"
    assert "city" in (run.reason or "")
    assert "feedback" not in (run.reason or "")


@pytest.mark.parametrize(
    "spelling", [str, lambda truth: str(truth).upper(), bool, int, float, lambda truth: f"{truth:d}"]
)
def test_every_spelling_of_a_class_is_learned_as_that_class(stage: Stage, spelling: Any) -> None:
    trained(stage, ["FALSE", "TRUE"], "classification", (False, True))
    run = retrained(stage, [row(place, spelling(bool(place % 2))) for place in range(200, 240)])
    assert (run.state, run.dataset.labelled) == ("QUEUED", 40)
    assert stage.table(run)["classes"] == [False, True]
    assert list(stage.array(run, "target.npy")[120:]) == [0.0, 1.0] * 20
    assert not [one for one in run.warnings if one.startswith("feedback")]


@pytest.mark.parametrize(
    "wrong",
    [row(300, "z\0z"), row(300, "1", city="Bus\0an"), row(300, "x" * 2_000), row(300, "a" + "\u0300\u0316" * 40)],
    ids=["nul label", "nul cell", "long label", "marks"],
)
def test_what_no_table_could_hold_is_left_out_and_named(stage: Stage, wrong: dict[str, Any]) -> None:
    trained(stage, ["a", "b"], "classification", ("a", "b"))
    run = retrained(stage, [*(row(place, "ab"[place % 2]) for place in range(200, 240)), wrong])
    assert (run.state, run.dataset.labelled) == ("QUEUED", 40)
    assert any("1 labelled row was left out" in one and "row 0 of prediction p0300" in one for one in run.warnings)


def test_the_loop_waits_for_labels_that_can_be_read(stage: Stage) -> None:
    trained(stage, ["a", "b"], "classification", ("a", "b"))
    rows = [row(place, "a" if place < 399 else "?") for place in range(200, 420)]
    body = "".join(json.dumps(one) + "\n" for one in rows).encode()
    Bucket("test-artifacts").put(keys.labelled("m", "2026-11-23T10"), body)
    (outcome,) = stage.deliver(REQUEST | {"cause": "drift"})
    assert outcome["outcome"] == "queued", "20 predictions of a new class are labels too"
    rows = rows[:199] + rows[-9:]
    body = "".join(json.dumps(one) + "\n" for one in rows).encode()
    Bucket("test-artifacts").put(keys.labelled("m", "2026-11-23T10"), body)
    (outcome,) = stage.deliver(REQUEST | {"cause": "drift"})
    assert outcome["reason"] == "labels needed: 199 of 200 labelled rows"
