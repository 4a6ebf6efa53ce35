"""What an event asks for: tables that arrived in the data bucket, or a model to be trained again."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from modelloop import clock

if TYPE_CHECKING:
    from collections.abc import Mapping


@dataclass(frozen=True, slots=True)
class Arrival:
    """An object that was created: exactly this version of this key; `time` is ISO, `size` bytes."""

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    time: str
    size: int


def arrivals(event: Mapping[str, Any]) -> list[Arrival]:
    """Return the created objects of an S3 event; none for test events, deletions and events of other makers."""
    records = event.get("Records")
    if not isinstance(records, list):
        return []
    return [
        _arrival(record)
        for record in records
        if isinstance(record, dict)
        and record.get("eventSource") == "aws:s3"
        and str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated")
    ]


def _arrival(record: Mapping[str, Any]) -> Arrival:
    stored = record["s3"]["object"]
    version_id = stored.get("versionId")
    return Arrival(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        version_id=None if version_id in (None, "", "null") else version_id,
        sequencer=str(stored.get("sequencer", "")),
        time=str(record.get("eventTime") or clock.now()),
        size=int(stored.get("size", 0)),
    )
