"""Local files to the object store, streamed from disk."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.aws.clients import calling, client

if TYPE_CHECKING:
    from pathlib import Path

READ_SECONDS = 60


def upload(bucket: str, key: str, path: Path) -> None:
    """Write a local file as an object, at most 5 GiB, without reading it into memory."""
    with calling(key), path.open("rb") as body:
        client("s3", read_seconds=READ_SECONDS).put_object(Bucket=bucket, Key=key, Body=body)
