"""A small world to monitor: one model with a real encoding and baseline, its captures, and the events they cause."""

from __future__ import annotations

import gzip
import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import numpy as np

from modelloop import clock, keys
from modelloop.aws.registry.registry import Registry
from modelloop.contracts.evaluation import Diagnostics
from modelloop.ids import uuid7
from modelloop.monitoring.drift import baseline, pairs
from modelloop.spec.model import Spec
from modelloop.spec.sections import Monitoring
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.run import Metrics
from tests.support.manifests import manifest_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from modelloop.contracts.manifest import Manifest

MODEL, RUN_ID, SECOND = "penguins", "0199f0a0-0000-7000-8000-000000000001", "0199f0a0-0000-7000-8000-000000000002"
HOUR = "2026-11-23T10"
NOON = clock.to_ms("2026-11-23T10:30:00Z")
ARRIVED = "2026-11-23T10:31:00.000Z"
BAKED, ROLLOUT = "2026-11-23T11:30:00.000Z", "20261123T113000000Z"
CLASSES = ["Adelie", "Gentoo"]
ENCODING = Encoding([
    Column("mass", "number"), Column("male", "boolean"), Column("seen", "date", origin="2026-01-01"),
    Column("island", "text", ("Biscoe", "Dream")),
])  # fmt: skip

type Record = dict[str, Any]


def manifest(version: int = 1, run_id: str = RUN_ID, rows: int = 2_000) -> Manifest:
    random = np.random.default_rng(7)
    matrix = np.column_stack([
        random.normal(4_000, 500, rows), random.integers(0, 2, rows), random.integers(0, 300, rows),
        np.ones(rows), np.ones(rows), random.integers(0, 2, rows),
    ]).astype(np.float32)  # fmt: skip
    matrix[::50, 0] = np.nan
    answered = pairs.AnsweredRows(matrix, random.integers(0, 2, rows))
    known = baseline.build(ENCODING, matrix, answered.predictions, CLASSES, mask=())
    return manifest_of(
        model=MODEL, version=version, run_id=run_id, classes=tuple(CLASSES), encoding=ENCODING,
        baseline=pairs.with_pairs(known, ENCODING, ["mass"], answered, answered),
        spec=Spec(protected=("male",), monitoring=Monitoring(min_rows=500, label_delay_hours=0)),
        metrics=Metrics({}, {}, None), diagnostics=Diagnostics(),
    )  # fmt: skip


def prediction(cells: Sequence[tuple[Any, ...]], at_ms: int = NOON, **changes: Any) -> Record:
    """A capture record of rows (mass, male, seen, island)."""
    columns = dict(zip(("mass", "male", "seen", "island"), map(list, zip(*cells, strict=True)), strict=True))
    labels = [CLASSES[at % 2] for at in range(len(cells))]
    record = {
        "format_version": 1, "kind": "prediction", "id": uuid7(at_ms), "offset": 0, "time": clock.from_ms(at_ms),
        "model": MODEL, "version": 1, "run_id": RUN_ID, "variant": "champion", "rows": len(cells), "columns": columns,
        "unseen": {}, "predict": labels, "proba": [[0.8, 0.2] if label == "Adelie" else [0.3, 0.7] for label in labels],
        "latency_ms": 0.4, "cold": False, "status": 200,
    }  # fmt: skip
    return record | changes


def error(at_ms: int = NOON, **changes: Any) -> Record:
    record = {
        "format_version": 1, "kind": "error", "id": uuid7(at_ms), "time": clock.from_ms(at_ms), "model": MODEL,
        "version": 1, "variant": "champion", "status": 422, "error_code": "INVALID_PARAMETER_VALUE", "latency_ms": 0.1,
    }  # fmt: skip
    return record | changes


def label(identifier: str, value: object, at_ms: int = NOON, row: int = 0, model: str = MODEL) -> Record:
    return {
        "format_version": 1, "kind": "feedback", "id": identifier, "row": row, "label": value, "model": model,
        "time": clock.from_ms(at_ms),
    }  # fmt: skip


