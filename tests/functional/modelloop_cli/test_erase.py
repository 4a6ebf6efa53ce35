"""Erasing a prediction: whatever was stored of it goes, from every version; counts and everybody else's rows stay."""

from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation.aggregation import Aggregation
from metrics_aggregation.handler import sources
from metrics_aggregation.watched import Watched
from modelloop import keys
from modelloop.captures import erasure
from modelloop.contracts.capture_record import (
    REWRITTEN_MARK,
    FeedbackRecord,
    PredictionRecord,
    join_lines,
    prediction_lines,
)
from modelloop.contracts.labelled_row import LabelledRow
from modelloop.contracts.origins import Origin, Origins, line_digest
from modelloop.ids import erasure_digest, uuid7
from tests.support.capture_world import manifest

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.functional.modelloop_cli.conftest import Api

CAPTURE, FEEDBACK = "captures/2026/09/21/14/0", "feedback/2026/09/21/15/0"
NOON = 1_790_000_000_000
HOUR = "2026-09-21T14"
LATER = "2026-09-21T15:00:00.000Z"
SECRET = "secret"
WORDS = ("--yes", "--json", "--reason", "she asked for it")
HELD = ("rows", "labels", "entries", "quarantined", "labelled", "derived")

pytestmark = pytest.mark.usefixtures("stack_file")


def captured(model: str = "m", made: int = NOON, rows: int = 3, **changes: Any) -> PredictionRecord:
    facts: dict[str, Any] = {
        "columns": {"a": [float(row) for row in range(rows)], "b": [SECRET, "x", "y"][:rows]}, "version": 1,
        "run_id": "r", "variant": "champion", "predict": ["no"] * rows, "proba": [[0.75, 0.25]] * rows,
    } | changes  # fmt: skip
    return PredictionRecord(uuid7(made), "2026-09-21T14:13:20.000Z", model, **facts)


