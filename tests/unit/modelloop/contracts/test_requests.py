"""What intake reads and writes for other functions: today's bytes, read and written back as they are."""

from __future__ import annotations

import json
from typing import Any

import orjson
import pytest

from modelloop.contracts.retrain_request import RetrainRequest, retrain_request_from_json
from modelloop.contracts.run_message import RunMessage, run_message_from_body
from modelloop.errors import MalformedBodyError
from modelloop.versions.run import Run, run_from_json

BODY = '{"format_version": 1, "model": "m", "request_id": "r-1", "run_id": "0193"}'
EVENT = (
    b'{"source":"modelloop.retrain","model":"m","cause":"drift","reason":"drift found","request_id":"r-1",'
    b'"time":"2026-11-23T12:00:00.000Z"}'
)
RUN: dict[str, Any] = {
    "model": "m", "run_id": "0193", "cause": "drift",
    "dataset": {
        "uri": "s3://artifacts/derived/m/d.csv", "version_id": None, "digest": "d", "file": "derived.csv",
        "bytes": 12, "rows": 270, "columns": 3,
        "base": {"uri": "s3://data/t.csv", "version_id": "v", "digest": "b", "file": "t.csv", "bytes": 9},
        "labelled": 210,
    },
    "spec_digest": "s", "created_at": "2026-11-23T12:00:00.000Z", "state": "SUCCEEDED", "stage": "done",
    "percent": 100, "reason": "released", "updated_at": "2026-11-23T12:01:00.000Z", "lease_until": None,
    "metrics": {
        "holdout": {"rmse": {"value": 1.5, "low": 1.25, "high": None}},
        "trivial": {"rmse": {"value": 2.0, "low": 1.5, "high": 2.5}}, "champion": None,
    },
    "gate": {
        "decision": "release",
        "checks": [{"name": "holdout_size", "passed": True, "outcome": "passed", "detail": "the holdout has 54 rows"}],
        "comparisons": [
            {"name": "trivial", "metric": "rmse", "rows": 54, "candidate": 1.5, "reference": 2.0, "low": -1.0,
             "high": -0.1},
        ],
        "reasons": ["better than the trivial model"],
    },
    "plan": {
        "rows": 270, "columns": 2, "slots": 2, "bytes": 12, "classes": 0, "memory_mb": 334, "seconds": 5,
        "limits": {"memory_mb": 3008, "most_memory_mb": 10240, "seconds": 900},
    },
    "spent": {"seconds": 3, "memory_mb": None}, "version": 2,
    "task_reason": "regression, because y has numbers with decimals", "warnings": ["a warning"], "intake_attempts": 1,
    "attempts": 1, "request_id": "r-1", "decided_at": None,
}  # fmt: skip


def test_a_run_message_is_read_and_written_back_as_it_is() -> None:
    message = run_message_from_body(BODY)
    assert message == RunMessage("m", "0193", "r-1")
    assert message.to_body() == BODY


def test_a_retrain_request_is_read_and_written_back_as_it_is() -> None:
    request = retrain_request_from_json(json.loads(EVENT))
    assert request == RetrainRequest("m", "drift", "drift found", "r-1", "2026-11-23T12:00:00.000Z")
    assert orjson.dumps(request.to_json()) == EVENT


def test_other_events_are_no_requests() -> None:
    assert retrain_request_from_json({"source": "aws.s3"}) is None
    assert retrain_request_from_json({"Records": []}) is None


@pytest.mark.parametrize(
    "changes", [{}, {"dataset": RUN["dataset"] | {"reference": "r"}}, {"plan": None, "gate": None}]
)
def test_a_run_is_read_and_written_back_as_it_is(changes: dict[str, Any]) -> None:
    stored = RUN | changes
    run = run_from_json(stored)
    assert isinstance(run, Run)
    assert json.dumps(run.to_json()) == json.dumps(stored)


def test_an_upload_has_no_parts_of_a_derived_table() -> None:
    upload = {name: RUN["dataset"][name] for name in ("uri", "version_id", "digest", "file", "bytes")}
    stored = RUN | {"dataset": upload | {"rows": None, "columns": None}}
    run = run_from_json(stored)
    assert run.to_json() == stored
    assert run.dataset.origin.uri == run.dataset.uri


@pytest.mark.parametrize(
    ("body", "says"),
    [
        (BODY.replace(": 1,", ": 99,"), "format version 99, and version 1 can be read"),
        (BODY.replace('"format_version": 1, ', ""), "format version None"),
        ('{"format_version": 1, "model": "m"}', "not a run's message"),
        ("[]", "not a run's message"),
        ("?", "not a run's message"),
    ],
)
def test_a_message_of_another_format_is_refused(body: str, says: str) -> None:
    with pytest.raises(MalformedBodyError, match=says):
        run_message_from_body(body)


def test_a_request_of_another_format_is_refused() -> None:
    with pytest.raises(MalformedBodyError, match="format version 2, and version 1 can be read"):
        retrain_request_from_json(json.loads(EVENT) | {"format_version": 2})
