"""Parquet files as other programs write them: with pandas' metadata, and with names that DuckDB would not write."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import duckdb

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from pathlib import Path


def write_parquet(
    path: Path, select: str, *, index: Sequence[object] | None = None, renamed: Mapping[str, str] | None = None
) -> bytes:
    """Write the result of a SELECT and return the file's bytes.

    `index` is what pandas' metadata lists as index_columns; `renamed` names columns anew, by names of the same length.
    """
    listed = json.dumps({"index_columns": index, "columns": []}).replace("'", "''")
    metadata = f", KV_METADATA {{pandas: '{listed}'}}" if index is not None else ""
    with duckdb.connect() as connection:
        connection.execute(f"COPY ({select}) TO '{path}' (FORMAT parquet, COMPRESSION zstd{metadata})")
    body = path.read_bytes()
    for name, other in (renamed or {}).items():
        assert len(name) == len(other)
        body = body.replace(name.encode(), other.encode())
    path.write_bytes(body)
    return body
