"""Parquet as raw text cells: each type becomes text that the grammar reads back as the same value.

Columns are taken by their place and named as the file's schema names them: the engine would rename those that differ
from another in case only.
"""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import duckdb

from modelloop.errors import DatasetRejectedError
from training_trigger import engine
from training_trigger.plan import check_rows
from training_trigger.reading.cells import literal
from training_trigger.reading.formats import NUL
from training_trigger.reading.plaintext import ALWAYS_ALLOWED, MAX_RATIO

if TYPE_CHECKING:
    from pathlib import Path

MAX_MEAN_TEXT = 256  # bytes a cell: what a table of many short texts may hold, however well it is compressed

_AS_IS = ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
          "UBIGINT", "UHUGEINT", "BOOLEAN", "DATE", "UUID", "TIME", "ENUM")  # fmt: skip
_HAS_NUL = "contains(p{place}, chr(0))"
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
_INSTANT = "TIMESTAMP WITH TIME ZONE"


@dataclass(frozen=True, slots=True)
class Source:
    """The raw names of the columns, the SQL text expression of each (None of nested ones), and the SQL to read from.

    `index` are the raw names of the columns that pandas wrote as the table's index.
    """

    names: list[str]
    cells: list[str | None]
    origin: str
    index: frozenset[str]


def source(connection: duckdb.DuckDBPyConnection, path: Path) -> Source:
    """Return what a Parquet file holds; raise DatasetRejectedError when it is damaged or larger than can be read."""
    file = literal(str(path))
    read = f"read_parquet({file}, hive_partitioning = false)"
    try:
        with engine.within_limits():
            kinds = [row[1] for row in connection.execute(f"DESCRIBE SELECT * FROM {read}").fetchall()]
            rows = connection.execute(f"SELECT count(*) FROM {read}").fetchall()[0][0]  # the file's footer has it
            names = _names(connection, file)
            sizes = f"SELECT coalesce(sum(total_uncompressed_size), 0)::BIGINT FROM parquet_metadata({file})"
            unpacked = connection.execute(sizes).fetchall()[0][0]
            metadata = connection.execute(f"SELECT key, value FROM parquet_kv_metadata({file})").fetchall()
            check_rows(rows)
            size = path.stat().st_size
            _check_unpacked(unpacked, size, 0)
            aliases = ", ".join(f"p{place}" for place in range(len(kinds)))
            found = Source(names, [_text(f"p{place}", kind) for place, kind in enumerate(kinds)],
                           f"{read} AS parquet({aliases})", _index(metadata))  # fmt: skip
            texts = [place for place, kind in enumerate(kinds) if kind == "VARCHAR"]
            length, has_nul = _text_facts(connection, found.origin, texts)
            _check_unpacked(length, size, rows * len(texts))
            if has_nul:
                _refuse_nul(connection, found, texts)
    except duckdb.Error as error:
        raise DatasetRejectedError("the Parquet file is damaged or incomplete: write and upload it again") from error
    if len(names) != len(kinds):
        raise DatasetRejectedError("the Parquet file has columns without a type: write it again")
    return found


def _names(connection: duckdb.DuckDBPyConnection, file: str) -> list[str]:
    """Return the names of the top-level columns: the schema lists every column before the parts of it."""
    listed = connection.execute(f"SELECT name, coalesce(num_children, 0) FROM parquet_schema({file})").fetchall()
    names, inside = [], 0
    for name, children in listed[1:]:  # the first is the table itself
        if not inside:
            names.append(name)
        inside = max(inside - 1, 0) + children
    return names


def _index(metadata: list[tuple[Any, Any]]) -> frozenset[str]:
    """Return the columns that the file's pandas metadata, if it has any, lists as index."""
    for key, value in metadata:
        if bytes(key) == b"pandas":
            try:
                listed = json.loads(bytes(value))["index_columns"]
                return frozenset(name for name in listed if isinstance(name, str))
            except (ValueError, KeyError, TypeError):  # written by hand: then it lists nothing
                return frozenset()
    return frozenset()


def _text_facts(connection: duckdb.DuckDBPyConnection, origin: str, places: list[int]) -> tuple[int, bool]:
    """Return the bytes of all texts, which a dictionary of few long ones hides from the file's metadata.

    With that, whether any of them holds the character NUL, at which normalising would end a text.
    """
    if not places:
        return 0, False
    lengths = " + ".join(f"coalesce(sum(strlen(p{place})), 0)" for place in places)
    nul = " OR ".join(f"coalesce(bool_or({_HAS_NUL.format(place=place)}), false)" for place in places)
    length, has_nul = connection.execute(f"SELECT {lengths}, {nul} FROM {origin}").fetchall()[0]
    return int(length), bool(has_nul)


def _refuse_nul(connection: duckdb.DuckDBPyConnection, found: Source, places: list[int]) -> None:
    for place in places:
        numbered = f"SELECT row_number() OVER () AS r, {_HAS_NUL.format(place=place)} AS held FROM {found.origin}"
        row = connection.execute(f"SELECT min(r) FROM ({numbered}) WHERE held").fetchall()[0][0]
        if row is not None:
            name = found.names[place]
            raise DatasetRejectedError(f"row {row:,} of column {name!r}: {NUL}", field=name, row=int(row))


def _check_unpacked(unpacked: int, size: int, texts: int) -> None:
    allowed = max(ALWAYS_ALLOWED, size * MAX_RATIO, texts * MAX_MEAN_TEXT)
    if unpacked > allowed:
        raise DatasetRejectedError(
            f"the Parquet file has {unpacked >> 20:,} MiB when unpacked, and {allowed >> 20:,} MiB are read of one of "
            "its size: upload fewer rows, or shorter texts"
        )


def _text(column: str, kind: str) -> str | None:
    base = kind.partition("(")[0]
    if kind.endswith("]"):
        return None
    if base in _AS_IS:
        return f"{column}::VARCHAR"
    if base in _FRACTIONS:
        value = f"{column}::DOUBLE"
        whole = f"isfinite({value}) AND {value} = trunc({value}) AND abs({value}) < 1e15"
        return (
            f"CASE WHEN isnan({value}) THEN NULL WHEN {whole} THEN {value}::BIGINT::VARCHAR ELSE {value}::VARCHAR END"
        )
    if base in _NAIVE:
        return f"strftime({column}::TIMESTAMP, '%Y-%m-%dT%H:%M:%S.%f')"
    if base == _INSTANT:
        return f"strftime(timezone('UTC', {column}), '%Y-%m-%dT%H:%M:%S.%fZ')"
    return None
