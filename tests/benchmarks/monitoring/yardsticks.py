"""The same histograms by other means: a plain loop over parsed lines, and DuckDB's JSON reader. One core each.

Neither checks what it reads, recognises repetitions, or keeps an index: they only count.
"""

from __future__ import annotations

import json
import time
from bisect import bisect_left
from collections import Counter
from typing import TYPE_CHECKING, Any

import duckdb

from tests.benchmarks.monitoring.corpus import NUMBERS, manifest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelloop.contracts.baseline import BaselineColumn

type Histograms = dict[str, list[int]]

_SQL_TYPES = {"number": "DOUBLE[]", "boolean": "BOOLEAN[]", "date": "DATE[]", "text": "VARCHAR[]"}


def measure(counting: Callable[[Path], tuple[int, Histograms]], path: Path) -> tuple[float, Histograms]:
    """Return rows a processor second, and what was counted."""
    start = time.process_time()
    rows, found = counting(path)
    return rows / (time.process_time() - start), found


def plain(path: Path) -> tuple[int, Histograms]:
    """Count the rows and every column's cells with the standard library alone."""
    columns = manifest().baseline.columns
    edges = {column.name: column.bins.edges or () for column in columns if column.kind == "number"}
    found: dict[str, Counter[Any]] = {column.name: Counter() for column in columns}
    rows = 0
    with path.open("rb") as file:
        for line in file:
            record = json.loads(line)
            rows += record["rows"]
            for name, cells in record["columns"].items():
                if name in edges:
                    bounds = edges[name]
                    found[name].update([None if cell is None else bisect_left(bounds, cell) for cell in cells])
                else:
                    found[name].update(cells)
    return rows, {name: [found[name][at] for at in range(len(edges[name]) + 1)] for name in NUMBERS}


def by_duckdb(path: Path) -> tuple[int, Histograms]:
    """Count the rows and every column's cells in one query, on one thread, in at most a gigabyte."""
    columns = manifest().baseline.columns
    fields = ", ".join(f'"{column.name}" {_SQL_TYPES[column.kind]}' for column in columns)
    cells = ", ".join(f'unnest(columns."{column.name}") AS "{column.name}"' for column in columns)
    counts = ", ".join(_counted(column) for column in columns)
    with duckdb.connect(config={"threads": 1, "memory_limit": "1GB"}) as connection:
        row = connection.execute(
            f"""
            SELECT count(*), {counts} FROM (SELECT {cells} FROM read_json(
                '{path}', format = 'newline_delimited', columns = {{columns: 'STRUCT({fields})'}}))
            """
        ).fetchone()
    assert row is not None
    names = [column.name for column in columns]
    counted = dict(zip(names, row[1:], strict=True))
    return row[0], {name: list(counted[name].values()) for name in NUMBERS}


def _counted(column: BaselineColumn) -> str:
    if column.kind != "number":
        return f'histogram("{column.name}")'
    bounds = ", ".join(f"{edge!r}::DOUBLE" for edge in [*(column.bins.edges or ()), float("inf")]).replace(
        "inf", "'inf'"
    )
    return f'histogram("{column.name}", [{bounds}])'
