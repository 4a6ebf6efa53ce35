"""The data plane over artifacts in memory: what it answers to an event, and what it read of it."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from typing import TYPE_CHECKING, Any, cast

import orjson
import pytest

from modelloop import keys
from modelloop.aws.settings import settings
from tests.support.data_plane import RUN

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.contracts.http_request import HttpAnswer


class Memory:
    """The artifacts bucket in memory."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}

    def get_changed(self, key: str, _etag: str | None, *, most_bytes: int) -> Any:
        from modelloop.aws.dataplane.objects import Fetched  # noqa: PLC0415  after the environment is set

        assert len(self.objects[key]) <= most_bytes
        return Fetched(self.objects[key], "etag")

    def get(self, key: str, *, most_bytes: int) -> Any:
        return self.get_changed(key, None, most_bytes=most_bytes)

    def list_keys(self, prefix: str, *, most: int) -> Iterator[str]:
        return iter([key for key in self.objects if key.startswith(prefix)][:most])


class Sink:
    """Stands for a delivery stream and keeps the last record."""

    def __init__(self) -> None:
        self.last: dict[str, Any] = {}

    def put(self, records: Iterable[bytes], *, deadline: float | None = None) -> None:
        del deadline
        for record in records:
            self.last = cast("dict[str, Any]", orjson.loads(record.splitlines()[-1]))


class MemoryPlane:
    """A model under its name, served; `call` answers one request, and `captures.last` says what was read of it."""

    def __init__(self, *bundles: dict[str, Any]) -> None:
        from inference import handler  # noqa: PLC0415  after the environment is set

        handler.service.cache_clear()
        self._handler = handler.handler
        self.captures, self.labels = Sink(), Sink()
        memory = Memory()
        for bundle in bundles:
            body = json.dumps(bundle).encode()
            file = keys.version(bundle["model"], RUN.format(1), keys.BUNDLE)
            ref = {
                "version": 1, "run_id": RUN.format(1), "file": file, "sha256": hashlib.sha256(body).hexdigest(),
                "bytes": len(body),
            }  # fmt: skip
            pointer = {"format_version": 1, "model": bundle["model"], "revision": 1, "champion": ref}
            memory.objects |= {file: body, keys.pointer(bundle["model"]): json.dumps(pointer).encode()}
        plane = handler.service()
        plane.pointers._objects = plane.model_cache._objects = memory  # type: ignore[assignment]
        plane.outbox._stream = self.captures
        plane.feedback = self.labels  # type: ignore[assignment]

    def call(self, resource: str, raw: bytes, headers: dict[str, str], **path: str) -> HttpAnswer:
        return self._handler(
            {
                "resource": resource,
                "httpMethod": "POST",
                "headers": headers,
                "pathParameters": {"model": "penguins"} | path,
                "body": b64encode(raw).decode(),
                "isBase64Encoded": True,
            },
            None,
        )


def memory_plane(*bundles: dict[str, Any]) -> Iterator[MemoryPlane]:
    """Yield a plane in an environment of its own; for a fixture."""
    from inference import handler  # noqa: PLC0415  after the environment is set

    patch = pytest.MonkeyPatch()
    patch.setenv("MODELLOOP_CAPTURE_MODE", "before")
    patch.setenv("MODELLOOP_ARTIFACTS_BUCKET", "artifacts")
    settings.cache_clear()
    yield MemoryPlane(*bundles)
    patch.undo()
    settings.cache_clear()
    handler.service.cache_clear()
