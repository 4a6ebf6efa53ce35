"""From raw cells to the vector that every model sees: the same in training, serving and monitoring.

Every feature column becomes one or more float slots. Every slot value is representable as a 32-bit float, because
forests and ONNX see 32 bits: values are cast once, here. Missing is NaN in every slot of every kind.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from struct import Struct
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError, InvalidValueError, MissingColumnsError
from modelloop.tables import grammar
from modelloop.tables.block import Block
from modelloop.tables.readers import NAN, column_reader, typed_values

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from modelloop.json_types import JsonValue
    from modelloop.tables.readers import Reader

FORMAT_VERSION = 1
MAX_CATEGORIES = 254
YEAR_PARTS = ("year_sine", "year_cosine")
_DATE_PARTS = ("days", "month", "weekday")


@dataclass(frozen=True, slots=True)
class Slot:
    """One float of the vector. `kind` is number, category or value; slots of the latter hold codes 0 to `codes` - 1.

    A model takes a category as a set of codes. In place of a value's code it takes what it has learned of that value.
    """

    name: str
    column: str
    kind: str
    codes: int = 0


@dataclass(frozen=True, slots=True)
class Column:
    """A feature column: its kind and what encoding it needs.

    `categories` (text) are ordered by falling frequency in the training part; their position is their code, and
    the code after the last stands for rare and unseen ones. `by_value`: a text that is no category has the code of the
    one category of its value, if there is one: `1.0` that of `1`, and true that of `TRUE`. `by_target`: a text of many
    values, which models take as the mean of the target. `origin` (date) is the day
    that counts as zero; `with_time` and `day_of_year` say which parts of it are slots beside day, month and weekday.
    """

    name: str
    kind: str
    categories: tuple[str, ...] = ()
    origin: str | None = None
    with_time: bool = False
    required: bool = True
    by_value: bool = False
    day_of_year: bool = False
    by_target: bool = False

    def slots(self) -> tuple[Slot, ...]:
        """Return the slots of this column, in order."""
        if self.kind == "text":
            kind = "value" if self.by_target else "category"
            return (Slot(self.name, self.name, kind, len(self.categories) + 1),)
        if self.kind == "date":
            return tuple(Slot(f"{self.name}:{part}", self.name, "number") for part in self.date_parts)
        return (Slot(self.name, self.name, "number"),)

    @property
    def date_parts(self) -> tuple[str, ...]:
        """The parts of a date that have a slot each, in order."""
        hour = ("hour",) if self.with_time else ()
        return (*_DATE_PARTS, *hour, *(YEAR_PARTS if self.day_of_year else ()))

    @property
    def width(self) -> int:
        """How many slots this column has."""
        return len(self.date_parts) if self.kind == "date" else 1


class Table:
    """One vector a row, how many cells held a category never seen in training, and the typed values on demand.

    `block` is what engines take: the vectors as lists for one row, as a `Block` for many.
    """

    __slots__ = ("_cells", "_encoding", "block", "unseen")

    def __init__(
        self,
        encoding: Encoding,
        cells: Mapping[str, Sequence[object]],
        block: Sequence[list[float]],
        unseen: dict[str, int],
    ) -> None:
        self._encoding = encoding
        self._cells = cells
        self.block = block
        self.unseen = unseen

    @property
    def vectors(self) -> list[list[float]]:
        """The vectors as lists."""
        return list(self.block)

    @property
    def values(self) -> dict[str, list[grammar.Value]]:
        """Typed values by column, read again at each call: number, boolean, text, ISO date, or None for missing."""
        values: dict[str, list[grammar.Value]] = {}
        absent = [None] * len(self.block)
        for column in self._encoding.columns:
            raw = self._cells.get(column.name, absent)
            values[column.name] = typed_values(column, raw, self._encoding.missing)
        return values


class Encoding:
    """The ordered feature columns of a model and the way from raw cells to vectors."""

    def __init__(self, columns: Sequence[Column], missing: Sequence[str] = grammar.MISSING_TOKENS) -> None:
        self.columns = tuple(columns)
        self.missing = frozenset(missing) | {""}
        self._readers: list[tuple[str, Column, Reader]] = [
            (column.name, column, column_reader(column, self.missing)) for column in self.columns
        ]
        self._names = frozenset(column.name for column in self.columns)
        self._layout = Struct(f"{sum(column.width for column in self.columns)}f")

    @cached_property
    def slots(self) -> tuple[Slot, ...]:
        """The slots of the vector, in order."""
        return tuple(slot for column in self.columns for slot in column.slots())

    def read(self, rows: int, cells: Mapping[str, Sequence[object]]) -> Table:
        """Read raw cells, column by column, into vectors.

        Columns that the encoding does not know are ignored; spaces around a name and its Unicode form make no other
        name. Raises InvalidValueError naming field and row for a missing required column, one that is there in two
        spellings, a cell that its column's kind does not take, or a column of another length.
        """
        unseen: dict[str, int] = {}
        parts: list[list[float]] = []
        respelled = False
        for name, column, reader in self._readers:
            raw = cells.get(name)
            if raw is None and not respelled:
                respelled, cells = True, self._with_known_names(cells)
                raw = cells.get(name)
            if raw is None:
                if column.required:
                    raise missing_columns(self.columns, cells)
                parts += [[NAN] * rows] * column.width
                continue
            if len(raw) != rows:
                raise InvalidValueError(f"column {name!r} has {len(raw)} values for {rows} rows", field=name)
            unknown = reader(raw, parts)
            if unknown:
                unseen[name] = unknown
        return Table(self, cells, self._block(rows, parts), unseen)

    def _with_known_names(self, cells: Mapping[str, Sequence[object]]) -> Mapping[str, Sequence[object]]:
        """Return the cells under the names of this encoding where the sent ones differ in spelling only."""
        if self._names.issuperset(cells):
            return cells
        from modelloop.tables.names import other_spellings  # noqa: PLC0415  most requests spell names as the model does

        spellings = other_spellings(cells, self._names)
        return {spellings.get(name, name): column for name, column in cells.items()} if spellings else cells

    def _block(self, rows: int, parts: list[list[float]]) -> Sequence[list[float]]:
        """Cast to 32 bits, in as few calls as there can be."""
        if rows == 1:
            layout = self._layout
            return [list(layout.unpack(layout.pack(*[part[0] for part in parts])))]
        pack = Struct(f"{rows}f").pack
        return Block(rows, [pack(*part) for part in parts])

    def to_json(self) -> dict[str, JsonValue]:
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
                    **({"by_value": True} if column.by_value else {}),
                    **({"day_of_year": True} if column.day_of_year else {}),
                    **({"by_target": True} if column.by_target else {}),
                }
                for column in self.columns
            ],
        }


def missing_columns(columns: Sequence[Column], sent: Collection[str], *, row: int | None = None) -> MissingColumnsError:
    """Return the refusal of a request, or of one row of it, that has the columns `sent` and lacks required ones."""
    from modelloop.tables import column_names  # noqa: PLC0415  only requests that are refused pay for it

    return column_names.missing_columns(columns, sent, row=row)


def encoding_from_json(document: dict[str, Any]) -> Encoding:
    """Return a stored encoding; raise ArtifactRefusedError when it is not one that this release reads."""
    if document.get("format_version") != FORMAT_VERSION:
        version = document.get("format_version")
        raise ArtifactRefusedError(
            f"the encoding has format version {version!r}, and version {FORMAT_VERSION} can be read"
        )
    try:
        columns = [Column(**{**column, "categories": tuple(column["categories"])}) for column in document["columns"]]
        return Encoding(columns, document["missing"])
    except (KeyError, TypeError, ValueError) as error:
        raise ArtifactRefusedError(f"encoding is damaged: {error}") from error
