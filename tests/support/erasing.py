"""A loop with predictions, one of which is to be erased."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation.aggregation import Aggregation
from metrics_aggregation.handler import sources
from metrics_aggregation.watched import Watched
from modelloop import keys
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
from modelloop.spec.model import Spec
from tests.support.capture_world import manifest

if TYPE_CHECKING:
    from tests.support.command_line import Api

CAPTURE, FEEDBACK = "captures/2026/09/21/14/0", "feedback/2026/09/21/15/0"
NOON = 1_790_000_000_000
HOUR = "2026-09-21T14"
LATER = "2026-09-21T15:00:00.000Z"
SECRET = "secret"
WORDS = ("--yes", "--json", "--reason", "she asked for it")


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
        return Watched(replace(manifest(version=1), model=model, spec=Spec(protected=("b",))))

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
