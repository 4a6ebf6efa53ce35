from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from modelloop.contracts.baseline import Moments
from modelloop.contracts.capture_record import FeedbackRecord, PredictionRecord, join_lines, prediction_lines
from modelloop.ids import uuid7
from tests.support.baselines import baseline_of, numbers
from tests.support.capture_world import manifest
from tests.support.manifests import manifest_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

SPAN = ("--from", "2026-11-23T10:00:00Z", "--to", "2026-11-23T12:00:00Z")

pytestmark = pytest.mark.usefixtures("stack_file")


def captured(time: str, rows: int = 2, **changes: Any) -> PredictionRecord:
    facts: dict[str, Any] = {"columns": {"a": [float(row) for row in range(rows)]}, "version": 1}
    facts |= {"predict": ["x"] * rows} | changes
    return PredictionRecord(uuid7(1_790_000_000_000), time, "m", run_id="r", variant="champion", proba=None, **facts)


@pytest.fixture
def bucket(s3: Any) -> Callable[[str, list[bytes]], None]:
    place = {"LocationConstraint": "eu-west-1"}
    s3.create_bucket(Bucket="loop-capture", CreateBucketConfiguration=place)

    def put(key: str, lines: list[bytes]) -> None:
        s3.put_object(Bucket="loop-capture", Key=key, Body=gzip.compress(b"".join(join_lines(lines))))

    return put


@pytest.fixture
def registered(api: Any) -> None:
    versions = [{"version": number, "run_id": "r"} for number in (2, 1)]
    api.on("GET /models/m/versions", (200, {"versions": versions, "next": None}))
    whole = replace(numbers("a", []), moments=Moments(0.0, 1.0, 0.5, 1.0, 0.5, whole=True))
    for number, known in ((1, baseline_of(whole)), (2, baseline_of())):
        document = manifest_of(version=number, classes=None, baseline=known).to_bytes()
        api.on(f"GET /models/m/versions/{number}", (200, orjson.loads(document)))


