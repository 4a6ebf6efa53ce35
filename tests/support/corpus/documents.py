"""JSON and Parquet as programs write them."""

from __future__ import annotations

import gzip
import json
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

import duckdb

from tests.support.corpus.spellings import PEOPLE
from tests.support.corpus.tables import KINDS, Table, by_json, from_rows, table

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from tests.support.corpus.tables import Row

PLAIN = [row | {"day": row["day"].isoformat()} for row in PEOPLE]
INDEX = '{"index_columns": ["__index_level_0__"], "columns": []}'


def lines(rows: Sequence[Row], **options: Any) -> str:
    return "".join(json.dumps(row, **{"ensure_ascii": False} | options) + "\n" for row in rows)


def _json(name: str, source: str, text: str | bytes, **facts: Any) -> Table:
    return table(name, source, text, facts.pop("reader", by_json), **{"file": "t.jsonl"} | facts)


def _gzipped(body: bytes) -> tuple[list[str], list[list[Any]]]:
    return by_json(gzip.decompress(body))


def _changed(**change: Callable[[Any], Any]) -> list[Row]:
    return [row | {name: way(row[name]) for name, way in change.items()} for row in PLAIN]


def _without(rows: Sequence[Row], name: str, every: int) -> list[Row]:
    return [{key: cell for key, cell in row.items() if key != name or (at + 1) % every} for at, row in enumerate(rows)]


JSON = [
    _json("to_json(orient='records', lines=True)", "pandas", lines(PLAIN)),
    _json("letters escaped", "pandas", lines(PLAIN, ensure_ascii=True)),
    _json("missing values as null", "pandas", lines(_changed(size=lambda value: value if value > 100 else None))),
    _json(
        "missing values as NaN", "Python", lines(_changed(size=lambda value: value if value > 100 else float("nan")))
    ),
    _json("gzip", "BigQuery", gzip.compress(lines(PLAIN).encode()), file="t.jsonl.gz", reader=_gzipped),
    _json("named .json", "Spark", lines(PLAIN), file="part-00000.json"),
    _json("named .ndjson", "Elasticsearch", lines(PLAIN), file="t.ndjson"),
    _json("whole numbers as text", "BigQuery", lines(_changed(count=str))),
    _json("keys left out where they have no value", "Spark", lines(_without(PLAIN, "size", 7))),
    _json("a byte order mark", "PowerShell", lines(PLAIN).encode("utf-8-sig")),
    _json("line ends of Windows", "PowerShell", lines(PLAIN).replace("\n", "\r\n")),
    _json("blank lines between", "jq", lines(PLAIN).replace("\n", "\n\n")),
    _json("spaces between", "jq", lines(PLAIN, separators=(" , ", " : "))),
    _json(
        "keys in another order in each line",
        "a service",
        lines(
            [
                row if at % 2 == 0 else dict(sorted(row.items(), key=lambda pair: (pair[0] == "y", pair[0])))
                for at, row in enumerate(PLAIN)
            ]
        ),
    ),
    _json(
        "a nested object",
        "MongoDB",
        lines([{"place": {"lat": at}, **row} for at, row in enumerate(PLAIN)]),
        kinds={"place": "none"} | KINDS,
        unused=("place",),
    ),
    _json(
        "a list",
        "MongoDB",
        lines([{"tags": ["a"], **row} for row in PLAIN]),
        kinds={"tags": "none"} | KINDS,
        unused=("tags",),
    ),
    _json(
        "whole numbers beyond 64 bits",
        "Python",
        lines(_changed(count=lambda count: 10**20 + count % 2)),
        kinds=KINDS | {"count": "text"},
    ),
    _json(
        "the character NUL",
        "a service",
        lines([*PLAIN[:7], PLAIN[7] | {"city": "Lyon\0"}, *PLAIN[8:]]),
        refused="line 8, 'city': the cell holds the character NUL",
    ),
    _json("booleans as text", "a service", lines(_changed(member=lambda value: str(value).lower()))),
    _json(
        "booleans as labels",
        "a service",
        lines(_changed(y=lambda value: value == "yes")),
        kinds=KINDS | {"y": "boolean"},
    ),
    _json(
        "numbers as labels",
        "a service",
        lines(_changed(y=lambda value: 1 if value == "yes" else 0)),
        kinds=KINDS | {"y": "number"},
    ),
    _json("times with Z", "a service", lines(_changed(day=lambda day: f"{day}T10:30:00.000Z"))),
    _json(
        "milliseconds since 1970",
        "pandas",
        lines(_changed(day=lambda day: 1767571200000 + 86_400_000 * int(day[-2:]))),
        kinds=KINDS | {"day": "number"},
        warns="column 'day'",
    ),
    _json(
        "orient='records'",
        "pandas",
        json.dumps(PLAIN),
        file="t.json",
        refused="the file is one JSON list: write JSON Lines",
    ),
    _json(
        "orient='columns'",
        "pandas",
        json.dumps({name: {str(at): row[name] for at, row in enumerate(PLAIN)} for name in KINDS}),
        file="t.json",
        refused="orient='records', lines=True",
    ),
    _json(
        "orient='split'",
        "pandas",
        json.dumps({"columns": list(KINDS), "index": list(range(120)), "data": [list(row.values()) for row in PLAIN]}),
        file="t.json",
        refused="orient='records', lines=True",
    ),
    _json(
        "orient='values'", "pandas", json.dumps([list(row.values()) for row in PLAIN]), file="t.json", refused="JSON"
    ),
    _json("a line that is broken off", "a crash", lines(PLAIN)[:-20], refused="line 120 is not JSON"),
    _json(
        "the label first in some lines",
        "a service",
        lines([*PLAIN, PLAIN[0] | {"note": "late"}]),
        refused="it is not clear which key is the target",
    ),
    _json(
        "lines named .csv",
        "a service",
        lines(PLAIN),
        file="t.csv",
        refused="the file holds JSON Lines: give it a name that ends in .jsonl",
    ),
]


