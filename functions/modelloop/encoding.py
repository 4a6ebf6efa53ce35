"""From typed cells to the vector that every model sees: the same in training, serving and monitoring.

Every feature column becomes one or more float slots. Every slot value is representable as a 32-bit float, because
forests and ONNX see 32 bits: values are cast once, here. Missing is NaN in every slot of every kind.
"""

from __future__ import annotations

import struct
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property
from typing import TYPE_CHECKING, Any

from modelloop import grammar
from modelloop.errors import ArtifactRefusedError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

FORMAT_VERSION = 1
MOST_CATEGORIES = 254
NAN = float("nan")
KINDS = ("number", "boolean", "date", "text")


@dataclass(frozen=True, slots=True)
class Slot:
    """One float of the vector. `kind` is number or category; a category slot holds codes 0 to `codes` - 1."""

    name: str
    column: str
    kind: str
    codes: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A feature column: its kind and what encoding it needs.

    `categories` (text) are ordered by falling frequency in the training part; their position is their code, and
    the code after the last stands for rare and unseen ones. `origin` (date) is the day that counts as zero.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    origin: str | None = None
    with_time: bool = False
    required: bool = True

    def slots(self) -> tuple[Slot, ...]:
        """Return the slots of this column, in order."""
        if self.kind == "text":
            return (Slot(self.name, self.name, "category", len(self.categories) + 1),)
        if self.kind == "date":
            parts = ("days", "month", "weekday", "hour")[: 4 if self.with_time else 3]
            return tuple(Slot(f"{self.name}:{part}", self.name, "number") for part in parts)
        return (Slot(self.name, self.name, "number"),)


class Encoding:
    """The ordered feature columns of a model and the way from raw cells to vectors."""

    def __init__(self, columns: Sequence[Column], missing: Sequence[str] = grammar.MISSING_TOKENS) -> None:
        self.columns = tuple(columns)
        self.missing = frozenset(missing) | {""}
        self._readers = [(column, _reader(column)) for column in self.columns]

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The slots of the vector, in order."""
        return tuple(slot for column in self.columns for slot in column.slots())

    def read(self, rows: int, cells: Mapping[str, Sequence[object]]) -> Table:
        """Read raw cells, column by column, into typed values and vectors.

        Columns that the encoding does not know are ignored. Raises InvalidValueError naming field and row for a
        missing required column or a cell that its column's kind does not take.
        """
        values: dict[str, list[grammar.Value]] = {}
        unseen: dict[str, int] = {}
        parts: list[list[float]] = []
        for column, encode in self._readers:
            raw = cells.get(column.name)
            if raw is None:
                if column.required:
                    raise InvalidValueError(f"column {column.name!r} is missing", field=column.name)
                raw = [None] * rows
            values[column.name], slots, unknown = encode(raw, self.missing)
            parts.extend(slots)
            if unknown:
                unseen[column.name] = unknown
        return Table(values=values, vectors=_transpose(rows, parts), unseen=unseen)

    def to_json(self) -> dict[str, Any]:
        """Return the document that manifests and bundles carry."""
        return {
            "format_version": FORMAT_VERSION,
            "missing": sorted(self.missing),
            "columns": [
                {
                    "name": column.name,
                    "kind": column.kind,
                    "categories": list(column.categories),
                    "origin": column.origin,
                    "with_time": column.with_time,
                    "required": column.required,
                }
                for column in self.columns
            ],
        }


@dataclass(frozen=True, slots=True)
class Table:
    """Typed values by column, one vector a row, and how many cells held a category never seen in training."""

    values: dict[str, list[grammar.Value]]
    vectors: list[list[float]]
    unseen: dict[str, int]


def encoding_from_json(document: dict[str, Any]) -> Encoding:
    """Read a stored encoding; raise ArtifactRefusedError when it is not one."""
    if document.get("format_version") != FORMAT_VERSION:
        raise ArtifactRefusedError(f"encoding of format {document.get('format_version')!r}")
    columns = [Column(**{**column, "categories": tuple(column["categories"])}) for column in document["columns"]]
    return Encoding(columns, document["missing"])


type _Read = tuple[list[grammar.Value], list[list[float]], int]
type _Reader = Callable[[Sequence[object], frozenset[str]], _Read]


def _reader(column: Column) -> _Reader:
    def read(raw: Sequence[object], missing: frozenset[str]) -> _Read:
        return {"number": _numbers, "boolean": _booleans, "date": _dates, "text": _texts}[column.kind](
            column, raw, missing
        )

    return read


def _cells[T](
    column: Column,
    raw: Sequence[object],
    missing: frozenset[str],
    read: Callable[[object, frozenset[str]], T],
) -> list[T]:
    cells: list[T] = []
    try:
        for cell in raw:
            cells.append(read(cell, missing))  # noqa: PERF401  the error must know how far the loop came
    except InvalidValueError as error:
        error.field, error.row = column.name, len(cells)
        raise
    return cells


def _numbers(column: Column, raw: Sequence[object], missing: frozenset[str]) -> _Read:
    numbers = _cells(column, raw, missing, grammar.read_number)
    floats = _float32(column, [NAN if number is None else number for number in numbers])
    values: list[grammar.Value] = [None if value != value else value for value in floats]  # noqa: PLR0124  NaN
    return values, [floats], 0


def _booleans(column: Column, raw: Sequence[object], missing: frozenset[str]) -> _Read:
    values: list[grammar.Value] = list(_cells(column, raw, missing, grammar.read_boolean))
    return values, [[NAN if value is None else float(value) for value in values]], 0


def _texts(column: Column, raw: Sequence[object], missing: frozenset[str]) -> _Read:
    codes = {category: float(code) for code, category in enumerate(column.categories)}
    other = float(len(codes))
    values: list[grammar.Value] = list(_cells(column, raw, missing, grammar.read_text))
    slot = [NAN if value is None else codes.get(value, other) for value in values]  # type: ignore[arg-type]
    return values, [slot], slot.count(other)


def _dates(column: Column, raw: Sequence[object], missing: frozenset[str]) -> _Read:
    moments = _cells(column, raw, missing, grammar.read_date)
    origin = date.fromisoformat(column.origin or "1970-01-01").toordinal()
    parts = [_date_parts(moment, origin) for moment in moments]
    values: list[grammar.Value] = [None if moment is None else _iso(moment, column) for moment in moments]
    return values, [list(slot) for slot in zip(*parts, strict=True)][: len(column.slots())], 0


def _date_parts(moment: datetime | None, origin: int) -> tuple[float, float, float, float]:
    if moment is None:
        return NAN, NAN, NAN, NAN
    return (
        float(moment.toordinal() - origin),
        float(moment.month),
        float(moment.weekday()),
        float(moment.hour),
    )


def _iso(moment: datetime, column: Column) -> str:
    return moment.astimezone(UTC).isoformat() if column.with_time else moment.date().isoformat()


def _float32(column: Column, numbers: list[float]) -> list[float]:
    layout = struct.Struct(f"{len(numbers)}f")
    try:
        return list(layout.unpack(layout.pack(*numbers)))
    except OverflowError as error:
        row = next(row for row, number in enumerate(numbers) if abs(number) > _LARGEST)
        raise InvalidValueError(
            "the number is beyond the range of a 32-bit float", field=column.name, row=row
        ) from error


_LARGEST = struct.unpack("f", b"\xff\xff\x7f\x7f")[0]


def _transpose(rows: int, parts: list[list[float]]) -> list[list[float]]:
    return [list(vector) for vector in zip(*parts, strict=True)] if parts else [[] for _ in range(rows)]
