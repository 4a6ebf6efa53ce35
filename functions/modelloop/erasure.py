"""Erase what one prediction was asked with: captured features, slices in the index, labelled rows; counts stay.

A capture object that was rewritten begins with a mark, so that nobody counts its other rows twice.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelloop import clock, packed
from modelloop.ids import MODEL_NAME, uuid7_ms

if TYPE_CHECKING:
    from collections.abc import Iterator

MARK = b'{"format_version":1,"kind":"rewritten"}'

type Place = tuple[str, str]


class Row(NamedTuple):
    """What to erase: a prediction's id and one of its rows (from 0), or all of them (None)."""

    id: str
    row: int | None

    def holds(self, at: int) -> bool:
        """Say whether this row is to be erased."""
        return self.row is None or self.row == at


class Rewritten(NamedTuple):
    """A capture object without the row's features, the models and hours it has index entries for, and rows erased."""

    body: bytes
    places: set[Place]
    rows: int


def hour_of(identifier: str) -> str | None:
    """Return the hour in which an id was made (YYYY-MM-DDTHH, UTC), or None when it is no id of ours."""
    made = uuid7_ms(identifier)
    try:
        return None if made is None else clock.from_ms(made)[:13]
    except (ValueError, OverflowError):
        return None


def captures(body: bytes, model: str, wanted: Row) -> Rewritten:
    """Return a capture object without the features of a row; every other line stays as it is, what is no record too."""
    kept, places, rows = [MARK], set(), 0
    for line in packed.opened(body).read().split(b"\n"):
        record = _parsed(line)
        if place := _place(record):
            places.add(place)
        if not line or line == MARK:
            continue
        if not place or record["model"] != model or record["id"] != wanted.id:
            kept.append(line)
            continue
        parts = list(_parts(record, wanted))
        kept += [orjson.dumps(part) for part in parts]
        rows += sum(part["rows"] for part in parts if wanted.holds(part["offset"])) if record["columns"] else 0
    return Rewritten(b"\n".join([*kept, b""]), places, rows)


def index(body: bytes, version_id: str | None, wanted: Row) -> bytes:
    """Return an index object that names the capture object's new version and holds no slices of the row."""
    head, *lines = body.split(b"\n")
    document = orjson.loads(head) | {"version_id": version_id}
    return b"\n".join([orjson.dumps(document), *(_entry(line, wanted) for line in lines)])


def labelled(body: bytes, wanted: Row) -> bytes:
    """Return labelled rows without the erased ones."""
    lines = [line for line in body.split(b"\n") if line]
    kept = [line for line in lines if (row := orjson.loads(line))["id"] != wanted.id or not wanted.holds(row["row"])]
    return b"".join(line + b"\n" for line in kept)


def _entry(line: bytes, wanted: Row) -> bytes:
    entry = _parsed(line)
    if entry.get("id") != wanted.id:
        return line
    at = [entry["offset"] + place for place in range(len(entry["predict"]))]
    if not any(map(wanted.holds, at)):
        return line
    slices = {
        name: [None if wanted.holds(row) else cell for row, cell in zip(at, cells, strict=True)]
        for name, cells in (entry["slices"] or {}).items()
    }
    return orjson.dumps(entry | {"slices": slices or None, "erased": True})


def _parts(record: dict[str, Any], wanted: Row) -> Iterator[dict[str, Any]]:
    """Yield the record without features, or, for one of its rows, what is before it, the row alone, what is after."""
    size = record["rows"]
    at = None if wanted.row is None else wanted.row - record["offset"]
    if at is None:
        yield record | {"columns": None, "unseen": {}}
    elif not 0 <= at < size:
        yield record
    else:
        for start, stop in ((0, at), (at, at + 1), (at + 1, size)):
            if start < stop:
                part = _part(record, start, stop)
                yield part | ({"columns": None} if start == at else {})


def _part(record: dict[str, Any], start: int, stop: int) -> dict[str, Any]:
    columns, proba = record["columns"], record["proba"]
    return record | {
        "offset": record["offset"] + start,
        "rows": stop - start,
        "columns": None if columns is None else {name: cells[start:stop] for name, cells in columns.items()},
        "unseen": {},
        "predict": record["predict"][start:stop],
        "proba": None if proba is None else proba[start:stop],
    }


def _place(record: dict[str, Any]) -> Place | None:
    if record.get("kind") != "prediction" or not {"id", "model", "columns", "rows", "offset"} <= record.keys():
        return None
    hour = hour_of(str(record["id"]))
    return (record["model"], hour) if hour and MODEL_NAME.fullmatch(str(record["model"])) else None


def _parsed(line: bytes) -> dict[str, Any]:
    try:
        found = orjson.loads(line)
    except orjson.JSONDecodeError:
        return {}
    return found if isinstance(found, dict) else {}