def _parquet(
    name: str, source: str, select: str, rows: Sequence[Row] | None = None, options: str = "", **facts: Any
) -> Table:
    """Return a Parquet file with the columns that `select` makes of `people`, whose values are `rows`."""
    with tempfile.TemporaryDirectory() as folder, duckdb.connect() as connection:
        source_file, file = Path(folder, "t.jsonl"), Path(folder, "t.parquet")
        source_file.write_text(lines(PLAIN))
        connection.execute(f"CREATE TABLE people AS SELECT * FROM read_json('{source_file}')")
        connection.execute(f"COPY (SELECT {select} FROM people) TO '{file}' (FORMAT parquet{options})")
        body = file.read_bytes()
    return table(name, source, body, from_rows(rows or PLAIN), **{"file": "t.parquet"} | facts)


def _cast(name: str, change: str, kind: str, way: Callable[[Any], Any], column: str = "size", **facts: Any) -> Table:
    """Return a file whose column has another type."""
    rows = [row | {column: way(row[column])} for row in PLAIN]
    return _parquet(name, "types", f"* REPLACE ({change} AS {column})", rows, kinds=KINDS | {column: kind}, **facts)


PARQUET = [
    _parquet("to_parquet(index=False)", "pandas", "*"),
    *(
        _parquet(f"compressed with {codec}", "Spark", "*", options=f", COMPRESSION {codec}")
        for codec in ("uncompressed", "snappy", "gzip", "zstd")
    ),
    _parquet("several groups of rows", "Spark", "*", options=", ROW_GROUP_SIZE 2048"),
    _parquet("named .pq", "polars", "*", file="t.pq"),
    _parquet(
        "an index of pandas'",
        "pandas",
        "*, row_number() OVER () AS __index_level_0__",
        PLAIN,
        f", KV_METADATA {{pandas: '{INDEX}'}}",
        kinds=KINDS,
    ),
    _parquet("an index without metadata", "pandas", "*, row_number() OVER () AS __index_level_0__", kinds=KINDS),
    _cast("INTEGER", "count::INTEGER", "number", int, "count"),
    _cast("TINYINT", "count::TINYINT", "number", int, "count"),
    _cast("UBIGINT", "count::UBIGINT", "number", int, "count"),
    _cast("FLOAT", "round(size)::FLOAT", "number", lambda value: float(int(value + 0.5))),
    _cast("DECIMAL(12, 2)", "size::DECIMAL(12, 2)", "number", float),
    _cast(
        "DOUBLE with NaN",
        "CASE WHEN size > 100 THEN size ELSE 'nan'::DOUBLE END",
        "number",
        lambda value: value if value > 100 else None,
    ),
    _cast("DATE", "day::DATE", "date", str, "day"),
    _cast("TIMESTAMP", "day::TIMESTAMP", "date", str, "day"),
    _cast("TIMESTAMP_MS", "day::TIMESTAMP_MS", "date", str, "day"),
    _cast("TIMESTAMP_NS", "day::TIMESTAMP_NS", "date", str, "day"),
    _cast(
        "TIMESTAMP WITH TIME ZONE", "(day || 'T10:30:00Z')::TIMESTAMPTZ", "date", lambda day: f"{day}T10:30:00Z", "day"
    ),
    _cast("ENUM", "city::ENUM ('Köln', 'Lyon', 'Porto', 'Málaga')", "text", str, "city"),
    _cast("BOOLEAN as a label", "y = 'yes'", "boolean", lambda value: value == "yes", "y"),
    _cast(
        "whole numbers of 64 bits",
        "9007199254740992 + count",
        "text",
        lambda count: str(9007199254740992 + count),
        "count",
    ),
    _parquet(
        "a list",
        "types",
        "[1, 2] AS tags, *",
        [{"tags": None} | row for row in PLAIN],
        kinds={"tags": "none"} | KINDS,
        unused=("tags",),
    ),
    _parquet(
        "a structure",
        "types",
        "{'a': 1} AS place, *",
        [{"place": None} | row for row in PLAIN],
        kinds={"place": "none"} | KINDS,
        unused=("place",),
    ),
    _parquet(
        "bytes",
        "types",
        "'x'::BLOB AS image, *",
        [{"image": None} | row for row in PLAIN],
        kinds={"image": "none"} | KINDS,
        unused=("image",),
    ),
    _parquet(
        "texts that NUL fills up",
        "types",
        "* REPLACE (CASE WHEN city = 'Lyon' THEN city || chr(0) ELSE city END AS city)",
        refused="of column 'city': the cell holds the character NUL",
    ),
    table(
        "broken off",
        "types",
        b"PAR1" + b"\x15\x04" * 50 + b"PAR1",
        file="t.parquet",
        refused="the Parquet file is damaged",
    ),
]

TABLES = [*JSON, *PARQUET]
