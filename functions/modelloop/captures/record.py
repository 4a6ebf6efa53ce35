"""Capture records: what was asked and answered, as typed columns after validation, one JSON line a record."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.ids import share

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

FORMAT_VERSION = 1
LARGEST_LINE = 1_000 * 1024 - 1


@dataclass(frozen=True, slots=True)
class CaptureRule:
    """Of which requests the features are kept (percent), and which columns never are."""

    percent: float = 100.0
    mask: frozenset[str] = frozenset()

    def sampled(self, prediction_id: str) -> bool:
        """Tell whether this request's features are kept; the same for every variant that saw it."""
        return self.percent >= 100 or share("capture", "", prediction_id) < self.percent  # noqa: PLR2004  percent


@dataclass(slots=True)
class Prediction:
    """One answered request, as one variant answered it. `columns` is None when the features are not sampled.

    `overhead_ms` is what the environment was busy since its last record beside answering: start-up, deliveries.
    `rollout` names the one whose split of the traffic chose the variant, "" for none.
    """

    id: str
    time: str
    model: str
    version: int
    run_id: str
    variant: str
    predict: Sequence[Any]
    proba: Sequence[Sequence[float]] | None
    columns: Mapping[str, Sequence[Any]] | None
    unseen: Mapping[str, int] = field(default_factory=dict)
    latency_ms: float = 0.0
    cold: bool = False
    overhead_ms: float = 0.0
    rollout: str = ""


def prediction_lines(record: Prediction, largest: int = LARGEST_LINE) -> list[bytes]:
    """Return the record as one line, or as several of fewer rows when one would be larger than `largest` bytes."""
    return list(_lines(record, 0, len(record.predict), largest))


def _lines(record: Prediction, start: int, stop: int, largest: int) -> Iterator[bytes]:
    line = orjson.dumps(_document(record, start, stop))
    if len(line) <= largest:
        yield line
    elif stop - start > 1:
        middle = (start + stop) // 2
        yield from _lines(record, start, middle, largest)
        yield from _lines(record, middle, stop, largest)
    else:
        yield orjson.dumps(_document(record, start, stop) | {"columns": None})


def _document(record: Prediction, start: int, stop: int) -> dict[str, Any]:
    columns = record.columns
    return {
        "format_version": FORMAT_VERSION,
        "kind": "prediction",
        "id": record.id,
        "offset": start,
        "time": record.time,
        "model": record.model,
        "version": record.version,
        "run_id": record.run_id,
        "variant": record.variant,
        "rollout": record.rollout,
        "rows": stop - start,
        "columns": None if columns is None else {name: cells[start:stop] for name, cells in columns.items()},
        "unseen": record.unseen if start == 0 else {},
        "predict": record.predict[start:stop],
        "proba": None if record.proba is None else record.proba[start:stop],
        "latency_ms": round(record.latency_ms, 3),
        "overhead_ms": round(record.overhead_ms, 3) if start == 0 else 0.0,
        "cold": record.cold,
        "status": 200,
    }


def error_line(
    *,
    prediction_id: str,
    time: str,
    model: str,
    version: int | None,
    variant: str,
    status: int,
    error_code: str,
    latency_ms: float,
    overhead_ms: float = 0.0,
    rollout: str = "",
) -> bytes:
    """Return the line of a request that was refused or failed; it holds nothing of the body."""
    return orjson.dumps(
        {
            "format_version": FORMAT_VERSION,
            "kind": "error",
            "id": prediction_id,
            "time": time,
            "model": model,
            "version": version,
            "variant": variant,
            "rollout": rollout,
            "status": status,
            "error_code": error_code,
            "latency_ms": round(latency_ms, 3),
            "overhead_ms": round(overhead_ms, 3),
        }
    )


def feedback_line(*, prediction_id: str, row: int, label: str | float | bool, time: str, model: str) -> bytes:
    """Return the line of one label that came back for a predicted row."""
    return orjson.dumps(
        {
            "format_version": FORMAT_VERSION,
            "kind": "feedback",
            "id": prediction_id,
            "row": row,
            "label": label,
            "time": time,
            "model": model,
        }
    )


def join_lines(lines: Sequence[bytes], largest: int = LARGEST_LINE + 1) -> list[bytes]:
    """Return newline-terminated records of whole lines, each at most `largest` bytes."""
    records: list[bytearray] = []
    for line in lines:
        if not records or len(records[-1]) + len(line) + 1 > largest:
            records.append(bytearray())
        records[-1] += line
        records[-1] += b"\n"
    return [bytes(record) for record in records]
