"""What a capture record must be: a parsed line that is none gets a reason, never an exception.

The rules are those of `reader`, which checks many predictions a column at a time with the parts of this module.
"""

from __future__ import annotations

import re
from functools import lru_cache
from itertools import product
from operator import itemgetter
from typing import Any

from modelloop import clock
from modelloop.contracts.capture_record import ERROR, FEEDBACK, FORMAT_VERSION, PREDICTION
from modelloop.contracts.pointer import VARIANTS
from modelloop.ids import MODEL_NAME, hour_of

MAX_MS = 900_000  # what a function may run
NUMBERS = frozenset({int, float})
TYPES: dict[str, dict[str, frozenset[type]]] = {
    PREDICTION: {
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
        "latency_ms": NUMBERS,
    },
    ERROR: {
        "id": frozenset({str}),
        "model": frozenset({str}),
        "version": frozenset({int, type(None)}),
        "variant": frozenset({str, type(None)}),
        "rollout": frozenset({str, type(None)}),
        "status": frozenset({int}),
        "error_code": frozenset({str}),
    },
    FEEDBACK: {
        "id": frozenset({str}),
        "row": frozenset({int}),
        "model": frozenset({str}),
        "time": frozenset({str}),
        "label": frozenset({str, int, float, bool}),
    },
}

_ROLLOUT = re.compile(r"[0-9TZ]{1,24}")
_FIELDS = {kind: tuple(fields.items()) for kind, fields in TYPES.items()}
_TAKE = {kind: itemgetter(*fields) for kind, fields in TYPES.items()}
_FITTING = {kind: frozenset(product(*fields.values())) for kind, fields in TYPES.items()}


def fault(record: Any) -> str | None:
    """Return what keeps a parsed line from being a record, None when nothing does.

    The lists in a prediction are not looked into: whether they fit is a question of its version (`cells`).
    """
    if not is_ours(record):
        return f"not an object of format_version {FORMAT_VERSION}"
    kind = record.get("kind")
    if type(kind) is not str or kind not in _FIELDS:
        return "the kind is not one of prediction, error, feedback"
    if not _has_types(kind, record):
        wrong = (name for name, types in _FIELDS[kind] if type(record.get(name)) not in types)
        return f"{next(wrong)} is missing or of a wrong type"
    if hour_of(record["id"]) is None or not is_model(record["model"]):
        return "the prediction id or the model name is not one of ours"
    if not is_rollout(record.get("rollout")):
        return "rollout is not one of ours"
    return _FAULTS[kind](record)


def is_ours(record: Any) -> bool:
    """Return whether a parsed line claims to be a record of the format that is read here."""
    return type(record) is dict and record.get("format_version") == FORMAT_VERSION


@lru_cache(10_000)
def is_model(name: str) -> bool:
    """Return whether a model can have that name."""
    return MODEL_NAME.fullmatch(name) is not None


def is_rollout(name: Any) -> bool:
    """Return whether a rollout can have that name; None and "" stand for no rollout."""
    return not name or (type(name) is str and _ROLLOUT.fullmatch(name) is not None)


def is_moment(text: Any) -> bool:
    """Return whether a value is a moment, as the clock reads them."""
    try:
        clock.to_ms(text)
    except (TypeError, ValueError, OverflowError):
        return False
    return True


def duration_ms(value: Any) -> float:
    """Return milliseconds that an environment was busy; invalid durations count as 0."""
    return value if type(value) in NUMBERS and 0 <= value <= MAX_MS else 0.0


def _has_types(kind: str, record: Any) -> bool:
    """Return whether every field has a type that it may have; null and missing are alike."""
    try:
        return tuple(map(type, _TAKE[kind](record))) in _FITTING[kind]
    except KeyError:
        return all(type(record.get(name)) in types for name, types in _FIELDS[kind])


def _prediction_fault(record: Any) -> str | None:
    if record["variant"] not in VARIANTS:
        return "variant is not one of ours"
    if record["rows"] < 0 or record["offset"] < 0 or record["latency_ms"] < 0 or record["version"] < 1:
        return "rows, offset, latency_ms and version cannot be negative"
    return "latency_ms is longer than a function may run" if record["latency_ms"] > MAX_MS else None


def _error_fault(record: Any) -> str | None:
    variant = record.get("variant")
    return None if not variant or variant in VARIANTS else "variant is not one of ours"


def _feedback_fault(record: Any) -> str | None:
    return None if record["row"] >= 0 and is_moment(record["time"]) else "row or time is not valid"


_FAULTS = {PREDICTION: _prediction_fault, ERROR: _error_fault, FEEDBACK: _feedback_fault}
