"""The object store, for functions off the data plane."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from modelloop.aws.clients import PATIENT_SECONDS, calling, client, error_code
from modelloop.errors import ConflictError, NotFoundError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFLICT_ATTEMPTS = 3
LARGE_BYTES = 4 << 20
_CHUNK = 1 << 20


class Head(NamedTuple):
    """What is known of an object without reading it: size in bytes, ETag, version id (None when unversioned)."""

    bytes: int
    etag: str
    version_id: str | None


def get(bucket: str, key: str, version_id: str | None = None, *, most: int | None = None) -> bytes:
    """Return an object's bytes; raise NotFoundError when it, or that version of it, is gone.

    Raises TooLargeError, and reads nothing, when it has more than `most` bytes.
    """
    with calling(key):
        answer = _s3().get_object(**_at(bucket, key, version_id))
        if most is not None and answer["ContentLength"] > most:
            answer["Body"].close()
            raise TooLargeError(f"the object has {answer['ContentLength']} bytes, more than {most} are not read")
        return bytes(answer["Body"].read())


def get_with_etag(bucket: str, key: str) -> tuple[bytes, str]:
    """Return an object's bytes and the ETag to make the next write conditional on."""
    with calling(key):
        answer = _s3().get_object(Bucket=bucket, Key=key)
        return answer["Body"].read(), answer["ETag"]


def download(bucket: str, key: str, path: Path, version_id: str | None = None) -> int:
    """Write an object to a local file in bounded memory; return its size in bytes."""
    with calling(key), path.open("wb") as file:
        body = _s3().get_object(**_at(bucket, key, version_id))["Body"]
        return sum(file.write(chunk) for chunk in body.iter_chunks(_CHUNK))


def put(bucket: str, key: str, body: bytes, *, if_none_match: bool = False, content_type: str | None = None) -> str:
    """Write an object and return its ETag; with `if_none_match`, raise ConflictError when one is there."""
    return _conditional_put(bucket, key, body, {"IfNoneMatch": "*"} if if_none_match else {}, content_type)


def put_once(bucket: str, key: str, body: bytes, *, content_type: str | None = None) -> bool:
    """Write an object unless one is there; True when this call, or a lost try of it, wrote it."""
    try:
        put(bucket, key, body, if_none_match=True, content_type=content_type)
    except ConflictError:
        return False
    return True


def replace(bucket: str, key: str, body: bytes, etag: str, *, content_type: str | None = None) -> str:
    """Overwrite the object that has this ETag and return the new one; raise ConflictError when it has changed."""
    return _conditional_put(bucket, key, body, {"IfMatch": etag}, content_type)


def head(bucket: str, key: str) -> Head | None:
    """Return what is known of an object, or None when it is not there."""
    try:
        with calling(key):
            answer = _s3().head_object(Bucket=bucket, Key=key)
    except NotFoundError:
        return None
    return Head(answer["ContentLength"], answer["ETag"], answer.get("VersionId"))


def list_keys(bucket: str, prefix: str, *, start_after: str = "", page_size: int = 1_000) -> Iterator[str]:
    """Yield the keys under a prefix in order, page by page."""
    more: dict[str, str] = {"StartAfter": start_after} if start_after else {}
    while True:
        with calling(prefix):
            answer = _s3().list_objects_v2(Bucket=bucket, Prefix=prefix, MaxKeys=page_size, **more)
        yield from (item["Key"] for item in answer.get("Contents", ()))
        if not answer.get("IsTruncated"):
            return
        more = {"ContinuationToken": answer["NextContinuationToken"]}


def delete(bucket: str, key: str) -> None:
    """Delete an object; no error when it is not there."""
    with calling(key):
        _s3().delete_object(Bucket=bucket, Key=key)


def _conditional_put(bucket: str, key: str, body: bytes, condition: dict[str, str], content_type: str | None) -> str:
    kind = {"ContentType": content_type} if content_type else {}

    def write() -> str:
        s3 = client("s3", read_seconds=PATIENT_SECONDS) if len(body) > LARGE_BYTES else _s3()
        answer = s3.put_object(Bucket=bucket, Key=key, Body=body, **condition, **kind)
        return str(answer["ETag"])

    with calling(key):
        return _retry_conflicts(write)


def _retry_conflicts(write: Callable[[], str]) -> str:
    """Repeat a write that met another one in flight (409): S3 asks for that, botocore does not do it."""
    for _ in range(CONFLICT_ATTEMPTS - 1):
        try:
            return write()
        except ClientError as error:
            if error_code(error) != "ConditionalRequestConflict":
                raise
    return write()


def _at(bucket: str, key: str, version_id: str | None) -> dict[str, str]:
    return {"Bucket": bucket, "Key": key} | ({"VersionId": version_id} if version_id else {})


def _s3() -> Any:
    return client("s3")