@pytest.mark.usefixtures("registered")
def test_captures_of_the_span_become_files_and_repeating_writes_the_same(
    bucket: Callable[[str, list[bytes]], None], modelloop: Callable[..., Any], tmp_path: Path
) -> None:
    ten, eleven = captured("2026-11-23T10:59:59.999Z"), captured("2026-11-23T11:00:00.000Z", version=2)
    before, unsampled = captured("2026-11-23T09:59:59.999Z"), captured("2026-11-23T11:30:00.000Z", columns=None)
    label = FeedbackRecord(ten.id, 0, "x", "2026-11-23T11:59:00.000Z", "m").to_line()
    bucket("captures/2026/11/23/09/0", prediction_lines(before))
    bucket("captures/2026/11/23/11/1", [line for one in (ten, eleven, before) for line in prediction_lines(one)])
    bucket("captures/2026/11/23/11/2", [line for one in (ten, unsampled) for line in prediction_lines(one)])
    bucket("feedback/2026/11/23/12/3", [label])
    out = tmp_path / "out"

    first = modelloop("export", "captures", "m", "--out", str(out), *SPAN, "--json")
    files = {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.jsonl")}
    again = modelloop("export", "captures", "m", "--out", str(out), *SPAN, "--json")

    assert first.json == again.json == {
        "out": str(out), "files": 3, "rows": 4, "labels": 1, "rows_without_features": 2,
    }  # fmt: skip
    assert {path.rpartition("/")[0] for path in files} == {
        "m/1/2026/11/23/10", "m/2/2026/11/23/11", "_ground_truth/m/2026/11/23/11",
    }  # fmt: skip
    assert {path.relative_to(out).as_posix(): path.read_text() for path in out.rglob("*.jsonl")} == files
    lines = {
        path.partition("/2026")[0]: [json.loads(line) for line in text.splitlines()] for path, text in files.items()
    }
    inputs = [json.loads(line["captureData"]["endpointInput"]["data"]) for line in lines["m/1"]]
    assert str(inputs) == "[{'a': 0}, {'a': 1}]"
    (other, _) = [json.loads(line["captureData"]["endpointInput"]["data"]) for line in lines["m/2"]]
    assert str(other) == "{'a': 0.0}"
    assert lines["_ground_truth/m"][0]["eventMetadata"]["eventId"] == lines["m/1"][0]["eventMetadata"]["eventId"]


def test_labels_are_written_as_the_version_that_answered_reads_them(
    api: Any, bucket: Callable[[str, list[bytes]], None], modelloop: Callable[..., Any], tmp_path: Path
) -> None:
    versions = [{"version": number, "run_id": "r"} for number in (2, 1)]
    api.on("GET /models/m/versions", (200, {"versions": versions, "next": None}))
    for number, classes in ((1, (False, True)), (2, (0, 1))):
        document = manifest_of(version=number, classes=classes, baseline=baseline_of()).to_bytes()
        api.on(f"GET /models/m/versions/{number}", (200, orjson.loads(document)))
    time = "2026-11-23T11:00:00.000Z"
    made, shadow = captured(time, 1, predict=[True]), captured(time, 1, predict=[1], version=2)
    shadow = replace(shadow, id=made.id, variant="shadow")
    bucket("captures/2026/11/23/11/1", [*prediction_lines(made), *prediction_lines(shadow)])
    labels = [FeedbackRecord(identifier, 0, "TRUE", time, "m").to_line() for identifier in (made.id, uuid7())]
    bucket("feedback/2026/11/23/12/3", labels)

    modelloop("export", "captures", "m", "--out", str(tmp_path), *SPAN)
    (truth,) = (tmp_path / "_ground_truth").rglob("*.jsonl")
    told = [json.loads(line)["groundTruthData"]["data"] for line in truth.read_text().splitlines()]
    assert told == ["true", "1"]


@pytest.mark.usefixtures("registered")
def test_damaged_objects_and_records_of_no_version_do_not_end_an_export(
    bucket: Callable[[str, list[bytes]], None], s3: Any, modelloop: Callable[..., Any], tmp_path: Path
) -> None:
    bucket("captures/2026/11/23/11/1", prediction_lines(captured("2026-11-23T11:00:00.000Z", version=99)))
    s3.put_object(Bucket="loop-capture", Key="captures/2026/11/23/11/2", Body=b"\x1f\x8bbroken")
    bucket("captures/2026/11/23/11/3", prediction_lines(captured("2026-11-23T11:00:00.000Z")))

    done = modelloop("export", "captures", "m", "--out", str(tmp_path / "out"), *SPAN, "--json")

    assert (done.code, done.json["files"], done.json["rows"]) == (0, 1, 2)


def test_the_champions_baseline_becomes_two_files(api: Any, modelloop: Callable[..., Any], tmp_path: Path) -> None:
    api.on("GET /models/m", (200, {"name": "m", "champion": 4}))
    api.on("GET /models/m/versions/4", (200, orjson.loads(manifest(version=4).to_bytes())))

    done = modelloop("export", "baseline", "m", "--out", str(tmp_path / "new" / "folder"))

    assert done.code == 0
    statistics, constraints = (
        json.loads((tmp_path / "new" / "folder" / name).read_text()) for name in ("statistics.json", "constraints.json")
    )
    names = ["mass", "male", "seen", "island", "predict"]
    assert [feature["name"] for feature in statistics["features"]] == names
    assert [feature["name"] for feature in constraints["features"]] == names


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("captures", "m", "--from", "soon"), "not a time"),
        (("captures", "m", "--from", "2026-11-24T00:00:00Z", "--to", "2026-11-23T00:00:00Z"), "must be before --to"),
        (("captures", "../m"), "not a model name"),
        (("captures", "nosuch"), "nothing at /models/nosuch/versions"),
        (("baseline", "m"), "no champion"),
    ],
)
def test_what_cannot_be_exported_says_why_and_writes_nothing(
    api: Any, modelloop: Callable[..., Any], tmp_path: Path, words: tuple[str, ...], message: str
) -> None:
    api.on("GET /models/m", (200, {"name": "m", "champion": None}))

    done = modelloop("export", *words, "--out", str(tmp_path / "out"))

    assert done.code == 1
    assert message in done.err
    assert not (tmp_path / "out").exists()
