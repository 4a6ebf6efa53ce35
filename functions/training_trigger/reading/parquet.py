"""Parquet as raw text cells: each type becomes text that the grammar reads back as the same value."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from typing import TYPE_CHECKING

import duckdb

from modelloop.errors import DatasetRejectedError
from training_trigger import engine
from training_trigger.plan import check_rows
from training_trigger.reading.cells import literal
from training_trigger.reading.header import check_columns

if TYPE_CHECKING:
    from pathlib import Path

_AS_IS = ("VARCHAR", "TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT", "UTINYINT", "USMALLINT", "UINTEGER",
          "UBIGINT", "UHUGEINT", "BOOLEAN", "DATE", "UUID", "TIME", "ENUM")  # fmt: skip
_FRACTIONS = ("FLOAT", "DOUBLE", "DECIMAL")
_NAIVE = ("TIMESTAMP", "TIMESTAMP_S", "TIMESTAMP_MS", "TIMESTAMP_NS")
_INSTANT = "TIMESTAMP WITH TIME ZONE"


def source(connection: duckdb.DuckDBPyConnection, path: Path) -> tuple[tuple[str, ...], list[str], frozenset[str], str]:
    """Return the names, one SQL text expression a column, the nested columns and the SQL source of a Parquet file."""
    origin = f"read_parquet({literal(str(path))})"
    try:
        with engine.within_limits():
            described = connection.execute(f"DESCRIBE SELECT * FROM {origin}").fetchall()
            rows = connection.execute(f"SELECT count(*) FROM {origin}").fetchall()[0][0]  # the file's footer has it
    except duckdb.Error as error:
        raise DatasetRejectedError("the Parquet file is damaged or incomplete: write and upload it again") from error
    check_rows(rows)
    names = check_columns([row[0] for row in described])
    cells, nested = [], set()
    for raw, name, kind in zip((row[0] for row in described), names, (row[1] for row in described), strict=True):
        cell = _text('"' + raw.replace('"', '""') + '"', kind)
        cells.append(cell or "NULL::VARCHAR")
        if cell is None:
            nested.add(name)
    return names, cells, frozenset(nested), origin


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
