"""The objects of a stack's buckets, older versions included: read, rewritten, or only rehearsed."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop_client.stacks import Stack

GONE = frozenset({"NoSuchKey", "404"})
TAKEN = frozenset({"PreconditionFailed", "ConditionalRequestConflict"})
REHEARSED = "rehearsed"


class Store:
    """Every step may be repeated, so what was cut off is simply begun anew; a rehearsal counts, and changes nothing."""

    def __init__(self, stack: Stack, *, rehearsal: bool) -> None:
        self._s3 = stack.aws("s3")
        self._rehearsal = rehearsal
        self.counted: Counter[str] = Counter()

    def keys(self, bucket: str, prefix: str, since_ms: int = 0) -> Iterator[str]:
        """Yield the keys under a prefix of objects that were written since then."""
        for page in self._s3.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix):
            for item in page.get("Contents", ()):
                if item["LastModified"].timestamp() * 1_000 >= since_ms:
                    yield item["Key"]

    def read(self, bucket: str, key: str) -> bytes | None:
        """Return an object, or None when it is not there (any more)."""
        answer = self._get(bucket, key)
        return answer["Body"].read() if answer else None

    def change(self, bucket: str, key: str, change: Callable[[bytes], bytes]) -> str | None:
        """Write an object anew; return its version, None when it is not there.

        Raises CommandError when somebody else wrote it meanwhile.
        """
        answer = self._get(bucket, key)
        if answer is None:
            return None
        body = answer["Body"].read()
        changed = change(body)
        if changed == body:
            version: str | None = answer.get("VersionId")
            return version
        self.counted["objects"] += 1
        if self._rehearsal:
            self.counted["old_versions"] += 1
            return REHEARSED
        return self._put(bucket, key, changed, answer["ETag"])

    def purge(self, bucket: str, key: str) -> None:
        """Delete every version of an object, or of all objects of a folder (ends in /), but the newest ones."""
        self._delete(bucket, key, lambda item: not item["IsLatest"], "old_versions")

    def remove(self, bucket: str, key: str) -> None:
        """Delete an object with all its versions."""
        self._delete(bucket, key, lambda _: True, "removed")

    def _get(self, bucket: str, key: str) -> dict[str, Any] | None:
        try:
            answer: dict[str, Any] = self._s3.get_object(Bucket=bucket, Key=key)
        except ClientError as error:
            if error.response["Error"]["Code"] not in GONE:
                raise
            return None
        return answer

    def _put(self, bucket: str, key: str, body: bytes, etag: str) -> str | None:
        try:
            written: dict[str, Any] = self._s3.put_object(Bucket=bucket, Key=key, Body=body, IfMatch=etag)
        except ClientError as error:
            if error.response["Error"]["Code"] not in TAKEN:
                raise
            raise CommandError(f"{key} was written by somebody else meanwhile", "Repeat the command") from error
        return written.get("VersionId")

    def _delete(self, bucket: str, key: str, going: Callable[[dict[str, Any]], bool], name: str) -> None:
        for page in self._s3.get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=key):
            for item in [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]:
                if going(item) and (key.endswith("/") or item["Key"] == key):
                    self.counted[name] += 1
                    if not self._rehearsal:
                        self._s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
