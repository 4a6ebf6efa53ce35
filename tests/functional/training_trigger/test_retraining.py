from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.storage import Bucket
from modelloop.captures.erasure import RowSelection, erase_from_table
from modelloop.contracts.origins import read_origins
from modelloop.contracts.retrain_request import RetrainRequest
from modelloop.versions.run import SUCCEEDED

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

REQUEST = RetrainRequest("m", "drift", "drift", None).to_json()
BASE = "x,kind,y\n" + "".join(f"{i * 0.5},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(60))


def label(place: int, answer: str, time: str = "2026-11-23T10:00:00.000Z", **changes: Any) -> dict[str, Any]:
    values = {"x": place * 0.5, "kind": "ab"[place % 2]}
    return {"id": f"p{place:04d}", "row": 0, "time": time, "values": values, "label": answer} | changes


def put_labels(hour: str, lines: list[dict[str, Any]], model: str = "m") -> None:
    body = "".join(json.dumps(line) + "\n" for line in lines).encode()
    Bucket("test-artifacts").put(keys.labelled(model, hour), body)


def trained(stage: Stage) -> Run:
    run = stage.upload("t.csv", BASE)
    stage.registry.finish_run("m", run.run_id, SUCCEEDED)
    stage.messages()
    return run


def test_derived_table_is_base_rows_then_labelled_rows_on_their_old_sides(stage: Stage) -> None:
    base = trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 310)])
    (outcome,) = stage.deliver(REQUEST | {"request_id": "asked"})
    run = stage.registry.get_run("m", outcome["run_id"])
    assert (run.state, run.stage, run.cause, run.request_id) == ("QUEUED", "queued", "drift", "asked")
    assert (run.dataset.rows, run.dataset.labelled) == (270, 210)
    assert run.dataset.base == base.dataset.origin
    matrix, before = stage.array(run, "matrix.npy"), stage.array(base, "matrix.npy")
    np.testing.assert_array_equal(matrix[:60, 0], before[:, 0])
    np.testing.assert_array_equal(matrix[60:, 0], np.arange(100, 310, dtype=np.float32) * np.float32(0.5))
    np.testing.assert_array_equal(stage.array(run, "membership.npy")[:60], stage.array(base, "membership.npy"))
    assert stage.table(run)["classes"] == ["no", "yes"]
    assert [(told["run_id"], told["request_id"]) for told in stage.messages()] == [(run.run_id, "asked")]
    bucket, _, key = run.dataset.uri.removeprefix("s3://").partition("/")
    table, told = (Bucket(bucket).get(name) for name in (key, key.replace(".csv", ".origins.json")))
    assert table.startswith(b"x,kind,y\n")
    assert [row[:2] for row in json.loads(told)["rows"]] == [[f"p{place:04d}", 0] for place in range(100, 310)]
    left, gone = erase_from_table(table, read_origins(told), RowSelection("p0101", 0))
    assert (gone, table.replace(b"\n50.5,b,no\n", b"\n")) == (1, left)


def test_the_same_wish_on_the_same_labels_is_one_run_and_a_new_label_makes_another(stage: Stage) -> None:
    trained(stage)
    lines = [label(place, "no") for place in range(100, 310)]
    put_labels("2026-11-23T10", lines)
    first, second = stage.deliver(REQUEST)[0], stage.deliver(REQUEST)[0]
    assert first["run_id"] == second["run_id"]
    put_labels("2026-11-23T11", [label(400, "yes")])
    assert stage.deliver(REQUEST)[0]["run_id"] != first["run_id"]


