"""The object store, for functions off the data plane."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from botocore.exceptions import ClientError

from modelloop.aws.clients import PATIENT_SECONDS, calling, client, error_code
from modelloop.errors import ConflictError, NotFoundError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

CONFLICT_ATTEMPTS = 3
UPLOAD_SECONDS = 60
LINK_SECONDS = 900
LARGE_BYTES = 4 << 20
_CHUNK = 1 << 20


class Head(NamedTuple):
    """What is known of an object without reading it: size in bytes, ETag, version id (None when unversioned)."""

    bytes: int
    etag: str
    version_id: str | None


class Listed(NamedTuple):
    """An object as a listing shows it: its key and its ETag, which changes with every content."""

    key: str
    etag: str


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bucket of the object store, by its name. Every method raises TransientError when S3 does not answer."""

    name: str

    def get(self, key: str, version_id: str | None = None, *, most: int | None = None) -> bytes:
        """Return an object's bytes; raise NotFoundError when it, or that version of it, is gone.

        Raises TooLargeError, and reads nothing, when it has more than `most` bytes.
        """
        with calling(key):
            answer = _s3().get_object(**self._at(key, version_id))
            if most is not None and answer["ContentLength"] > most:
                answer["Body"].close()
                raise TooLargeError(f"the object has {answer['ContentLength']} bytes, more than {most} are not read")
            return bytes(answer["Body"].read())

    def get_with_etag(self, key: str) -> tuple[bytes, str]:
        """Return an object's bytes and the ETag to make the next write conditional on."""
        with calling(key):
            answer = _s3().get_object(**self._at(key, None))
            return answer["Body"].read(), answer["ETag"]

    def download(self, key: str, path: Path, version_id: str | None = None) -> int:
        """Write an object to a local file in bounded memory; return its size in bytes."""
        with calling(key), path.open("wb") as file:
            body = _s3().get_object(**self._at(key, version_id))["Body"]
            return sum(file.write(chunk) for chunk in body.iter_chunks(_CHUNK))

    def put(self, key: str, body: bytes, *, if_none_match: bool = False, content_type: str | None = None) -> str:
        """Write an object and return its ETag; with `if_none_match`, raise ConflictError when one is there."""
        return self._put(key, body, {"IfNoneMatch": "*"} if if_none_match else {}, content_type)

    def put_once(self, key: str, body: bytes, *, content_type: str | None = None) -> bool:
        """Write an object unless one is there; True when this call, or a lost try of it, wrote it."""
        try:
            self.put(key, body, if_none_match=True, content_type=content_type)
        except ConflictError:
            return False
        return True

    def replace(self, key: str, body: bytes, etag: str, *, content_type: str | None = None) -> str:
        """Overwrite the object that has this ETag and return the new one; raise ConflictError when it has changed."""
        return self._put(key, body, {"IfMatch": etag}, content_type)

    def head(self, key: str) -> Head | None:
        """Return what is known of an object, or None when it is not there."""
        try:
            with calling(key):
                answer = _s3().head_object(**self._at(key, None))
        except NotFoundError:
            return None
        return Head(answer["ContentLength"], answer["ETag"], answer.get("VersionId"))

    def list_keys(self, prefix: str, *, start_after: str = "", page_size: int = 1_000) -> Iterator[str]:
        """Yield the keys under a prefix in order, page by page."""
        for listed in self.list_objects(prefix, start_after=start_after, page_size=page_size):
            yield listed.key

    def list_objects(self, prefix: str, *, start_after: str = "", page_size: int = 1_000) -> Iterator[Listed]:
        """Yield what is stored under a prefix in the order of keys, page by page."""
        more: dict[str, str] = {"StartAfter": start_after} if start_after else {}
        while True:
            with calling(prefix):
                answer = _s3().list_objects_v2(Bucket=self.name, Prefix=prefix, MaxKeys=page_size, **more)
            yield from (Listed(item["Key"], item["ETag"]) for item in answer.get("Contents", ()))
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def list_folders(self, prefix: str) -> Iterator[str]:
        """Yield the names directly under a prefix that have keys below them, in order, a thousand a call."""
        more: dict[str, str] = {}
        while True:
            with calling(prefix):
                answer = _s3().list_objects_v2(Bucket=self.name, Prefix=prefix, Delimiter="/", **more)
            for item in answer.get("CommonPrefixes", ()):
                yield item["Prefix"].removeprefix(prefix).removesuffix("/")
            if not answer.get("IsTruncated"):
                return
            more = {"ContinuationToken": answer["NextContinuationToken"]}

    def delete(self, key: str) -> None:
        """Delete an object; no error when it is not there."""
        with calling(key):
            _s3().delete_object(Bucket=self.name, Key=key)

    def upload(self, key: str, path: Path) -> None:
        """Write a local file as an object, at most 5 GiB, without reading it into memory."""
        with calling(key), path.open("rb") as body:
            client("s3", read_seconds=UPLOAD_SECONDS).put_object(Bucket=self.name, Key=key, Body=body)

    def link_to_read(self, key: str, content_type: str) -> str:
        """Return a URL that opens an object in a browser for LINK_SECONDS, with this function's rights."""
        request = self._at(key, None) | {"ResponseContentType": content_type, "ResponseContentDisposition": "inline"}
        return str(_s3().generate_presigned_url("get_object", Params=request, ExpiresIn=LINK_SECONDS))

    def link_to_write(self, key: str) -> str:
        """Return a URL that takes an object by PUT for LINK_SECONDS, with this function's rights."""
        request = self._at(key, None)
        return str(_s3().generate_presigned_url("put_object", Params=request, ExpiresIn=LINK_SECONDS))

    def _put(self, key: str, body: bytes, condition: dict[str, str], content_type: str | None) -> str:
        kind = {"ContentType": content_type} if content_type else {}

        def write() -> str:
            s3 = client("s3", read_seconds=PATIENT_SECONDS) if len(body) > LARGE_BYTES else _s3()
            answer = s3.put_object(Bucket=self.name, Key=key, Body=body, **condition, **kind)
            return str(answer["ETag"])

        with calling(key):
            return _retry_conflicts(write)

    def _at(self, key: str, version_id: str | None) -> dict[str, str]:
        return {"Bucket": self.name, "Key": key} | ({"VersionId": version_id} if version_id else {})


def _retry_conflicts(write: Callable[[], str]) -> str:
    """Repeat a write that met another one in flight (409): S3 asks for that, botocore does not do it."""
    for _ in range(CONFLICT_ATTEMPTS - 1):
        try:
            return write()
        except ClientError as error:
            if error_code(error) != "ConditionalRequestConflict":
                raise
    return write()


def _s3() -> Any:
    return client("s3")
