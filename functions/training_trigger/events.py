"""The events of the data bucket: objects that were uploaded."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from urllib.parse import unquote_plus

from modelloop import clock


@dataclass(frozen=True, slots=True)
class UploadEvent:
    """An object that was created: exactly this version of this key; `time` is ISO, `size` in bytes."""

    bucket: str
    key: str
    version_id: str | None
    sequencer: str
    time: str
    size: int


def upload_events(records: Any) -> list[UploadEvent]:
    """Return the created objects among an S3 event's records; none for test events, deletions and other events."""
    if not isinstance(records, list):
        return []
    return [_upload_event(record) for record in records if _is_upload(record)]


def _is_upload(record: Any) -> bool:
    if not isinstance(record, dict) or record.get("eventSource") != "aws:s3":
        return False
    return str(record.get("eventName", "")).removeprefix("s3:").startswith("ObjectCreated")


def _upload_event(record: Any) -> UploadEvent:
    stored = record["s3"]["object"]
    version_id = stored.get("versionId")
    return UploadEvent(
        bucket=record["s3"]["bucket"]["name"],
        key=unquote_plus(stored["key"]),
        version_id=None if version_id in (None, "", "null") else version_id,
        sequencer=str(stored.get("sequencer", "")),
        time=str(record.get("eventTime") or clock.now()),
        size=int(stored.get("size", 0)),
    )