class Loop:
    """The two buckets after objects were aggregated, as the aggregation itself stores what it yields; and the API."""

    def __init__(self, s3: Any, api: Api) -> None:
        self.s3 = s3
        self.entries: list[dict[str, Any]] = []
        self.runs: list[dict[str, Any]] = []
        for bucket in ("loop-capture", "loop-artifacts"):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        api.on("GET /models/m/audit", lambda _: (200, {"audit": self.entries, "next": None}))
        api.on("GET /models/m/runs", lambda _: (200, {"runs": self.runs, "next": None}))
        api.on("POST /models/m/erasures", lambda asked: self._record(asked.json))

    def _record(self, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        digest = erasure_digest("m", body["prediction"])
        detail = {"prediction_sha256": digest, "row": body.get("row"), "versions": body["versions"]}
        self.entries.append({"action": "erase", "who": "ann", "why": body["reason"], "detail": detail})
        return 200, detail

    def put(self, *lines: bytes, key: str = CAPTURE) -> str:
        """Store lines as one object of the capture bucket, and what aggregation makes of it; return its digest."""
        body = gzip.compress(b"".join(join_lines(lines)))
        version = self.s3.put_object(Bucket="loop-capture", Key=key, Body=body)["VersionId"]
        place = {"bucket": {"name": "loop-capture"}, "object": {"key": key, "versionId": version}}
        event = {"eventTime": "2026-09-21T14:15:00.000Z", "s3": place}
        ((_, source),) = sources(json.dumps({"Records": [event]}))
        aggregation = Aggregation(source, Known())
        aggregation.read(body)
        for name, output in aggregation.outputs():
            self.store(name, output)
        return source.digest

    def store(self, key: str, body: bytes) -> None:
        self.s3.put_object(Bucket="loop-artifacts", Key=key, Body=body)

    def body(self, bucket: str, key: str) -> bytes:
        return bytes(self.s3.get_object(Bucket=bucket, Key=key)["Body"].read())

    def everything(self) -> dict[str, bytes]:
        """Return every version of every object, unpacked, by bucket, key and place among its versions."""
        found = {}
        for bucket in ("loop-capture", "loop-artifacts"):
            for at, one in enumerate(self.s3.list_object_versions(Bucket=bucket).get("Versions", [])):
                body = self.s3.get_object(Bucket=bucket, Key=one["Key"], VersionId=one["VersionId"])["Body"].read()
                plain = gzip.decompress(body) if body.startswith(b"\x1f\x8b") else body
                found[f"{bucket}/{one['Key']}/{'' if one['IsLatest'] else at}"] = plain
        return found

    def captures(self, key: str = CAPTURE) -> list[dict[str, Any]]:
        head, *lines = self.body("loop-capture", key).splitlines()
        assert head == REWRITTEN_MARK
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
def loop(s3: Any, api: Api) -> Loop:
    return Loop(s3, api)


class Story:
    """A prediction of three rows that left its traces everywhere, beside another that nobody wants gone."""

    def __init__(self, loop: Loop) -> None:
        self.gone, self.stays, self.other = captured(), captured(), captured("other")
        broken = orjson_line(prediction_lines(self.gone)[0], offset="no number")
        records = [line for one in (self.gone, self.stays, self.other) for line in prediction_lines(one)]
        self.digest = loop.put(*records, broken, b"garbage")
        labels = [
            FeedbackRecord(one.id, row, SECRET, LATER, "m").to_line()
            for one in (self.gone, self.stays)
            for row in range(3)
        ]
        loop.put(*labels, key=FEEDBACK)
        self.rows = [(one.id, row) for one in (self.gone, self.stays) for row in range(3)]
        kept = [LabelledRow(name, row, LATER, {"b": SECRET}, "no") for name, row in self.rows]
        loop.store(keys.labelled("m", HOUR), b"".join(row.to_line() + b"\n" for row in kept))
        lines = [f'{at}.5,"{SECRET}\n{at % 3}",no\n'.encode() for at in range(6)]
        known = (Origin(*row, line_digest(line)) for row, line in zip(self.rows, lines, strict=True))
        self.table, self.base = keys.derived("m", "d1"), b'a,b,y\n1,"two\nlines",no\n'
        loop.store(self.table, self.base + b"".join(lines))
        loop.store(keys.origins("m", "d1"), Origins(2, tuple(known)).to_bytes())
        loop.store(keys.derived("m", "d2"), self.base)
        loop.store(keys.origins("m", "d2"), Origins(2, ()).to_bytes())
        for run in ("r1", "r2"):
            for file in ("matrix.npy", "table.json"):
                loop.store(keys.prepared("m", run, file), f"{run} {SECRET}".encode())
        uri = f"s3://loop-artifacts/{self.table}"
        loop.runs += [
            {"run_id": "r1", "state": "SUCCEEDED", "version": 4, "dataset": {"uri": uri}},
            {"run_id": "r2", "state": "SUCCEEDED", "version": 3, "dataset": {"uri": "s3://loop-data/datasets/m/t.csv"}},
        ]


def orjson_line(line: bytes, **changes: Any) -> bytes:
    return json.dumps(json.loads(line) | changes).encode()


def test_whatever_holds_a_prediction_loses_it_and_nothing_else(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    before = loop.everything()
    counts = {key: body for key, body in before.items() if "/summaries/" in key}

    rehearsed = modelloop("erase", "m", story.gone.id, "--dry-run", "--json").json
    assert loop.everything() == before
    assert loop.entries == []
    done = modelloop("erase", "m", story.gone.id, *WORDS).json

    assert {name: done[name] for name in HELD} == {
        "rows": 3, "labels": 3, "entries": 3, "quarantined": 1, "labelled": 3, "derived": 3,
    }  # fmt: skip
    assert done["versions"] == [4]
    assert rehearsed | {"dry_run": False} == done
    (entry,) = loop.entries
    assert (entry["why"], entry["detail"]["versions"]) == ("she asked for it", [4])
    assert story.gone.id not in json.dumps(loop.entries)
    after = loop.everything()
    assert [key for key, body in after.items() if story.gone.id.encode() in body] == []
    assert all(key.endswith("/") for key in after), "only newest versions are left"
    assert {key: body for key, body in after.items() if "/summaries/" in key} == counts
    assert set(before) - set(after) == {f"loop-artifacts/{keys.prepared('m', 'r1', 'matrix.npy')}/"}


def test_everybody_elses_rows_stay(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    modelloop("erase", "m", story.gone.id, *WORDS)

    records = {record["id"]: record for record in loop.captures()}
    assert records == {one.id: json.loads(prediction_lines(one)[0]) for one in (story.stays, story.other)}
    assert b"garbage" in loop.body("loop-capture", CAPTURE)
    assert {record["id"] for record in loop.captures(FEEDBACK)} == {story.stays.id}
    (newest,) = loop.s3.list_object_versions(Bucket="loop-capture", Prefix=CAPTURE)["Versions"]
    for model, name in (("m", story.stays.id), ("other", story.other.id)):
        head, entry = loop.index(model, story.digest)
        assert (head["key"], head["version_id"]) == (CAPTURE, newest["VersionId"])
        assert (entry["id"], entry["slices"]) == (name, {"b": [SECRET, "x", "y"]})
    rows = [json.loads(line)["id"] for line in loop.body("loop-artifacts", keys.labelled("m", HOUR)).splitlines()]
    assert rows == [story.stays.id] * 3
    table = loop.body("loop-artifacts", story.table)
    assert table == story.base + b"".join(f'{at}.5,"{SECRET}\n{at % 3}",no\n'.encode() for at in (3, 4, 5))
    assert [row[0] for row in json.loads(loop.body("loop-artifacts", keys.origins("m", "d1")))["rows"]] == rows


def test_one_row_is_erased_and_its_neighbours_stay(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)

    done = modelloop("erase", "m", story.gone.id, "--row", "1", *WORDS).json

    assert {name: done[name] for name in HELD} == {
        "rows": 1, "labels": 1, "entries": 1, "quarantined": 1, "labelled": 1, "derived": 1,
    }  # fmt: skip
    before, after = (record for record in loop.captures() if record["id"] == story.gone.id)
    assert (before["offset"], before["rows"], before["columns"]) == (0, 1, {"a": [0.0], "b": [SECRET]})
    assert (after["offset"], after["rows"], after["columns"]) == (2, 1, {"a": [2.0], "b": ["y"]})
    assert after["proba"] == [[0.75, 0.25]]
    entries = [entry for entry in loop.index("m", story.digest)[1:] if entry["id"] == story.gone.id]
    assert [(entry["offset"], entry["predict"], entry["slices"]) for entry in entries] == [
        (0, ["no"], {"b": [SECRET]}), (2, ["no"], {"b": ["y"]}),
    ]  # fmt: skip
    assert [record["row"] for record in loop.captures(FEEDBACK) if record["id"] == story.gone.id] == [0, 2]
    assert json.loads(loop.body("loop-artifacts", keys.origins("m", "d1")))["rows"][1][:2] == [story.gone.id, 2]


def test_repeating_finds_nothing_and_says_so(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    modelloop("erase", "m", story.gone.id, *WORDS)
    state = loop.everything()

    again = modelloop("erase", "m", story.gone.id, *WORDS)

    assert again.code == 0
    assert {again.json[name] for name in (*HELD, "objects", "old_versions", "removed")} == {0}
    assert again.json["versions"] == [4], "what learned from it is told again"
    assert len(loop.entries) == 1
    assert loop.everything() == state


def test_a_run_that_learns_from_it_now_is_named_and_left_its_rows(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    loop.runs[0] |= {"state": "RUNNING", "version": None}

    done = modelloop("erase", "m", story.gone.id, *WORDS).json
    assert (done["derived"], done["unfinished_runs"], done["versions"]) == (0, ["r1"], [])
    assert loop.body("loop-artifacts", story.table).count(SECRET.encode()) == 6

    loop.runs[0] |= {"state": "SUCCEEDED", "version": 4}
    again = modelloop("erase", "m", story.gone.id, *WORDS).json
    assert (again["derived"], again["unfinished_runs"], again["versions"]) == (3, [], [4])
    assert [key for key, body in loop.everything().items() if story.gone.id.encode() in body] == []


def test_nothing_is_erased_without_a_yes_a_reason_or_a_known_id(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    before = loop.everything()

    for words in (
        (story.gone.id, "--reason", "x"), (story.gone.id, "--json", "--reason", "x"), (story.gone.id, "--yes"),
        (uuid7(NOON), *WORDS), ("no-id", *WORDS), (uuid7(NOON), "--dry-run"),
    ):  # fmt: skip
        assert modelloop("erase", "m", *words, stdin="n\n").code == 1, words

    assert loop.everything() == before
    assert loop.entries == []


def test_an_erasure_that_cannot_be_put_on_record_does_not_begin(
    loop: Loop, api: Api, modelloop: Callable[..., Any]
) -> None:
    story = Story(loop)
    before = loop.everything()
    api.on("POST /models/m/erasures", (403, {"error": "no", "error_code": "FORBIDDEN", "message": "no"}))

    assert modelloop("erase", "m", story.gone.id, *WORDS).code != 0
    assert loop.everything() == before


def test_somebody_elses_write_is_not_overwritten(
    loop: Loop, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(loop)
    real = erasure.erase_from_captures

    def slowly(*arguments: Any) -> Any:
        loop.s3.put_object(Bucket="loop-capture", Key=CAPTURE, Body=b"newer\n")
        return real(*arguments)

    def begin(*_: Any) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(erasure, "erase_from_captures", slowly)
        return 200, {}

    monkeypatch.setattr(loop, "_record", begin)
    done = modelloop("erase", "m", story.gone.id, *WORDS)
    assert (done.code, "written by somebody else" in done.err) == (1, True)
    assert loop.body("loop-capture", CAPTURE) == b"newer\n"
