"""CSV requests: a header row that names the columns, then one line for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.protocols.exchange import MAX_ROWS, MAX_VALUES, PREDICT, Query, check_rows, check_values
from modelloop.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Collection, Sequence

    from modelloop.tables.encoding import Column

MAX_CELL = 128 * 1024


def parse(body: bytes, columns: Sequence[Column] = (), charset: str = "") -> Query:
    """Read a CSV request; raise MalformedBodyError naming the row that is not one.

    The delimiter is the one that finds most of the model's `columns` in the header.
    """
    names, rows = read_table(body, [column.name for column in columns], charset)
    cells: Sequence[Sequence[object]] = list(zip(*rows, strict=True))
    return Query(check_rows(len(rows)), dict(zip(names, cells, strict=False)), outputs=(PREDICT,))


def read_table(body: bytes, known: Collection[str] = (), charset: str = "") -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a CSV body, blank lines left out; reading ends behind the most rows."""
    from modelloop.tables import csv_text  # noqa: PLC0415  only requests in CSV pay for it

    check_values(body)
    text = csv_text.decode(body, charset)
    if max(map(text.count, csv_text.USUAL)) > MAX_VALUES:
        raise TooLargeError(f"the body has more than {MAX_VALUES} values: send the rows in parts")
    lines = csv_text.read(text, known, most=MAX_ROWS + 2, longest=MAX_CELL)
    if not lines:
        raise MalformedBodyError("the CSV needs a header row with the names of the columns")
    names, rows = [name.strip() for name in lines[0]], lines[1:]
    named = [name for name in names if name]  # a table may have columns without a name, which no model learns from
    if len(set(named)) != len(named):
        raise MalformedBodyError("the CSV header names a column twice")
    for row, line in enumerate(rows):
        if len(line) != len(names):
            raise MalformedBodyError(f"row {row} has {len(line)} values for {len(names)} columns", row=row)
    return names, rows
