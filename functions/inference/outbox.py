"""What is recorded after an answer: captures, and what the shadow would have answered."""

from __future__ import annotations

import time
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple, Protocol

from inference import telemetry
from modelloop.contracts.capture_record import ErrorRecord, PredictionRecord, join_lines, prediction_lines
from modelloop.contracts.pointer import SHADOW, VersionRef
from modelloop.errors import ModelloopError

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from inference.billed_time import BilledTime
    from inference.models import Model
    from inference.protocols.exchange import Answer, Query
    from modelloop.tables.encoding import Table

_MAX_PENDING = 8_000_000
_MAX_LINGERING = 10_000  # rows of requests whose captures may linger


class Stream(Protocol):
    """Where records go."""

    def put(self, records: Sequence[bytes], *, deadline: float | None = None) -> None:
        """Deliver all records or raise TransientError."""
        ...


class Answered(NamedTuple):
    """An answered request, kept until its capture is written."""

    query: Query
    table: Table
    answer: Answer
    model: Model
    variant: str
    rollout: str
    at: str
    latency_ms: float
    cold: bool
    shadow: VersionRef | None


class Refused(NamedTuple):
    """A request to a model that ended in an error."""

    prediction_id: str
    at: str
    model: str
    version: int | None
    variant: str
    rollout: str
    status: int
    error_code: str
    latency_ms: float


class Outbox:
    """Work that waits until the answer is out; nothing here may fail a request."""

    def __init__(
        self, stream: Stream, get_model: Callable[[VersionRef], Model], billed_time: BilledTime, linger: float = 0.0
    ) -> None:
        self._stream = stream
        self._get_model = get_model
        self._billed_time = billed_time
        self.linger = linger
        self._waiting: list[Answered | Refused] = []
        self._rows = 0
        self._due = 0.0
        self._lines: list[bytes] = []
        self._undelivered = 0

    def add(self, item: Answered | Refused) -> None:
        """Keep what happened until it is due: at once, or `linger` seconds of wall clock after the oldest."""
        if not self._waiting:
            self._due = time.time() + self.linger  # an environment that sleeps stops the monotonic clock
        self._waiting.append(item)
        self._rows += item.query.rows if isinstance(item, Answered) else 1

    def flush(self, deadline: float | None = None, *, early: bool = False) -> None:
        """Write what is due, or with `early` all, and deliver it.

        What the stream does not take waits, up to 8 MB, then is counted.
        """
        if self.linger and not early and self._rows < _MAX_LINGERING and time.time() < self._due:
            return
        waiting, self._waiting, self._rows = self._waiting, [], 0
        for item in waiting:
            self._lines += self._write(item)
        self._undelivered += len(waiting)
        if not self._lines:
            return
        try:
            self._stream.put(join_lines(self._lines), deadline=deadline)
            self._lines = []
            self._report_delivered()
        except ModelloopError as error:
            telemetry.logger().warning("captures wait for the stream", extra={"reason": error.message})
            self._forget_oldest()

    def end(self, deadline: float) -> None:
        """Deliver what lingers, because the environment goes; what cannot be delivered is counted."""
        self.flush(deadline, early=True)
        if self._lines:
            telemetry.emit("captures lost", {"CapturesLost": len(self._lines)})
            self._lines = []

    def _report_delivered(self) -> None:
        delivered, self._undelivered = self._undelivered, 0
        if self.linger:
            telemetry.emit("captures delivered", {"CapturesDelivered": delivered})

    def _write(self, item: Answered | Refused) -> list[bytes]:
        if isinstance(item, Refused):
            return [_error(item, self._billed_time.take())]
        try:
            table, answer = item.table, item.answer
            kept = item.model.capture.sampled(answer.prediction_id)
            record = _record(item, item.model, answer, table, item.variant, kept=kept)
            record = replace(record, overhead_ms=self._billed_time.take())
            return prediction_lines(record) + self._shadow(item, kept=kept)
        except (ModelloopError, ValueError, TypeError) as error:
            telemetry.logger().exception("a capture could not be written", extra={"reason": type(error).__name__})
            telemetry.emit("capture lost", {"CapturesLost": 1})
            return []

    def _shadow(self, item: Answered, *, kept: bool) -> list[bytes]:
        if item.shadow is None:
            return []
        started, version = time.perf_counter(), item.shadow.version
        try:
            model = self._get_model(item.shadow)
            answer, table = model.answer(item.query, item.answer.prediction_id)
        except ModelloopError as error:
            refused = Refused(
                item.answer.prediction_id, item.at, item.model.name, version, SHADOW, item.rollout,
                error.status, error.code, self._shadow_ms(started),
            )  # fmt: skip
            return [_error(refused)]
        record = _record(item, model, answer, table, SHADOW, kept=kept)
        return prediction_lines(replace(record, latency_ms=self._shadow_ms(started)))

    def _shadow_ms(self, started: float) -> float:
        """Return the milliseconds that the shadow took; its own record has them, so the next one must not."""
        spent = (time.perf_counter() - started) * 1e3
        self._billed_time.add(-spent)
        return spent

    def _forget_oldest(self) -> None:
        size, kept = 0, 0
        for line in reversed(self._lines):
            size += len(line)
            if size > _MAX_PENDING:
                break
            kept += 1
        lost = len(self._lines) - kept
        if lost:
            self._lines = self._lines[lost:]
            telemetry.emit("captures lost", {"CapturesLost": lost})


def _record(
    item: Answered, model: Model, answer: Answer, table: Table, variant: str, *, kept: bool
) -> PredictionRecord:
    mask = model.capture.mask
    columns = {name: cells for name, cells in table.values.items() if name not in mask} if kept else None
    return PredictionRecord(
        answer.prediction_id, item.at, answer.model, answer.version, model.ref.run_id, variant,
        answer.predict, answer.proba, columns, table.unseen, item.latency_ms, item.cold, rollout=item.rollout,
    )  # fmt: skip


def _error(item: Refused, overhead_ms: float = 0.0) -> bytes:
    record = ErrorRecord(
        item.prediction_id, item.at, item.model, item.version, item.variant,
        item.status, item.error_code, item.latency_ms, overhead_ms, item.rollout,
    )  # fmt: skip
    return record.to_line()
