"""Rows to predict: from NAME=VALUE pairs, standard input, or a file in any form that a table may be uploaded in."""

from __future__ import annotations

import gzip
import json
import sys
import zlib
from typing import TYPE_CHECKING, Any

from modelloop.tables import csv_text
from modelloop_client import parquet
from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

CHUNK = 500
MAX_CELL = 1 << 20
_GZIP = b"\x1f\x8b"
_PARQUET = b"PAR1"


def from_pairs(pairs: Sequence[str]) -> list[Row]:
    """Return one row from NAME=VALUE pairs; values are read as the API reads a CSV cell."""
    row: Row = {}
    for pair in pairs:
        name, equals, value = pair.partition("=")
        if not equals or not name:
            raise CommandError(f"{pair!r} is not NAME=VALUE", "For example: --set island=Biscoe")
        row[name] = value
    return [row]


def read_text(file: str) -> str:
    """Return a file's text, or standard input's for -; raise CommandError when it is not UTF-8."""
    try:
        return read_bytes(file).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise CommandError(f"{_source(file)} is not UTF-8 text", "Save it as UTF-8") from error


def read_bytes(file: str) -> bytes:
    """Return a file's content, or standard input's for -."""
    if file == "-":
        return sys.stdin.buffer.read()
    with open(file, "rb") as opened:  # noqa: PTH123  a path, or a shell's /dev/fd
        return opened.read()


def read_rows(file: str) -> list[Row]:
    """Return the rows of a table in CSV, JSON or Parquet, also compressed with gzip; - is standard input.

    Raises CommandError, or a ModelloopError from the domain's reader, for what is no such table.
    """
    content = read_bytes(file)
    if content.startswith(_GZIP):
        content = _unpacked(content, file)
    if content.startswith(_PARQUET):
        return parquet.rows(content)
    if _source(file).lower().removesuffix(".gz").endswith((".tsv", ".csv", ".txt")):
        return _csv_rows(csv_text.decode(content))
    return from_text(csv_text.decode(content))


def from_text(text: str) -> list[Row]:
    """Return the rows of a CSV table with a header, a JSON object, a JSON array or JSON lines."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if not start:
        raise CommandError("there are no rows", "Give a table with a header, or JSON rows")
    return _json_rows(text.lstrip("\ufeff")) if start in "[{" else _csv_rows(text)


def chunks(rows: Sequence[Row], size: int = CHUNK) -> Iterator[Sequence[Row]]:
    """Yield the rows in parts of at most `size`, one for each request."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _source(file: str) -> str:
    return "standard input" if file == "-" else file


def _unpacked(content: bytes, file: str) -> bytes:
    try:
        return gzip.decompress(content)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise CommandError(f"{_source(file)} is a damaged gzip file", "Compress it again") from error


def _csv_rows(text: str) -> list[Row]:
    records = csv_text.read(text.lstrip("\ufeff"), longest=MAX_CELL)
    if not records:
        raise CommandError("there are no rows", "Give a table with a header, or JSON rows")
    names, rows = [name.strip() for name in records[0]], records[1:]
    for line, row in enumerate(rows, 2):
        if len(row) > len(names):
            raise CommandError(f"line {line} has more cells than the header", "Quote cells that hold the delimiter")
    if not rows:
        raise CommandError("the table has a header and no rows", "The first line names the columns")
    named = [place for place, name in enumerate(names) if name]
    return [{names[place]: row[place] if place < len(row) else None for place in named} for row in rows]


def _json_rows(text: str) -> list[Row]:
    try:
        document = _parse(text)
    except ValueError:
        document = [_json_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = document if isinstance(document, list) else [document]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise CommandError("the JSON holds no rows", 'A row is an object: {"island": "Biscoe"}')
    return rows


def _json_line(number: int, line: str) -> Any:
    try:
        return _parse(line)
    except ValueError as error:
        raise CommandError(f"line {number} is not JSON: {error}") from error


def _parse(text: str) -> Any:
    """Return a JSON document in which NaN, which JSON does not have, is None."""
    return json.loads(text, parse_constant=_constant)


def _constant(name: str) -> None:
    if name != "NaN":
        raise CommandError(f"{name} is not a number that JSON has", "Write null where a value is missing")
