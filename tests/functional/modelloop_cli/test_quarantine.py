"""Unreadable lines are listed with their reason, their object and where they are kept."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation.aggregation import Aggregation, Source
from modelloop import keys

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("stack_file")

IMPOSSIBLE = b'{"format_version": 1, "kind": "error", "model": "m"}\n'


class Known:
    """One model, and no version."""

    def version(self, _model: str, _run_id: str) -> None:
        return None

    def model(self, model: str) -> bool:
        return model == "m"


@pytest.fixture
def store_unreadable(s3: Any) -> Callable[[str, bytes], str]:
    """Store what aggregation keeps of an object's bad lines; returns its key."""
    s3.create_bucket(Bucket="loop-artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    def put(name: str, body: bytes) -> str:
        aggregation = Aggregation(Source(f"captures/{name}", "v1", name, "2026-11-23T10"), Known())
        aggregation.read(body)
        stored = dict(aggregation.outputs())
        s3.put_object(Bucket="loop-artifacts", Key=keys.quarantine(name), Body=stored[keys.quarantine(name)])
        return keys.quarantine(name)

    return put


def test_lines_are_listed_by_object_model_and_reason(
    store_unreadable: Callable[[str, bytes], str], modelloop: Callable[..., Any]
) -> None:
    key = store_unreadable("a", b"garbage\n" + IMPOSSIBLE + b"more [b]garbage[/b]\n" + IMPOSSIBLE * 2)

    (found,) = modelloop("quarantine", "--json").json["quarantine"]

    assert (found["object"], found["version_id"]) == ("s3://loop-capture/captures/a", "v1")
    assert (found["quarantine"], found["lines"]) == (key, 5)
    garbage, broken = found["groups"]
    assert garbage == {
        "model": "", "kind": "not_json", "lines": 2, "first_line": 1, "reason": "not JSON", "text": "garbage"
    }  # fmt: skip
    assert (broken["model"], broken["kind"], broken["lines"], broken["first_line"]) == ("m", "malformed", 3, 2)
    shown = modelloop("quarantine").out
    assert all(word in shown for word in ("not_json", "malformed", "s3://loop-capture/captures/a", key))


def test_one_models_lines_are_told_apart_and_the_newest_come_first(
    store_unreadable: Callable[[str, bytes], str], modelloop: Callable[..., Any], s3: Any
) -> None:
    for name, body in (("a", IMPOSSIBLE), ("b", b"garbage\n"), ("c", IMPOSSIBLE + b"garbage\n")):
        store_unreadable(name, body)
    written = s3.list_objects_v2(Bucket="loop-artifacts", Prefix=keys.QUARANTINE)["Contents"]
    newest_first = sorted(written, key=lambda one: (one["LastModified"], one["Key"]), reverse=True)

    every = modelloop("quarantine", "--json").json["quarantine"]
    own = modelloop("quarantine", "--model", "m", "--json").json["quarantine"]
    last = modelloop("quarantine", "--model", "m", "--limit", "1", "--json").json["quarantine"]

    assert [one["quarantine"] for one in every] == [one["Key"] for one in newest_first]
    assert [(one["object"][-1], [group["model"] for group in one["groups"]]) for one in own] == [
        ("c", ["m"]), ("a", ["m"])
    ]  # fmt: skip
    assert [one["object"][-1] for one in last] == ["c"]


def test_unreadable_lines_of_an_older_stack_are_listed_too(s3: Any, modelloop: Callable[..., Any]) -> None:
    s3.create_bucket(Bucket="loop-artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    body = b'{"format_version": 1, "key": "captures/a", "version_id": null, "refused": 1}\n'
    body += b'{"line": 4, "reason": "not JSON", "text": "x"}\n'
    s3.put_object(Bucket="loop-artifacts", Key=keys.quarantine("old"), Body=body)

    (found,) = modelloop("quarantine", "--json").json["quarantine"]

    assert [(group["kind"], group["first_line"]) for group in found["groups"]] == [("", 4)]


def test_no_unreadable_lines_are_said(s3: Any, modelloop: Callable[..., Any]) -> None:
    s3.create_bucket(Bucket="loop-artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})

    assert "There are no unreadable lines" in modelloop("quarantine").out


def test_a_summary_points_at_unreadable_lines(api: Any, modelloop: Callable[..., Any]) -> None:
    span = {"from": "2026-11-23T10:00:00.000Z", "to": "2026-11-23T11:00:00.000Z"}
    answer = {"model": "m", "versions": [], "quarantined": {"not_json": 3}, **span}
    api.on("GET /models/m/summary", (200, answer), (200, answer | {"quarantined": {}}))

    assert "unreadable lines: not_json 3; see modelloop quarantine --model m" in modelloop("summary", "m").out
    assert "quarantine" not in modelloop("summary", "m").out
