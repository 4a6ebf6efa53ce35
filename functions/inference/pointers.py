"""Serving pointers as this environment has them: fresh, due to be read again, or stale and serving on."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from modelloop import keys
from modelloop.contracts.pointer import Pointer, pointer_from_json
from modelloop.errors import ArtifactRefusedError, NotFoundError, NotReadyError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.aws.dataplane.objects import Objects

_MAX_BYTES = 256 * 1024
_PATIENCE = 5.0
MAX_MODELS = 1_000


@dataclass(slots=True)
class CachedPointer:
    """A pointer, its ETag, when it was last confirmed and last read (monotonic seconds), and why reading failed."""

    pointer: Pointer
    etag: str | None
    confirmed: float
    asked: float
    fault: str | None = None


class Pointers:
    """Pointers by model: due to be read again after `soft` seconds, and after `hard` seconds before the answer."""

    def __init__(self, objects: Objects, soft: float, hard: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects = objects
        self._soft, self._hard, self._clock = soft, hard, clock
        self._cached: dict[str, CachedPointer] = {}
        self.on_fault: Callable[[str, str], None] = lambda _model, _reason: None

    def get(self, model: str) -> CachedPointer:
        """Return the pointer of a model; when it cannot be read again, the last good one serves on.

        Raises NotFoundError when there is no such model, NotReadyError when its first pointer cannot be read.
        """
        cached = self._cached.get(model)
        if cached is None:
            return self.refresh(model)
        now = self._clock()
        if now - cached.confirmed >= self._hard and (cached.fault is None or now - cached.asked >= _PATIENCE):
            return self.refresh(model)
        return cached

    def due(self) -> list[str]:
        """Return the models whose pointer is past its soft time to live."""
        now = self._clock()
        return [model for model, cached in list(self._cached.items()) if now - cached.asked >= self._soft]

    def refresh(self, model: str) -> CachedPointer:
        """Read the pointer again unless it has not changed, and return it; raises as `get` does."""
        cached = self._cached.get(model)
        now = self._clock()
        try:
            fetched = self._objects.get_changed(
                keys.pointer(model), cached.etag if cached else None, most_bytes=_MAX_BYTES
            )
            if fetched is not None:
                cached = CachedPointer(_read(fetched.body, model), fetched.etag, now, now)
        except NotFoundError:
            self._cached.pop(model, None)
            raise NotFoundError(f"there is no model {model!r}", field="model") from None
        except (ArtifactRefusedError, TransientError) as error:
            self.on_fault(model, error.message)
            if cached is None:
                raise NotReadyError(f"model {model!r} cannot be read now: try again") from error
            cached = CachedPointer(cached.pointer, cached.etag, cached.confirmed, now, error.message)
        else:
            if cached is None:
                raise NotReadyError(f"model {model!r} cannot be read now: try again")
            cached = CachedPointer(cached.pointer, cached.etag, now, now)
        self._cached[model] = cached
        return cached

    def models(self) -> list[str]:
        """Return the names of all models; raises TransientError."""
        prefix = keys.pointer_prefix()
        stored = self._objects.list_keys(prefix, most=MAX_MODELS)
        return sorted(key.removeprefix(prefix).removesuffix(".json") for key in stored if key.endswith(".json"))


def _read(body: bytes, model: str) -> Pointer:
    try:
        document = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise ArtifactRefusedError(f"serving pointer is not JSON: {error}") from None
    if not isinstance(document, dict):
        raise ArtifactRefusedError("serving pointer is not an object")
    pointer = pointer_from_json(document)
    own = all(ref.file == keys.version(model, ref.run_id, keys.BUNDLE) for ref in pointer.refs())
    if pointer.model != model or not own:
        raise ArtifactRefusedError("serving pointer names another model's files")
    return pointer
