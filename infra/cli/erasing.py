"""Erase a prediction's features from the stack's buckets, older versions included, with the caller's own identity."""

from __future__ import annotations

import json
from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from infra.cli.failures import CommandError
from modelloop import erasure, keys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from infra.cli.target import Stack
    from modelloop.erasure import Row

GONE = frozenset({"NoSuchKey", "404"})


class Eraser:
    """Rewrites stored objects of one stack; every step may be repeated, so a cut-off erasure is simply begun anew."""

    def __init__(self, stack: Stack) -> None:
        self._s3 = stack.aws("s3")
        self._stack = stack
        self.counted: Counter[str] = Counter()

    def erase(self, model: str, wanted: Row) -> Counter[str]:
        """Erase a row, or all rows of a prediction; raise CommandError when the index does not know the id."""
        hour = erasure.hour_of(wanted.id)
        if hour is None:
            raise CommandError(f"{wanted.id[:80]!r} is not a prediction id", "It came with the answer")
        found = list(self._indexed(model, hour, wanted))
        if not found:
            raise CommandError(
                f"model {model!r} knows no prediction {wanted.id}",
                "Captures take minutes to arrive, and expire in time; try again when they are there",
            )
        for index_key, capture_key in found:
            self._rewrite(index_key, capture_key, model, wanted)
        self._update(
            self._stack.artifacts_bucket, keys.labelled(model, hour), lambda body: erasure.labelled(body, wanted)
        )
        return self.counted

    def _indexed(self, model: str, hour: str, wanted: Row) -> Iterator[tuple[str, str]]:
        """Yield the index objects that hold the prediction, each with the key of its capture object."""
        bucket = self._stack.artifacts_bucket
        prefix = keys.index(model, hour, "").removesuffix(".jsonl")
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                body = self._s3.get_object(Bucket=bucket, Key=item["Key"])["Body"].read()
                if f'"id":"{wanted.id}"'.encode() in body:
                    yield item["Key"], json.loads(body.split(b"\n", 1)[0])["key"]

    def _rewrite(self, index_key: str, capture_key: str, model: str, wanted: Row) -> None:
        """Write the capture object anew, lead the index to that version, and only then delete the ones before."""
        _, owner, hour, file = index_key.split("/")
        places, digest = {(owner, hour)}, file.removesuffix(".jsonl")

        def without(body: bytes) -> bytes:
            rewritten = erasure.captures(body, model, wanted)
            places.update(rewritten.places)
            self.counted["rows"] += rewritten.rows
            return rewritten.body

        version_id = self._write(self._stack.capture_bucket, capture_key, without)
        for place in sorted(places):
            key = keys.index(*place, digest)
            self._update(self._stack.artifacts_bucket, key, lambda body: erasure.index(body, version_id, wanted))
        self._purge(self._stack.capture_bucket, capture_key)

    def _update(self, bucket: str, key: str, change: Callable[[bytes], bytes]) -> None:
        self._write(bucket, key, change)
        self._purge(bucket, key)

    def _write(self, bucket: str, key: str, change: Callable[[bytes], bytes]) -> str | None:
        """Write an object anew unless somebody else did meanwhile; return its version, None when it is not there."""
        try:
            found = self._s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return None
        body: bytes = found["Body"].read()
        changed = change(body)
        if changed == body:
            version: str | None = found.get("VersionId")
            return version
        self.counted["objects"] += 1
        written: dict[str, Any] = self._s3.put_object(Bucket=bucket, Key=key, Body=changed, IfMatch=found["ETag"])
        return written.get("VersionId")

    def _purge(self, bucket: str, key: str) -> None:
        """Delete every version of an object but the newest."""
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                if item["Key"] == key and not item["IsLatest"]:
                    self._s3.delete_object(Bucket=bucket, Key=key, VersionId=item["VersionId"])
                    self.counted["old_versions"] += 1
