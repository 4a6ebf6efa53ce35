"""What one environment holds between requests: pointers, loaded versions, streams, and work that waits."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from inference import telemetry
from inference.model_cache import ModelCache, memory_cap
from inference.outbox import Outbox
from inference.pointers import Pointers
from modelloop.aws.dataplane.objects import Objects
from modelloop.errors import ModelloopError, NotFoundError, NotReadyError
from modelloop.rollout.routing import Choice, choose, pinned

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.billed_time import BilledTime
    from modelloop.aws.dataplane.firehose import Firehose
    from modelloop.aws.settings import Settings
    from modelloop.contracts.pointer import Pointer, VersionRef


class LazyStream:
    """A delivery stream whose client, with its HTTP and TLS modules, is made at its first record."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._client: Firehose | None = None

    def put(self, records: Sequence[bytes], *, deadline: float | None = None) -> None:
        """Deliver all records or raise TransientError."""
        if self._client is None:
            from modelloop.aws.dataplane.firehose import Firehose  # noqa: PLC0415  not before the first answer

            self._client = Firehose(self._name)
        self._client.put(records, deadline=deadline)


class Service:
    """The data plane of one environment."""

    def __init__(self, config: Settings, billed_time: BilledTime) -> None:
        self.retention_days = config.retention_days
        self.before_response = config.capture_mode == "before"
        objects = Objects(config.artifacts_bucket)
        soft, hard = config.pointer_soft_seconds, config.pointer_hard_seconds
        self.pointers = Pointers(objects, soft, min(soft, hard) if self.before_response else hard)
        self.pointers.on_fault = _report_fault
        self.model_cache = ModelCache(objects, memory_cap())
        self.model_cache.on_refusal = _report_refusal
        stream = LazyStream(config.capture_stream)
        self.outbox = Outbox(stream, self.model_cache.get, billed_time, config.capture_linger)
        self.feedback = LazyStream(config.feedback_stream)
        self._billed_time = billed_time

    def choose(self, model: str, version: str | None, key: str) -> tuple[Pointer, Choice]:
        """Return the pointer and the version that answers. Raises NotFoundError, NotReadyError."""
        pointer = self.pointers.get(model).pointer
        if version is None:
            choice = choose(pointer, key)
            if choice is None:
                raise NotReadyError(f"model {model!r} has no version that serves", field="model")
            return pointer, choice
        number = int(version) if version.isascii() and version.isdigit() and len(version) <= 9 else 0  # noqa: PLR2004
        choice = pinned(pointer, number)
        if choice is None:
            raise NotFoundError(f"version {version[:20]!r} of {model!r} is not served: pin it first", field="version")
        return pointer, choice

    def after_answer(self, deadline: float | None = None) -> None:
        """Look at pointers that are due, make their champions ready, and deliver what waits."""
        started = time.perf_counter()
        try:
            self._refresh()
            self.outbox.flush(deadline)
        finally:
            self._billed_time.add((time.perf_counter() - started) * 1e3)

    def _refresh(self) -> None:
        for model in self.pointers.due():
            try:
                pointer = self.pointers.refresh(model).pointer
                for ref in (pointer.champion, pointer.challenger):
                    if ref is not None:
                        self.model_cache.get(ref)
                self.model_cache.keep_only(pointer)
            except ModelloopError as error:
                telemetry.logger().warning("a pointer could not be refreshed", extra={"reason": error.message})


def _report_fault(model: str, reason: str) -> None:
    telemetry.logger().error("a serving pointer cannot be read", extra={"model": model, "reason": reason})
    telemetry.emit("a serving pointer cannot be read", {"PointersStale": 1}, model=model)


def _report_refusal(ref: VersionRef, error: ModelloopError) -> None:
    telemetry.logger().error("a version was refused", extra={"file": ref.file, "reason": error.message})
    telemetry.emit("a version was refused", {"ArtifactsRefused": 1}, version=ref.version, run_id=ref.run_id)
