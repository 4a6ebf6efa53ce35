"""Rows to predict: from NAME=VALUE pairs, a CSV or JSON file, or standard input."""

from __future__ import annotations

import csv
import io
import json
import sys
from typing import TYPE_CHECKING, Any

from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

Row = dict[str, Any]

CHUNK = 500


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
        if file == "-":
            return sys.stdin.read()
        with open(file, encoding="utf-8-sig") as opened:  # noqa: PTH123  a path, or a shell's /dev/fd
            return opened.read()
    except UnicodeDecodeError as error:
        source = "standard input" if file == "-" else file
        raise CommandError(f"{source} is not UTF-8 text", "Save it as UTF-8") from error


def from_text(text: str) -> list[Row]:
    """Return the rows of a CSV table with a header, a JSON object, a JSON array or JSON lines."""
    start = text.lstrip("\ufeff \t\r\n")[:1]
    if not start:
        raise CommandError("there are no rows", "Give a table with a header, or JSON rows")
    return _json_rows(text) if start in "[{" else _csv_rows(text)


def chunks(rows: Sequence[Row], size: int = CHUNK) -> Iterator[Sequence[Row]]:
    """Yield the rows in parts of at most `size`, one for each request."""
    return (rows[start : start + size] for start in range(0, len(rows), size))


def _csv_rows(text: str) -> list[Row]:
    reader = csv.DictReader(io.StringIO(text.lstrip("\ufeff")), restval=None)
    rows: list[dict[str | None, Any]] = list(reader)
    for line, row in enumerate(rows, 2):
        if None in row:  # where the reader puts what is beyond the header
            raise CommandError(f"line {line} has more cells than the header", "Quote cells that hold a comma")
    if not rows:
        raise CommandError("the table has a header and no rows", "The first line names the columns")
    return [{name: cell for name, cell in row.items() if name and name.strip()} for row in rows]


def _json_rows(text: str) -> list[Row]:
    try:
        document = json.loads(text)
    except ValueError:
        document = [_json_line(number, line) for number, line in enumerate(text.splitlines(), 1) if line.strip()]
    rows = document if isinstance(document, list) else [document]
    if not rows or not all(isinstance(row, dict) for row in rows):
        raise CommandError("the JSON holds no rows", 'A row is an object: {"island": "Biscoe"}')
    return rows


def _json_line(number: int, line: str) -> Any:
    try:
        return json.loads(line)
    except ValueError as error:
        raise CommandError(f"line {number} is not JSON: {error}") from error
