"""The versions that this environment holds, the least recently used evicted first; a bad one replaces none."""

from __future__ import annotations

import os
import time
from collections import OrderedDict
from contextlib import suppress
from threading import RLock
from typing import TYPE_CHECKING

from inference.models import load
from modelloop.contracts.pointer import CHAMPION
from modelloop.errors import ArtifactRefusedError, ModelloopError, NotFoundError, NotReadyError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.models import Model
    from modelloop.aws.dataplane.objects import Objects
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.rollout.routing import Choice

_GROWTH = 7  # bytes held for each byte of a bundle, measured on forests of 1 to 3 MB
_MEMORY_SHARE = 0.5
_REFUSED_SECONDS = 60.0
_UNAVAILABLE = (ArtifactRefusedError, TransientError, NotFoundError)


def memory_cap() -> int:
    """Return how many bytes loaded models may take: half of the function's memory."""
    megabytes = int(os.environ.get("AWS_LAMBDA_FUNCTION_MEMORY_SIZE", "1024"))
    return int(megabytes * 1024 * 1024 * _MEMORY_SHARE)


class ModelCache:
    """Loaded versions by digest, under a memory cap (bytes)."""

    def __init__(self, objects: Objects, cap: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._objects, self._cap, self._clock = objects, cap, clock
        self._held: OrderedDict[str, Model] = OrderedDict()
        self._refused: dict[str, tuple[float, ModelloopError]] = {}
        self._lock = RLock()
        self.on_refusal: Callable[[VersionRef, ModelloopError], None] = lambda _ref, _error: None

    def take(self, pointer: Pointer, choice: Choice, *, exact: bool) -> tuple[Model, str]:
        """Return the chosen version, or the next best one when it cannot be had, and as what it answers.

        With `exact`, for a version that the caller named, there is no next best. Raises NotReadyError.
        """
        try:
            return self.get(choice.ref), choice.variant
        except _UNAVAILABLE as error:
            reason = error
        for ref in () if exact else self._fallbacks(pointer, choice):
            with suppress(*_UNAVAILABLE):
                return self.get(ref), CHAMPION
        raise NotReadyError(f"version {choice.ref.version} of {pointer.model!r} cannot be served now") from reason

    def _fallbacks(self, pointer: Pointer, choice: Choice) -> list[VersionRef]:
        with self._lock:
            held = [model.ref for model in reversed(self._held.values()) if model.name == pointer.model]
        refs = [pointer.champion, *held, pointer.previous]
        return [ref for ref in dict.fromkeys(refs) if ref is not None and ref != choice.ref]

    def get(self, ref: VersionRef) -> Model:
        """Return a version, loading it when it is not held; raises as `load` does, and at once for a refused one."""
        with self._lock:
            held = self._held.get(ref.sha256)
            if held is not None and held.ref == ref:
                self._held.move_to_end(ref.sha256)
                return held
        return self._load(ref)

    def held(self, pointer: Pointer) -> list[Model]:
        """Return the versions that a pointer reaches and that are in memory, the champion first; reads nothing."""
        with self._lock:
            return [self._held[ref.sha256] for ref in pointer.refs() if ref.sha256 in self._held]

    def _load(self, ref: VersionRef) -> Model:
        when, error = self._refused.get(ref.sha256, (0.0, None))
        if error is not None and self._clock() - when < _REFUSED_SECONDS:
            raise error
        try:
            model = load(self._objects, ref)
        except (ArtifactRefusedError, NotFoundError) as refused:
            self._refused[ref.sha256] = (self._clock(), refused)
            self.on_refusal(ref, refused)
            raise
        with self._lock:
            self._refused.pop(ref.sha256, None)
            self._held[ref.sha256] = model
            self._held.move_to_end(ref.sha256)
            self._make_room()
        return model

    def _make_room(self) -> None:
        while len(self._held) > 1 and sum(model.bytes for model in self._held.values()) * _GROWTH > self._cap:
            self._held.popitem(last=False)

    def keep_only(self, pointer: Pointer) -> None:
        """Let go of versions of this model that the pointer no longer reaches, once its champion is held."""
        reachable = {ref.sha256 for ref in pointer.refs()}
        with self._lock:
            if pointer.champion is None or pointer.champion.sha256 not in self._held:
                return
            for digest, model in list(self._held.items()):
                if model.name == pointer.model and digest not in reachable:
                    del self._held[digest]
