"""From the lines of a capture object to checked records: what is not one gets a reason, never an exception."""

from __future__ import annotations

import gzip
import io
import re
import zlib
from functools import lru_cache
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, BinaryIO, NamedTuple, cast

import orjson

from modelloop import clock
from modelloop.ids import MODEL_NAME, uuid7_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

type Record = dict[str, Any]

FORMAT_VERSION = 1
VARIANTS = frozenset({"champion", "challenger", "shadow", "pinned"})
LONGEST_MS = 900_000  # what a function may run
LONGEST_LINE = 16 << 20
_GZIP = b"\x1f\x8b"
_ROLLOUT = re.compile(r"[0-9TZ]{1,24}")
_HOUR_MS = 3_600_000
_LAST_HOUR = 70_000_000  # in the year 9955: what lies beyond is no clock but garbage

_NUMBER = frozenset({int, float})
_TYPES: dict[str, dict[str, frozenset[type]]] = {
    "prediction": {
        "id": frozenset({str}),
        "offset": frozenset({int}),
        "model": frozenset({str}),
        "version": frozenset({int}),
        "run_id": frozenset({str}),
        "variant": frozenset({str}),
        "rows": frozenset({int}),
        "columns": frozenset({dict, type(None)}),
        "predict": frozenset({list}),
        "proba": frozenset({list, type(None)}),
        "latency_ms": _NUMBER,
    },
    "error": {
        "id": frozenset({str}),
        "model": frozenset({str}),
        "version": frozenset({int, type(None)}),
        "variant": frozenset({str, type(None)}),
        "status": frozenset({int}),
        "error_code": frozenset({str}),
    },
    "feedback": {
        "id": frozenset({str}),
        "row": frozenset({int}),
        "model": frozenset({str}),
        "time": frozenset({str}),
        "label": frozenset({str, int, float, bool}),
    },
}


_FIELDS = {kind: tuple(fields.items()) for kind, fields in _TYPES.items()}
_TAKE = {kind: itemgetter(*fields) for kind, fields in _TYPES.items()}
_FITTING = {kind: frozenset(product(*fields.values())) for kind, fields in _TYPES.items()}


class Refused(NamedTuple):
    """A line that is no record, where it stood (from 1) and why it was refused."""

    line: int
    reason: str
    text: bytes


def read(body: bytes) -> Iterator[tuple[int, Record | Refused]]:
    """Yield every line of an object, plain or gzip, with its number, as a record or a refusal; memory is bounded."""
    number = 0
    try:
        for number, line in enumerate(_lines(_opened(body)), 1):
            if line.strip():
                yield number, _parsed(number, line)
    except (EOFError, OSError, zlib.error) as error:
        yield number + 1, Refused(number + 1, f"the object is cut off or damaged: {error}", b"")


def hour_of(identifier: str) -> str | None:
    """Return the hour (UTC, YYYY-MM-DDTHH) in which an id was made, or None when it is no id of ours."""
    made = uuid7_ms(identifier)
    if made is None or made // _HOUR_MS > _LAST_HOUR:
        return None
    hours = made // _HOUR_MS
    if hours not in _hours:
        if len(_hours) > 10_000:  # noqa: PLR2004  a year of hours: more is a stream of made-up ids
            _hours.clear()
        _hours[hours] = clock.from_ms(hours * _HOUR_MS)[:13]
    return _hours[hours]


_hours: dict[int, str] = {}


def _opened(body: bytes) -> BinaryIO:
    plain = io.BytesIO(body)
    return cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if body.startswith(_GZIP) else plain


def _lines(stream: BinaryIO) -> Iterator[bytes]:
    while line := stream.readline(LONGEST_LINE):
        yield line
        while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
            line = stream.readline(LONGEST_LINE)


def _parsed(number: int, line: bytes) -> Record | Refused:
    try:
        record = orjson.loads(line)
    except orjson.JSONDecodeError:
        return Refused(number, "not JSON", line)
    reason = _fault(record)
    return Refused(number, reason, line) if reason else record


def _fault(record: Any) -> str | None:
    if type(record) is not dict or record.get("format_version") != FORMAT_VERSION:
        return f"not an object of format_version {FORMAT_VERSION}"
    kind = record.get("kind")
    if type(kind) is not str or kind not in _FIELDS:
        return "the kind is not one of prediction, error, feedback"
    if not _fits(kind, record):
        wrong = (name for name, types in _FIELDS[kind] if type(record.get(name)) not in types)
        return f"{next(wrong)} is missing or of a wrong type"
    record["hour"] = hour_of(record["id"])
    if record["hour"] is None or not _is_model(record["model"]):
        return "the prediction id or the model name is not one of ours"
    if record.get("rollout") and not _is_rollout(record["rollout"]):
        return "rollout is not one of ours"
    return _SHAPES[kind](record)


def _fits(kind: str, record: Record) -> bool:
    """Say whether every field has a type that it may have; null and missing are alike, as both say nothing."""
    try:
        return tuple(map(type, _TAKE[kind](record))) in _FITTING[kind]
    except KeyError:
        return all(type(record.get(name)) in types for name, types in _FIELDS[kind])


def _prediction_fault(record: Record) -> str | None:
    """Say what is wrong with the scalars; the lists are checked together, when they are counted."""
    if record["variant"] not in VARIANTS:
        return "variant is not one of ours"
    if record["rows"] < 0 or record["offset"] < 0 or record["latency_ms"] < 0 or record["version"] < 1:
        return "rows, offset, latency_ms and version cannot be negative"
    return "latency_ms is longer than a function may run" if record["latency_ms"] > LONGEST_MS else None


def _error_fault(record: Record) -> str | None:
    return None if not record["variant"] or record["variant"] in VARIANTS else "variant is not one of ours"


def _feedback_fault(record: Record) -> str | None:
    return None if record["row"] >= 0 and _is_moment(record["time"]) else "row or time is not valid"


_SHAPES = {"prediction": _prediction_fault, "error": _error_fault, "feedback": _feedback_fault}


@lru_cache(10_000)
def _is_model(name: str) -> bool:
    return MODEL_NAME.fullmatch(name) is not None


def _is_rollout(name: Any) -> bool:
    return type(name) is str and _ROLLOUT.fullmatch(name) is not None


def _is_moment(text: str) -> bool:
    try:
        clock.to_ms(text)
    except (ValueError, OverflowError):
        return False
    return True