def test_a_wish_that_comes_to_nothing_says_why_in_the_audit_log_once(stage: Stage) -> None:
    base = trained(stage)
    stage.registry.finish_run("m", stage.deliver(REQUEST | {"cause": "request"})[0]["run_id"], SUCCEEDED)
    asked = {"cause": "request", "request_id": "r-1", "time": "2026-11-25T10:00:00.000Z"}

    repeated = [stage.deliver(REQUEST | asked)[0] for _ in range(2)]
    stage.deliver(REQUEST | asked | {"model": "nobody"})

    (told,) = [one for one in stage.registry.list_audit("m").items if one.action == "retrain"]
    assert (told.detail["outcome"], told.detail["request_id"]) == ("repeated", "r-1")
    assert f"run {repeated[0]['run_id']} has trained on the same rows" in told.why
    assert repeated[0]["run_id"] != base.run_id
    assert stage.registry.list_audit("nobody").items == []


def test_a_run_on_derived_rows_is_not_the_base_of_the_next_one(stage: Stage) -> None:
    base = trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 310)])
    (outcome,) = stage.deliver(REQUEST)
    stage.registry.finish_run("m", outcome["run_id"], SUCCEEDED)
    put_labels("2026-11-23T11", [label(400, "yes")])
    again = stage.registry.get_run("m", stage.deliver(REQUEST)[0]["run_id"])
    assert again.dataset.base == base.dataset.origin
    assert again.dataset.rows == 271


def test_the_last_label_by_time_wins_and_rows_without_values_are_skipped(stage: Stage) -> None:
    trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 310)])
    put_labels(
        "2026-11-23T11",
        [
            label(100, "yes", time="2026-11-23T12:00:00.000Z"),
            label(101, "yes", time="2026-11-23T09:00:00.000Z"),
            label(999, "yes", values=None),
        ],
    )
    run = stage.registry.get_run("m", stage.deliver(REQUEST)[0]["run_id"])
    target = stage.array(run, "target.npy")[60:]
    assert (len(target), target[0], target[1]) == (210, 1, 0)


def test_without_new_labels_the_loop_does_not_retrain_but_a_person_may(stage: Stage) -> None:
    base = trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 299)])
    (refused,) = stage.deliver(REQUEST)
    assert (refused["outcome"], refused["reason"]) == ("refused", "labels needed: 199 of 200 labelled rows")
    (asked,) = stage.deliver(REQUEST | {"cause": "request"})
    assert asked["outcome"] == "queued"
    assert asked["run_id"] != base.run_id


def test_masked_columns_stop_the_loop(stage: Stage) -> None:
    stage.spec("mask: [x]\n")
    trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 310)])
    assert stage.deliver(REQUEST)[0]["reason"].startswith("masked columns are not captured")


@pytest.mark.parametrize("model", ["unknown", "Bad Name", ""])
def test_a_model_that_was_never_trained_is_left_alone(stage: Stage, model: str) -> None:
    assert stage.deliver(REQUEST | {"model": model})[0]["outcome"] == "ignored"


def test_a_base_table_that_expired_is_reported(stage: Stage) -> None:
    base = trained(stage)
    put_labels("2026-11-23T10", [label(place, "no") for place in range(100, 310)])
    clients.client("s3").delete_object(
        Bucket="test-data", Key=keys.dataset("m", "t.csv"), VersionId=base.dataset.version_id
    )
    (outcome,) = stage.deliver(REQUEST)
    assert (outcome["outcome"], outcome["run_id"]) == ("gone", None)
    assert "upload the table again" in outcome["reason"]


def test_labelled_rows_carry_their_time_where_the_time_column_is_no_feature(stage: Stage) -> None:
    stage.spec("time_column: day\n")
    table = "day,x,y\n" + "".join(f"2026-01-{i % 28 + 1:02d},{i % 9},{'yes' if i % 3 else 'no'}\n" for i in range(80))
    run = stage.upload("t.csv", table)
    stage.registry.finish_run("m", run.run_id, SUCCEEDED)
    put_labels("2026-11-23T10", [label(place, "no", values={"x": place % 9}) for place in range(210)])
    again = stage.registry.get_run("m", stage.deliver(REQUEST)[0]["run_id"])
    sides, times = stage.array(again, "membership.npy"), stage.array(again, "times.npy")
    assert not np.isnan(times).any()
    assert times[80:].min() > times[:80].max()
    assert set(sides[80:]) == {2}
