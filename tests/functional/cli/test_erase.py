"""Erasing a prediction: its features go, from every version; counts, answers and everybody else's rows stay."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation.aggregation import Aggregation
from metrics_aggregation.events import sources
from metrics_aggregation.watched import Watched
from modelloop import erasure, keys
from modelloop.capture import Prediction, join_lines, prediction_lines
from modelloop.ids import uuid7
from tests.functional.metrics_aggregation.world import manifest

if TYPE_CHECKING:
    from collections.abc import Callable

KEY = "captures/2026/11/23/10/0"
NOON = 1_790_000_000_000
HOUR = "2026-09-21T14"

pytestmark = pytest.mark.usefixtures("stack_file")


def captured(model: str = "m", made: int = NOON, rows: int = 3, **changes: Any) -> Prediction:
    facts: dict[str, Any] = {
        "columns": {"a": [float(row) for row in range(rows)], "b": ["secret", "x", "y"][:rows]}, "version": 1,
        "run_id": "r", "variant": "champion", "predict": ["no"] * rows, "proba": [[0.75, 0.25]] * rows,
    } | changes  # fmt: skip
    return Prediction(uuid7(made), "2026-09-21T14:13:20.000Z", model, **facts)


class Loop:
    """The two buckets after a capture object was aggregated, as the aggregation itself stores what it yields."""

    def __init__(self, s3: Any) -> None:
        self.s3 = s3
        for bucket in ("loop-capture", "loop-artifacts"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, *records: Prediction, extra: bytes = b"") -> str:
        """Store records as one capture object, and what aggregation makes of it; return the object's digest."""
        lines = [line for record in records for line in prediction_lines(record)]
        body = gzip.compress(b"".join(join_lines(lines)) + extra)
        version = self.s3.put_object(Bucket="loop-capture", Key=KEY, Body=body)["VersionId"]
        event = {"s3": {"bucket": {"name": "loop-capture"}, "object": {"key": KEY, "versionId": version}}}
        ((_, source),) = sources(json.dumps({"Records": [event]}))
        aggregation = Aggregation(source, Known())
        aggregation.read(body)
        for key, output in aggregation.outputs():
            self.s3.put_object(Bucket="loop-artifacts", Key=key, Body=output)
        return source.digest

    def body(self, bucket: str, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def versions(self, bucket: str, key: str) -> list[str]:
        found = self.s3.list_object_versions(Bucket=bucket, Prefix=key)["Versions"]
        return [one["VersionId"] for one in found]

    def captures(self) -> list[dict[str, Any]]:
        head, *lines = self.body("loop-capture", KEY).splitlines()
        assert head == erasure.MARK
        return [json.loads(line) for line in lines if line.startswith(b"{")]

    def index(self, model: str, digest: str) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.body("loop-artifacts", keys.index(model, HOUR, digest)).splitlines()]


class Known:
    """Every model has one version."""

    def version(self, model: str, _run_id: str) -> Watched:
        document = manifest(version=1) | {"model": model, "spec": {"protected": ["b"]}}
        return Watched(document)

    def model(self, _model: str) -> bool:
        return True


@pytest.fixture
def loop(s3: Any) -> Loop:
    return Loop(s3)


def test_a_prediction_is_erased_from_everything_that_holds_its_features(
    loop: Loop, modelloop: Callable[..., Any]
) -> None:
    gone, stays, other = captured(), captured(), captured("other")
    digest = loop.put(gone, stays, other, extra=b"garbage\n")
    summary = keys.summary("m", HOUR, 1, "champion", "", digest)
    counts = loop.body("loop-artifacts", summary)
    rows = [{"id": one.id, "row": 0, "values": {"b": "secret"}, "label": "no"} for one in (gone, stays)]
    body = b"".join(json.dumps(row).encode() + b"\n" for row in rows)
    for _ in range(2):
        loop.s3.put_object(Bucket="loop-artifacts", Key=keys.labelled("m", HOUR), Body=body)

    done = modelloop("erase", "m", gone.id, "--yes", "--json")

    assert done.json == {"model": "m", "prediction": gone.id, "rows": 3, "objects": 4, "old_versions": 5}
    records = {record["id"]: record for record in loop.captures()}
    assert records[gone.id]["columns"] is None
    assert records[gone.id]["predict"] == gone.predict
    assert records[stays.id] == json.loads(prediction_lines(stays)[0])
    assert b"garbage" in loop.body("loop-capture", KEY)
    (version,) = loop.versions("loop-capture", KEY)
    for model in ("m", "other"):
        head, *entries = loop.index(model, digest)
        assert (head["key"], head["version_id"]) == (KEY, version)
    marked = {entry["id"]: entry for entry in loop.index("m", digest)[1:]}
    assert (marked[gone.id]["erased"], marked[gone.id]["slices"]) == (True, {"b": [None] * 3})
    assert marked[stays.id]["slices"] == {"b": ["secret", "x", "y"]}
    assert "erased" not in marked[stays.id]
    assert entries[0]["id"] == other.id
    assert [json.loads(line)["id"] for line in loop.body("loop-artifacts", keys.labelled("m", HOUR)).splitlines()] == [
        stays.id
    ]
    assert len(loop.versions("loop-artifacts", keys.labelled("m", HOUR))) == 1
    assert loop.body("loop-artifacts", summary) == counts
    again = modelloop("erase", "m", gone.id, "--yes", "--json")
    assert (again.json["rows"], again.json["objects"], again.json["old_versions"]) == (0, 0, 0)


def test_one_row_is_erased_and_its_neighbours_stay(loop: Loop, modelloop: Callable[..., Any]) -> None:
    one = captured()
    digest = loop.put(one)

    modelloop("erase", "m", one.id, "--row", "0", "--yes")

    alone, after = loop.captures()
    assert (alone["offset"], alone["rows"], alone["columns"]) == (0, 1, None)
    assert (after["offset"], after["rows"], after["columns"]) == (1, 2, {"a": [1.0, 2.0], "b": ["x", "y"]})
    assert after["proba"] == [[0.75, 0.25]] * 2
    (entry,) = loop.index("m", digest)[1:]
    assert entry["slices"] == {"b": [None, "x", "y"]}


def test_what_was_cut_off_is_finished_by_repeating(loop: Loop, modelloop: Callable[..., Any]) -> None:
    one = captured()
    digest = loop.put(one)
    rewritten = erasure.captures(loop.body("loop-capture", KEY), "m", erasure.Row(one.id, None))
    loop.s3.put_object(Bucket="loop-capture", Key=KEY, Body=rewritten.body)

    modelloop("erase", "m", one.id, "--yes")

    (version,) = loop.versions("loop-capture", KEY)
    assert loop.index("m", digest)[0]["version_id"] == version


def test_nothing_is_erased_without_a_yes_or_a_known_id(loop: Loop, modelloop: Callable[..., Any]) -> None:
    one = captured()
    loop.put(one)
    before = loop.versions("loop-capture", KEY)

    for words in ((one.id,), (one.id, "--json"), (uuid7(NOON), "--yes"), ("no-id", "--yes")):
        assert modelloop("erase", "m", *words, stdin="n\n").code == 1

    assert loop.versions("loop-capture", KEY) == before
