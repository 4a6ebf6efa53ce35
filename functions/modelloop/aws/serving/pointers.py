"""The serving pointer in the artifacts bucket: read, and published only over what was read."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.contracts.pointer import pointer_from_json
from modelloop.errors import ArtifactRefusedError, ConflictError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.storage import Bucket
    from modelloop.contracts.pointer import Pointer


def read(artifacts: Bucket, model: str) -> tuple[Pointer | None, str | None]:
    """Return the pointer and the ETag to publish over, or (None, None) when nothing was ever published.

    Raises ArtifactRefusedError when what is stored is no pointer.
    """
    key = keys.pointer(model)
    try:
        body, etag = artifacts.get_with_etag(key)
    except NotFoundError:
        return None, None
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ArtifactRefusedError(f"{key} is not JSON; restore an earlier version of the object") from error
    if not isinstance(document, dict):
        raise ArtifactRefusedError(f"{key} is no pointer; restore an earlier version of the object")
    return pointer_from_json(document), etag


def publish(artifacts: Bucket, pointer: Pointer, etag: str | None) -> str:
    """Write the pointer over the one that was read with this ETag (None: over nothing) and return the new ETag.

    Raises ConflictError when somebody else published first. A write whose answer was lost, and which the client
    then repeated, finds itself there: equal bytes show that.
    """
    key = keys.pointer(pointer.model)
    body = orjson.dumps(pointer.to_json())
    try:
        if etag is None:
            return artifacts.put(key, body, if_none_match=True, content_type="application/json")
        return artifacts.replace(key, body, etag, content_type="application/json")
    except (ConflictError, NotFoundError):
        stored, stored_etag = artifacts.get_with_etag(key)
        if stored == body:
            return stored_etag
        raise ConflictError(
            f"somebody else changed what serves for {pointer.model!r}; look again and repeat", field="model"
        ) from None


def models(artifacts: Bucket) -> Iterator[str]:
    """Yield the name of every model that has a serving pointer, in order."""
    prefix = keys.pointer_prefix()
    for key in artifacts.list_keys(prefix):
        yield key.removeprefix(prefix).removesuffix(".json")
