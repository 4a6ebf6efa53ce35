"""Reading objects where a cold start counts: obstore instead of an SDK that takes longer to import than to answer."""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING, NamedTuple

import obstore
from obstore.exceptions import BaseError, NotModifiedError
from obstore.store import S3Store

from modelloop.errors import ArtifactRefusedError, NotFoundError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

_RETRIES = 2
_BACKOFF = timedelta(milliseconds=50)
_GIVE_UP = timedelta(seconds=4)


class Fetched(NamedTuple):
    """An object's bytes and the tag for asking whether it has changed."""

    body: bytes
    etag: str | None


class Objects:
    """One bucket, read only; credentials and region come from the environment."""

    def __init__(self, bucket: str) -> None:
        endpoint = os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL")
        where = {"endpoint": endpoint, "virtual_hosted_style_request": False} if endpoint else {}
        self._store = S3Store(
            bucket,
            region=os.environ.get("AWS_REGION", "us-east-1"),
            client_options={
                "allow_http": bool(endpoint and endpoint.startswith("http://")),
                "connect_timeout": "1s",
                "timeout": "4s",
            },
            retry_config={"max_retries": _RETRIES, "backoff": {"init_backoff": _BACKOFF}, "retry_timeout": _GIVE_UP},
            **where,  # type: ignore[arg-type]
        )

    def get(self, key: str, *, most_bytes: int) -> Fetched:
        """Read an object of at most so many bytes.

        Raises NotFoundError, ArtifactRefusedError when it is larger (nothing of it is read), or TransientError.
        """
        fetched = self.get_changed(key, None, most_bytes=most_bytes)
        if fetched is None:
            raise TransientError(f"{key} answered 'not modified' to an unconditional read")
        return fetched

    def get_changed(self, key: str, etag: str | None, *, most_bytes: int) -> Fetched | None:
        """Read an object unless it still has that tag, then None; raises as `get` does."""
        try:
            found = obstore.get(self._store, key, options={"if_none_match": etag} if etag else None)
            size = found.meta["size"]
            if size > most_bytes:
                raise ArtifactRefusedError(f"{key} has {size} bytes, at most {most_bytes} are read")
            return Fetched(bytes(found.bytes()), found.meta["e_tag"])
        except NotModifiedError:
            return None
        except FileNotFoundError as error:
            raise NotFoundError(f"{key} does not exist") from error
        except (BaseError, OSError) as error:
            raise TransientError(f"{key} cannot be read: {type(error).__name__}") from error

    def list_keys(self, prefix: str, *, most: int) -> Iterator[str]:
        """Yield at most so many keys below a prefix; raises TransientError."""
        found = 0
        try:
            for chunk in obstore.list(self._store, prefix=prefix):
                for entry in chunk:
                    if found == most:
                        return
                    found += 1
                    yield entry["path"]
        except (BaseError, OSError) as error:
            raise TransientError(f"{prefix} cannot be listed: {type(error).__name__}") from error
