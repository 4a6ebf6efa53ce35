"""What a capture record must be: a parsed line that is none gets a reason, never an exception."""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from operator import itemgetter
from typing import TYPE_CHECKING, Any, cast

from modelloop import clock
from modelloop.contracts.pointer import VARIANTS
from modelloop.ids import MODEL_NAME, are_uuid7, uuid7_ms
from modelloop.monitoring.summary import NO_VARIANT, NO_VERSION, SummaryKey

if TYPE_CHECKING:
    from collections.abc import Sequence

type Record = dict[str, Any]

FORMAT_VERSION = 1
LONGEST_MS = 900_000  # what a function may run
_ROLLOUT = re.compile(r"[0-9TZ]{1,24}")
_HOUR_MS = 3_600_000
_LAST_HOUR = 70_000_000  # in the year 9955: what lies beyond is no clock but garbage

_NUMBER = frozenset({int, float})
TYPES: dict[str, dict[str, frozenset[type]]] = {
    "prediction": {
        "id": frozenset({str}),
        "offset": frozenset({int}),
        "model": frozenset({str}),
        "version": frozenset({int}),
        "run_id": frozenset({str}),
        "variant": frozenset({str}),
        "rollout": frozenset({str, type(None)}),
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
        "rollout": frozenset({str, type(None)}),
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

_FIELDS = {kind: tuple(fields.items()) for kind, fields in TYPES.items()}
_TAKE = {kind: itemgetter(*fields) for kind, fields in TYPES.items()}
_FITTING = {kind: frozenset(product(*fields.values())) for kind, fields in TYPES.items()}


def fault(record: Any) -> str | None:
    """Say what keeps a parsed line from being a record; the lists in it are checked together, when they are counted."""
    if not is_ours(record):
        return f"not an object of format_version {FORMAT_VERSION}"
    kind = record.get("kind")
    if type(kind) is not str or kind not in _FIELDS:
        return "the kind is not one of prediction, error, feedback"
    if not _fits(kind, record):
        wrong = (name for name, types in _FIELDS[kind] if type(record.get(name)) not in types)
        return f"{next(wrong)} is missing or of a wrong type"
    if hour_of(record["id"]) is None or not is_model(record["model"]):
        return "the prediction id or the model name is not one of ours"
    if not is_rollout(record.get("rollout")):
        return "rollout is not one of ours"
    return _SHAPES[kind](record)


def is_ours(record: Any) -> bool:
    """Say whether a parsed line claims to be a record of the format that is read here."""
    return type(record) is dict and record.get("format_version") == FORMAT_VERSION


def hour_of(identifier: str) -> str | None:
    """Return the hour (UTC, YYYY-MM-DDTHH) in which an id was made, or None when it is no id of ours."""
    made = uuid7_ms(identifier)
    return None if made is None else _hour(made // _HOUR_MS)


def hour(record: Record) -> str:
    """Return the hour of a record without a fault."""
    return hour_of(record["id"]) or ""


def summary_key(record: Record) -> SummaryKey:
    """Return what an error record without a fault counts for; a request can fail before a version is chosen."""
    version, variant = record.get("version") or NO_VERSION, record.get("variant") or NO_VARIANT
    return SummaryKey(record["model"], hour(record), version, variant, record.get("rollout") or "")


def hours_of(identifiers: Sequence[str]) -> list[str] | None:
    """Return the hours of many ids, or None when one of them is no id of ours: the same, in a fifth of the time."""
    if not are_uuid7(identifiers):
        return None
    hours = [_hour_of_start(identifier[:8]) or hour_of(identifier) for identifier in identifiers]
    return None if None in hours else cast("list[str]", hours)


@lru_cache(10_000)
def is_model(name: str) -> bool:
    """Say whether a model can have that name."""
    return MODEL_NAME.fullmatch(name) is not None


def is_rollout(name: str | None) -> bool:
    """Say whether a rollout can have that name, or it is none."""
    return not name or _ROLLOUT.fullmatch(name) is not None


@lru_cache(10_000)
def _hour(hours: int) -> str | None:
    return None if hours > _LAST_HOUR else clock.from_ms(hours * _HOUR_MS)[:13]


@lru_cache(10_000)
def _hour_of_start(digits: str) -> str | None:
    """Return the hour of every id that starts with these eight digits (a minute of them), None when there are two."""
    first = int(digits, 16) << 16
    hour = first // _HOUR_MS
    return _hour(hour) if (first | 0xFFFF) // _HOUR_MS == hour else None


def _fits(kind: str, record: Record) -> bool:
    """Say whether every field has a type that it may have; null and missing are alike, as both say nothing."""
    try:
        return tuple(map(type, _TAKE[kind](record))) in _FITTING[kind]
    except KeyError:
        return all(type(record.get(name)) in types for name, types in _FIELDS[kind])


def _prediction_fault(record: Record) -> str | None:
    if record["variant"] not in VARIANTS:
        return "variant is not one of ours"
    if record["rows"] < 0 or record["offset"] < 0 or record["latency_ms"] < 0 or record["version"] < 1:
        return "rows, offset, latency_ms and version cannot be negative"
    return "latency_ms is longer than a function may run" if record["latency_ms"] > LONGEST_MS else None


def _error_fault(record: Record) -> str | None:
    variant = record.get("variant")
    return None if not variant or variant in VARIANTS else "variant is not one of ours"


def _feedback_fault(record: Record) -> str | None:
    return None if record["row"] >= 0 and _is_moment(record["time"]) else "row or time is not valid"


_SHAPES = {"prediction": _prediction_fault, "error": _error_fault, "feedback": _feedback_fault}


def _is_moment(text: str) -> bool:
    try:
        clock.to_ms(text)
    except (ValueError, OverflowError):
        return False
    return True