def usual_rows(count: int, seed: int = 1, *, shift: float = 0.0) -> list[tuple[Any, ...]]:
    random = np.random.default_rng(seed)
    return [
        (
            None if random.random() < 0.02 else float(np.float32(random.normal(4_000 + shift, 500))),
            bool(random.integers(2)),
            f"2026-{1 + at % 9:02d}-{1 + at % 28:02d}",
            str(random.choice(["Biscoe", "Dream"])),
        )
        for at in range(count)
    ]


@dataclass
class World:
    """The buckets of a stack, and what a test does to them."""

    events: list[dict[str, Any]] = field(default_factory=list)

    def publish(self, manifest: Manifest, *, pointer: dict[str, Any] | None = None) -> None:
        ref = self.reference(manifest)
        self.store(keys.version(manifest.model, manifest.run_id, keys.MANIFEST), manifest.to_bytes())
        Registry("table").register_version(manifest.model, manifest.run_id, version_facts(file=ref["file"]))
        document = {
            "format_version": 1, "model": manifest.model, "revision": 1, "champion": ref, "action": "release",
            "updated_at": "2026-11-23T09:00:00.000Z", "who": "trainer", "why": "test", **(pointer or {}),
        }  # fmt: skip
        self.store(keys.pointer(manifest.model), json.dumps(document).encode())

    def reference(self, manifest: Manifest) -> dict[str, Any]:
        return asdict(manifest.ref)

    def store(self, key: str, body: bytes, bucket: str = "artifacts") -> str:
        return str(boto3.client("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"])

    def capture(self, records: Iterable[Record | bytes], name: str = "1", *, packed: bool = False) -> dict[str, Any]:
        """Store records as one capture object and return the queue event that announces it."""
        lines = [line if isinstance(line, bytes) else json.dumps(line).encode() for line in records]
        body = b"\n".join([*lines, b""])
        key = f"captures/2026/11/23/10/{name}"
        return self.event(key, self.store(key, gzip.compress(body) if packed else body, "capture"))

    def event(self, key: str, version_id: str | None) -> dict[str, Any]:
        found = {"key": quote_plus(key), "size": 1, "sequencer": "00"} | (
            {"versionId": version_id} if version_id else {}
        )
        place = {"bucket": {"name": "capture"}, "object": found}
        body = {"Records": [{"eventSource": "aws:s3", "eventTime": ARRIVED, "s3": place}]}
        return {"Records": [message(json.dumps(body))]}

    def stored(self, prefix: str = "") -> dict[str, bytes]:
        """Return every object of the artifacts bucket under a prefix."""
        s3 = boto3.client("s3")
        found = s3.list_objects_v2(Bucket="artifacts", Prefix=prefix).get("Contents", [])
        return {one["Key"]: s3.get_object(Bucket="artifacts", Key=one["Key"])["Body"].read() for one in found}

    def stored_capture(self, key: str) -> bytes:
        return bytes(boto3.client("s3").get_object(Bucket="capture", Key=key)["Body"].read())

    def yielded(self) -> dict[str, bytes]:
        """Return what the handlers stored, without what the test published."""
        return {key: body for key, body in self.stored().items() if not key.startswith(("versions/", "serving/"))}


def shadowed(world: World) -> tuple[list[Record], list[Record]]:
    """Put version 2 in the champion's shadow; return what both answered, every other time differently."""
    own, second = world.reference(manifest()), world.reference(manifest(2, SECOND))
    world.publish(manifest(2, SECOND), pointer={"champion": own, "shadow": second, "bake_until": BAKED, "revision": 2})
    records = [prediction(usual_rows(60, seed), rollout=ROLLOUT) for seed in range(4)]
    other = {"variant": "shadow", "version": 2, "run_id": SECOND, "predict": ["Adelie"] * 60}
    return records, [record | other for record in records]


def failing_shadow(world: World) -> dict[str, Any]:
    """Put version 2 in the champion's shadow; return the event of captures that it will be judged badly by."""
    answered, asked_later = shadowed(world)
    return world.capture([*answered, *asked_later])


def message(body: str, identifier: str = "m1") -> dict[str, Any]:
    return {
        "messageId": identifier, "receiptHandle": "r", "body": body, "attributes": {}, "messageAttributes": {},
        "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": "arn:aws:sqs:eu-central-1:1:q",
        "awsRegion": "eu-central-1",
    }  # fmt: skip
