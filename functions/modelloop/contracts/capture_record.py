"""The capture record: what was asked and answered, as typed columns after validation, one JSON line a record.

Three kinds of records go to the capture bucket: predictions, requests that failed, and labels that came back. The data
plane writes them, so this module imports little; `captures.reader` is the one reader of what is stored.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import orjson

from modelloop.ids import share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

Cell = str | float | bool | None

FORMAT_VERSION = 1
PREDICTION, ERROR, FEEDBACK = "prediction", "error", "feedback"
REWRITTEN_MARK = b'{"format_version":1,"kind":"rewritten"}'  # first line of an object that an erasure wrote anew
MAX_LINE_BYTES = 1_000 * 1024 - 1


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """Of which requests the features are kept (percent), and which columns never are."""

    percent: float = 100.0
    mask: frozenset[str] = frozenset()

    def sampled(self, prediction_id: str) -> bool:
        """Return whether this request's features are kept; the same for every variant that answered it."""
        return self.percent >= 100 or share("capture", "", prediction_id) < self.percent  # noqa: PLR2004  percent


@dataclass(frozen=True, slots=True)
class PredictionRecord:
    """Rows of one answered request, as one version answered them, from row `offset` of the request on.

    `predict`, `proba` and each of `columns` hold one entry a row; `columns` is None when the features are not sampled.
    `unseen` counts cells with a category that training never saw, by column. `overhead_ms` is what the environment was
    busy since its last record beside answering: start-up, deliveries. `rollout` names the one whose split of the
    traffic chose the variant, "" for none.
    """

    id: str
    time: str
    model: str
    version: int
    run_id: str
    variant: str
    predict: Sequence[Cell]
    proba: Sequence[Sequence[float]] | None
    columns: Mapping[str, Sequence[Cell]] | None
    unseen: Mapping[str, int] = field(default_factory=dict)
    latency_ms: float = 0.0
    cold: bool = False
    overhead_ms: float = 0.0
    rollout: str = ""
    offset: int = 0

    def part(self, start: int, stop: int) -> PredictionRecord:
        """Return some of its rows, counted from its own first one, as a record that starts at their first row."""
        return replace(
            self,
            offset=self.offset + start,
            predict=self.predict[start:stop],
            proba=None if self.proba is None else self.proba[start:stop],
            columns=None if self.columns is None else {name: self.columns[name][start:stop] for name in self.columns},
        )

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        return orjson.dumps(
            {
                "format_version": FORMAT_VERSION,
                "kind": PREDICTION,
                "id": self.id,
                "offset": self.offset,
                "time": self.time,
                "model": self.model,
                "version": self.version,
                "run_id": self.run_id,
                "variant": self.variant,
                "rollout": self.rollout,
                "rows": len(self.predict),
                "columns": self.columns,
                "unseen": self.unseen,
                "predict": self.predict,
                "proba": self.proba,
                "latency_ms": round(self.latency_ms, 3),
                "overhead_ms": round(self.overhead_ms, 3),
                "cold": self.cold,
                "status": 200,
            }
        )


@dataclass(frozen=True, slots=True)
class ErrorRecord:
    """A request that was refused or failed; it holds nothing of the body. A version is None before one is chosen."""

    id: str
    time: str
    model: str
    version: int | None
    variant: str | None
    status: int
    error_code: str
    latency_ms: float
    overhead_ms: float = 0.0
    rollout: str = ""

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        return orjson.dumps(
            {
                "format_version": FORMAT_VERSION,
                "kind": ERROR,
                "id": self.id,
                "time": self.time,
                "model": self.model,
                "version": self.version,
                "variant": self.variant,
                "rollout": self.rollout,
                "status": self.status,
                "error_code": self.error_code,
                "latency_ms": round(self.latency_ms, 3),
                "overhead_ms": round(self.overhead_ms, 3),
            }
        )


@dataclass(frozen=True, slots=True)
class FeedbackRecord:
    """One label that came back for a predicted row; `time` is when it was given."""

    id: str
    row: int
    label: str | float | bool
    time: str
    model: str

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        return orjson.dumps(
            {
                "format_version": FORMAT_VERSION,
                "kind": FEEDBACK,
                "id": self.id,
                "row": self.row,
                "label": self.label,
                "time": self.time,
                "model": self.model,
            }
        )


def prediction_lines(record: PredictionRecord, max_bytes: int = MAX_LINE_BYTES) -> list[bytes]:
    """Return the record as one line, or as several of fewer rows when one would be longer than `max_bytes`.

    A single row that is longer keeps its answer and loses its features. Unseen categories and overhead are those of the
    whole request, so its first line alone has them.
    """
    line = record.to_line()
    return [line] if len(line) <= max_bytes else list(_split(record, max_bytes))


def join_lines(lines: Sequence[bytes], max_bytes: int = MAX_LINE_BYTES + 1) -> list[bytes]:
    """Return newline-terminated records of whole lines, each at most `max_bytes` long."""
    records: list[bytearray] = []
    for line in lines:
        if not records or len(records[-1]) + len(line) + 1 > max_bytes:
            records.append(bytearray())
        records[-1] += line
        records[-1] += b"\n"
    return [bytes(record) for record in records]


def _split(record: PredictionRecord, max_bytes: int) -> Iterator[bytes]:
    """Yield the lines of a record of which one line would be too long."""
    rows = len(record.predict)
    if rows <= 1:
        yield replace(record, columns=None).to_line()
        return
    middle = rows // 2
    yield from prediction_lines(record.part(0, middle), max_bytes)
    rest = replace(record.part(middle, rows), unseen={}, overhead_ms=0.0)
    yield from prediction_lines(rest, max_bytes)
