"""Generated tables of mixed columns, of any length, width and number of classes: the same bytes for the same shape."""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any
from zlib import crc32

import duckdb
import numpy as np

from modelloop_stack.build.paths import ROOT

FOLDER = ROOT / ".local" / "bench" / "tables"
CHUNK = 250_000
MIXED = ("number", "number", "whole", "text", "number", "number", "text", "date", "boolean", "number")
NUMBERS = ("number",)
CATEGORIES = (4, 12, 60, 200)
TELLING = 6  # columns that the target follows
MISSING = 0.03


@dataclass(frozen=True, slots=True)
class Shape:
    """How a table looks: `kinds` repeats over the columns, the target comes last; `classes` is 0 for regression."""

    rows: int
    columns: int = 20
    classes: int = 2
    kinds: tuple[str, ...] = MIXED


def make(shape: Shape) -> Path:
    """Return the table as CSV; what was written before, by this very code, is kept."""
    version = crc32(Path(__file__).read_bytes() + repr(shape).encode())
    path = FOLDER / f"{shape.rows}x{shape.columns}-{shape.classes}-{version:08x}.csv"
    if not path.exists():
        FOLDER.mkdir(parents=True, exist_ok=True)
        part = path.with_suffix(f".{os.getpid()}")
        with part.open("wb") as sink, duckdb.connect(config={"threads": 2}) as connection:
            for start in range(0, shape.rows, CHUNK):
                sink.write(_chunk(connection, shape, start, Path(f"{part}.chunk")))
        part.rename(path)
    return path


def _chunk(connection: duckdb.DuckDBPyConnection, shape: Shape, start: int, scratch: Path) -> bytes:
    rows = min(CHUNK, shape.rows - start)
    generator = np.random.default_rng([start, shape.columns, shape.classes])
    cells: dict[str, Any] = {}
    written = []
    for place in range(shape.columns):
        kind = shape.kinds[place % len(shape.kinds)]
        cells[f"r{place}"], text = _column(kind, place, rows, generator)
        written.append(f"CASE WHEN isnan(r{place}) THEN NULL ELSE {text} END AS {kind}_{place}")
    cells["r"] = _target(cells, shape, generator)
    target = "round(r, 4)" if not shape.classes else "'class ' || r::INTEGER"
    connection.register("raw", cells)
    connection.execute(
        f"COPY (SELECT {', '.join(written)}, {target} AS target FROM raw) TO '{scratch}'"
        f" (FORMAT csv, HEADER {start == 0})"
    )
    connection.unregister("raw")
    body = scratch.read_bytes()
    scratch.unlink()
    return body


def _column(kind: str, place: int, rows: int, generator: np.random.Generator) -> tuple[Any, str]:
    """Return what a column's cells are made of, with gaps, and the SQL of their text."""
    cell = f"r{place}"
    if kind == "number":
        found, text = generator.normal(size=rows), f"round({cell}, 6)"
    elif kind == "whole":
        found, text = generator.integers(0, 20_000, rows).astype(float), f"{cell}::INTEGER"
    elif kind == "text":
        many = CATEGORIES[place // 3 % len(CATEGORIES)]
        found, text = np.floor(many * generator.random(rows) ** 2), f"'district ' || {cell}::INTEGER"
    elif kind == "boolean":
        found, text = generator.integers(0, 2, rows).astype(float), f"({cell} = 1)"
    else:
        found = generator.integers(0, 2_000_000, rows).astype(float)
        text = f"strftime(TIMESTAMP '2020-01-01' + to_minutes({cell}::BIGINT), '%Y-%m-%d %H:%M')"
    found[generator.random(rows) < MISSING] = np.nan
    return found, text


def _target(cells: dict[str, Any], shape: Shape, generator: np.random.Generator) -> Any:
    """Follow the first columns, bent and crossed, under noise: learnable, and never perfectly."""
    columns = [np.nan_to_num(_scaled(cells[f"r{place}"])) for place in range(min(TELLING, shape.columns))]
    crossed = [first * second for first, second in pairwise(columns)]
    bent = np.column_stack([*columns, *crossed, *map(np.abs, columns)])
    weights = np.random.default_rng(shape.columns).normal(size=(bent.shape[1], max(1, shape.classes)))
    score = bent @ weights + generator.gumbel(size=(len(bent), weights.shape[1]))
    return score.argmax(axis=1).astype(float) if shape.classes else score[:, 0]


def _scaled(values: Any) -> Any:
    return (values - np.nanmean(values)) / np.nanstd(values)
