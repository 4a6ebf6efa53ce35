"""S3 events inside queue messages: which objects arrived."""

from __future__ import annotations

import json
from hashlib import sha256
from typing import TYPE_CHECKING
from urllib.parse import unquote_plus

from metrics_aggregation.aggregation import Source
from modelloop.monitoring import windows

if TYPE_CHECKING:
    from collections.abc import Iterator


def sources(body: str) -> Iterator[tuple[str, Source]]:
    """Yield bucket and source of every object that a message announces; none for test events and unknown senders.

    Raises ValueError when the message is not JSON, so that it ends in the dead-letter queue for a person to see.
    """
    message = json.loads(body)
    for record in (message.get("Records") or ()) if isinstance(message, dict) else ():
        if record.get("eventSource") not in {"aws:s3", None} or "s3" not in record:
            continue
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        version_id = record["s3"]["object"].get("versionId")
        digest = sha256(f"{key}\n{version_id or ''}".encode()).hexdigest()
        yield bucket, Source(key, version_id, digest, windows.hour_of(record["eventTime"]))
