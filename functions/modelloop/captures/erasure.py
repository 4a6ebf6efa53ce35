"""Erase what is stored of one prediction: its rows in captures and index, its labels, copies to train on; counts stay.

Everything here is a function of one stored object. An object that holds nothing of the prediction comes back as it
was, byte for byte. A capture object that was rewritten begins with a mark, so that nobody counts its other rows twice.
"""

from __future__ import annotations

from hashlib import sha256
from typing import Any, NamedTuple

import orjson

from modelloop import clock
from modelloop.captures import packed
from modelloop.ids import MODEL_NAME, uuid7_ms

MARK = b'{"format_version":1,"kind":"rewritten"}'
_LISTS = ("predict", "proba")
_SHAPES = {"id": str, "model": str, "offset": int, "predict": list}

Place = tuple[str, str]


class Row(NamedTuple):
    """What to erase: a prediction's id and one of its rows (from 0), or all of them (None)."""

    id: str
    row: int | None

    def holds(self, identifier: object, at: object) -> bool:
        """Say whether a row of a prediction is to be erased."""
        return self.id == identifier and self.row in {None, at}

    def named_in(self, body: bytes) -> bool:
        """Say whether a text holds the prediction's id."""
        return self.id.encode() in body


class Rewritten(NamedTuple):
    """A capture object without the rows, the models and hours that it has index entries for, and what was erased."""

    body: bytes
    places: set[Place]
    rows: int = 0
    labels: int = 0
    lines: int = 0


def digest(model: str, identifier: str) -> str:
    """Return what the audit log keeps of an erased id: it answers whoever has the id, and nobody else."""
    return sha256(f"{model}\n{identifier}".encode()).hexdigest()


def hour_of(identifier: str) -> str | None:
    """Return the hour in which an id was made (YYYY-MM-DDTHH, UTC), or None when it is no id of ours."""
    made = uuid7_ms(identifier)
    try:
        return None if made is None else clock.from_ms(made)[:13]
    except (ValueError, OverflowError):
        return None


def captures(body: bytes, model: str, wanted: Row) -> Rewritten:
    """Return a capture or feedback object without the rows and labels; other records stay as they are.

    A line that names the prediction and is no record that can be taken apart, such as one that was quarantined, goes.
    """
    kept, places, counted = [MARK], set(), {"rows": 0, "labels": 0, "lines": 0}
    for line in packed.opened(body).read().split(b"\n"):
        record = _parsed(line)
        if place := _place(record):
            places.add(place)
        if not line or line == MARK:
            continue
        if not wanted.named_in(line) or _is_anothers(record, model, wanted):
            kept.append(line)
        elif record.get("kind") == "feedback":
            gone = _is_row(record, wanted)
            counted["labels"] += gone
            kept += [] if gone else [line]
        else:
            parts = _without(record, wanted) if place else None
            counted["rows" if parts else "lines"] += parts.gone if parts else 1
            kept += parts.lines if parts else []
    return Rewritten(b"\n".join([*kept, b""]), places, **counted)


def index(body: bytes, version_id: str | None) -> bytes:
    """Return an index object that names the capture object's new version."""
    head, separator, rest = body.partition(b"\n")
    document = orjson.loads(head)
    if document["version_id"] == version_id:
        return body
    return orjson.dumps(document | {"version_id": version_id}) + separator + rest


class Kept(NamedTuple):
    """What is left of an object, and how much of it was erased."""

    body: bytes
    gone: int


def entries(body: bytes, wanted: Row) -> Kept:
    """Return an index object without the rows."""
    kept, gone = [], 0
    for line in body.split(b"\n"):
        if not wanted.named_in(line):
            kept.append(line)
            continue
        parts = _without(_parsed(line), wanted)
        kept += parts.lines
        gone += parts.gone
    return Kept(b"\n".join(kept), gone)


def rows(body: bytes, wanted: Row) -> Kept:
    """Return lines of labels, or of labelled rows, without those of the rows."""
    lines = body.split(b"\n")
    kept = [line for line in lines if not wanted.named_in(line) or not _is_row(_parsed(line), wanted)]
    return Kept(b"\n".join(kept), len(lines) - len(kept))


def quarantine(body: bytes, wanted: Row) -> Kept:
    """Return a quarantine object whose quotes do not name the prediction; what was wrong with their lines stays."""
    kept, gone = [], 0
    for line in body.split(b"\n"):
        quote = _parsed(line)
        if wanted.named_in(line) and "text" in quote:
            line, gone = orjson.dumps(quote | {"text": ""}), gone + 1  # noqa: PLW2901
        kept.append(line)
    return Kept(b"\n".join(kept), gone)


class _Parts(NamedTuple):
    lines: list[bytes]
    gone: int


def _without(record: dict[str, Any], wanted: Row) -> _Parts:
    """Return what is left of a record or index entry, as lines: what is before the row, and what is after it."""
    start, stop = record["offset"], record["offset"] + len(record["predict"])
    if wanted.row is None:
        return _Parts([], stop - start)
    if not start <= wanted.row < stop:
        return _Parts([orjson.dumps(record)], 0)
    spans = ((start, wanted.row), (wanted.row + 1, stop))
    return _Parts([orjson.dumps(_part(record, low - start, high - start)) for low, high in spans if low < high], 1)


def _part(record: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
    """Return some rows of a capture record or index entry."""
    cut = {name: record[name] and record[name][start:stop] for name in _LISTS if name in record}
    tables: dict[str, Any] = {
        name: record[name] and {column: cells[start:stop] for column, cells in record[name].items()}
        for name in ("columns", "slices")
        if name in record
    }
    size = {"rows": stop - start, "unseen": {}} if "rows" in record else {}
    return record | {"offset": record["offset"] + start, **cut, **tables, **size}


def _is_row(document: dict[str, Any], wanted: Row) -> bool:
    return wanted.holds(document.get("id"), document.get("row"))


def _is_anothers(record: dict[str, Any], model: str, wanted: Row) -> bool:
    """Say whether a record that names the prediction is not about it, or has nothing of it but the id."""
    if record.get("model", model) != model or record.get("kind") == "error":
        return True
    return isinstance(record.get("id"), str) and record["id"] != wanted.id


def _place(record: dict[str, Any]) -> Place | None:
    """Return model and hour of a prediction that can be taken apart, or None."""
    if record.get("kind") != "prediction" or any(type(record.get(name)) is not kind for name, kind in _SHAPES.items()):
        return None
    columns = record.get("columns") or {}
    if type(columns) is not dict or any(type(cells) is not list for cells in columns.values()):
        return None
    hour = hour_of(record["id"])
    return (record["model"], hour) if hour and MODEL_NAME.fullmatch(record["model"]) else None


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
