from __future__ import annotations

from typing import Any

import orjson

from modelloop.contracts.capture_record import (
    CaptureRule,
    ErrorRecord,
    FeedbackRecord,
    PredictionRecord,
    join_lines,
    prediction_lines,
)
from modelloop.ids import uuid7


def prediction(rows: int, text: str = "x") -> PredictionRecord:
    return PredictionRecord(
        "id", "2026-01-01T00:00:00.000Z", "m", 3, "run", "champion", ["a"] * rows, [[0.25, 0.75]] * rows,
        {"n": list(range(rows)), "t": [text] * rows}, {"t": 1}, 0.41239, False, rollout="20260101T000000000Z",
    )  # fmt: skip


def test_a_record_is_one_line_in_the_agreed_form() -> None:
    (line,) = prediction_lines(prediction(2))
    assert orjson.loads(line) == {
        "format_version": 1, "kind": "prediction", "id": "id", "offset": 0, "time": "2026-01-01T00:00:00.000Z",
        "model": "m", "version": 3, "run_id": "run", "variant": "champion",
        "rollout": "20260101T000000000Z", "rows": 2,
        "columns": {"n": [0, 1], "t": ["x", "x"]}, "unseen": {"t": 1}, "predict": ["a", "a"],
        "proba": [[0.25, 0.75], [0.25, 0.75]], "latency_ms": 0.412, "overhead_ms": 0.0, "cold": False, "status": 200,
    }  # fmt: skip


def test_large_records_become_several_that_add_up() -> None:
    lines = prediction_lines(prediction(100, "y" * 50), max_bytes=2_000)
    records: list[dict[str, Any]] = [orjson.loads(line) for line in lines]
    assert len(lines) > 1
    assert all(len(line) <= 2_000 for line in lines)
    assert [n for record in records for n in record["columns"]["n"]] == list(range(100))
    assert [record["offset"] for record in records] == [record["columns"]["n"][0] for record in records]
    assert sum(record["rows"] for record in records) == 100
    assert sum(record["unseen"].get("t", 0) for record in records) == 1


def test_a_row_larger_than_a_line_keeps_its_prediction() -> None:
    (line,) = prediction_lines(prediction(1, "z" * 5_000), max_bytes=2_000)
    assert orjson.loads(line)["columns"] is None
    assert orjson.loads(line)["predict"] == ["a"]


def test_sampling_is_by_id_and_close_to_its_share() -> None:
    ids = [uuid7(1_700_000_000_000 + n) for n in range(20_000)]
    rule = CaptureRule(25)
    kept = [name for name in ids if rule.sampled(name)]
    assert abs(len(kept) / 200 - 25) < 1
    assert all(rule.sampled(name) for name in kept)
    assert all(CaptureRule(100).sampled(name) for name in ids[:50])
    assert not any(CaptureRule(0).sampled(name) for name in ids[:50])


def test_lines_are_joined_under_the_limit_and_none_is_cut() -> None:
    lines = [b"a" * 400, b"b" * 400, b"c" * 900, b"d" * 10]
    records = join_lines(lines, max_bytes=1_000)
    assert [len(record) for record in records] == [802, 912]
    assert b"".join(records).splitlines() == lines
    assert join_lines([]) == []


def test_errors_and_feedback_have_their_own_form() -> None:
    error = orjson.loads(ErrorRecord("i", "t", "m", None, "", 422, "X", latency_ms=1.0).to_line())
    assert (error["kind"], error["version"], error["status"]) == ("error", None, 422)
    label = orjson.loads(FeedbackRecord("i", 2, label=True, time="t", model="m").to_line())
    assert label == {
        "format_version": 1, "kind": "feedback", "id": "i", "row": 2, "label": True, "time": "t", "model": "m",
    }  # fmt: skip
