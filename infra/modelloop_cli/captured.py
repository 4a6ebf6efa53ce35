"""Captures and labels of a span of time, read from the capture bucket and written as files of a foreign layout."""

from __future__ import annotations

import json
import sys
from collections import Counter, defaultdict
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock, keys
from modelloop.captures.cells import expected_columns
from modelloop.contracts.capture_record import FeedbackRecord
from modelloop.contracts.manifest import manifest_from_json
from modelloop.contracts.pointer import SHADOW
from modelloop.tables.labels import LabelReader
from modelloop_cli.exporting import baseline, captures
from modelloop_cli.exporting.captures import ExportedVersion

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from modelloop.contracts.capture_record import PredictionRecord
    from modelloop_client.client import Client
    from modelloop_client.stacks import Stack

LATE_HOURS = 24  # captures that waited in an environment lie under the hour of their arrival
_HOUR_CHARACTERS = len("2026-11-23T10")


class Span(NamedTuple):
    """From `start` up to, not including, `end`: moments as the clock writes them."""

    start: str
    end: str


def export(client: Client, model: str, span: Span, out: Path, *, scores: bool = False) -> Counter[str]:
    """Write a model's captures and labels under `out`; return how many files, rows, labels and rows without features.

    File names are derived from the capture objects, so that a repeated export writes the same files again. `scores`
    adds the probabilities. Raises ApiError for a model that does not exist.
    """
    counted: Counter[str] = Counter()
    seen: set[tuple[str, int, str]] = set()
    answered: dict[str, int] = {}  # versions by prediction id
    runs = {listed["version"]: listed["run_id"] for listed in client.versions(model, sys.maxsize)}

    @cache
    def version(number: int) -> ExportedVersion | None:
        if number not in runs:
            return None
        manifest = manifest_from_json(client.version(model, number))
        labels = LabelReader(manifest.classes, manifest.spec.missing)
        return ExportedVersion(runs[number], expected_columns(manifest), baseline.whole_columns(manifest), labels)

    def made_by(record: PredictionRecord | FeedbackRecord) -> ExportedVersion | None:
        """Return the version that answered; of a label whose prediction is not exported, the newest one."""
        if isinstance(record, FeedbackRecord):
            return version(answered.get(record.id, max(runs, default=0)))
        if record.variant != SHADOW:
            answered[record.id] = record.version
        return version(record.version)

    for key, body in _objects(client.stack, span):
        files: dict[str, list[str]] = defaultdict(list)
        for record in captures.records(body, model, version):
            if not span.start <= record.time < span.end or _is_repeated(record, seen):
                continue
            lines = list(captures.lines(record, made_by(record), scores=scores))
            for line in lines:
                files[line.folder].append(json.dumps(line.document, ensure_ascii=False))
            counted.update(_counts(record, len(lines)))
        counted["files"] += _write(out, key, files)
    return counted


def _is_repeated(record: PredictionRecord | FeedbackRecord, seen: set[tuple[str, int, str]]) -> bool:
    """Return whether a prediction was exported before, and remember it; labels may repeat."""
    if isinstance(record, FeedbackRecord):
        return False
    identity = record.id, record.offset, record.variant
    repeated = identity in seen
    seen.add(identity)
    return repeated


def _counts(record: PredictionRecord | FeedbackRecord, lines: int) -> dict[str, int]:
    if isinstance(record, FeedbackRecord):
        return {"labels": lines}
    return {"rows": lines, "rows_without_features": 0 if lines else len(record.predict)}


def _write(out: Path, key: str, files: dict[str, list[str]]) -> int:
    name = sha256(key.encode()).hexdigest()[:16]
    for folder, lines in files.items():
        path = out / folder / f"{name}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("\n".join([*lines, ""]), encoding="utf-8")
    return len(files)


def _objects(stack: Stack, span: Span) -> Iterator[tuple[str, bytes]]:
    s3 = stack.aws("s3")
    last = _hour(clock.later(span.end, minutes=LATE_HOURS * 60))
    for prefix in (keys.CAPTURES, keys.FEEDBACK):
        pages = s3.get_paginator("list_objects_v2").paginate(
            Bucket=stack.capture_bucket, Prefix=prefix, StartAfter=prefix + _hour(span.start)
        )
        for item in (item for page in pages for item in page.get("Contents", ())):
            if item["Key"].removeprefix(prefix)[:_HOUR_CHARACTERS] > last:
                break
            yield item["Key"], s3.get_object(Bucket=stack.capture_bucket, Key=item["Key"])["Body"].read()


def _hour(moment: str) -> str:
    return moment[:_HOUR_CHARACTERS].replace("-", "/").replace("T", "/")
