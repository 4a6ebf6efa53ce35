"""Serving pointers as this environment knows them: fresh, due for a look, or stale and serving on."""

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

_MOST_BYTES = 256 * 1024
_PATIENCE = 5.0
MOST_MODELS = 1_000


@dataclass(slots=True)
class Known:
    """A pointer, its tag, when it was last confirmed and last asked for (seconds), and why the last look failed."""

    pointer: Pointer
    etag: str | None
    confirmed: float
    asked: float
    fault: str | None = None


class Pointers:
    """Pointers by model. Younger than `soft` seconds: used. Older than `hard`: asked for before the answer."""

    def __init__(self, objects: Objects, soft: float, hard: float, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects = objects
        self._soft, self._hard, self._clock = soft, hard, clock
        self._known: dict[str, Known] = {}
        self.on_fault: Callable[[str, str], None] = lambda _model, _reason: None

    def get(self, model: str) -> Known:
        """Return the pointer of a model; a look that fails leaves the last good one serving.

        Raises NotFoundError when there is no such model, NotReadyError when its first pointer cannot be read.
        """
        known = self._known.get(model)
        if known is None:
            return self.refresh(model)
        now = self._clock()
        if now - known.confirmed >= self._hard and (known.fault is None or now - known.asked >= _PATIENCE):
            return self.refresh(model)
        return known

    def due(self) -> list[str]:
        """Return the models whose pointer is past its soft time to live."""
        now = self._clock()
        return [model for model, known in list(self._known.items()) if now - known.asked >= self._soft]

    def refresh(self, model: str) -> Known:
        """Ask for the pointer, unless it has not changed; raises as `get` does."""
        known = self._known.get(model)
        now = self._clock()
        try:
            fetched = self._objects.get_changed(
                keys.pointer(model), known.etag if known else None, most_bytes=_MOST_BYTES
            )
            if fetched is not None:
                known = Known(_read(fetched.body, model), fetched.etag, now, now)
        except NotFoundError:
            self._known.pop(model, None)
            raise NotFoundError(f"there is no model {model!r}", field="model") from None
        except (ArtifactRefusedError, TransientError) as error:
            self.on_fault(model, error.message)
            if known is None:
                raise NotReadyError(f"model {model!r} cannot be read now: try again") from error
            known = Known(known.pointer, known.etag, known.confirmed, now, error.message)
        else:
            if known is None:
                raise NotReadyError(f"model {model!r} cannot be read now: try again")
            known = Known(known.pointer, known.etag, now, now)
        self._known[model] = known
        return known

    def models(self) -> list[str]:
        """Return the names of all models; raises TransientError."""
        prefix = keys.pointer_prefix()
        found = self._objects.list_keys(prefix, most=MOST_MODELS)
        return sorted(key.removeprefix(prefix).removesuffix(".json") for key in found if key.endswith(".json"))


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
