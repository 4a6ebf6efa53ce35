"""CSV requests: a header row that names the columns, then one line for each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.protocols.exchange import MAX_ROWS, PREDICT, Query, check_rows, check_values
from modelloop.errors import MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_CELL = 128 * 1024


def parse(body: bytes) -> Query:
    """Read a CSV request; raise MalformedBodyError naming the row that is not one."""
    names, rows = read_table(body)
    columns: Sequence[Sequence[object]] = list(zip(*rows, strict=True))
    return Query(check_rows(len(rows)), dict(zip(names, columns, strict=False)), outputs=(PREDICT,))


def read_table(body: bytes) -> tuple[list[str], list[list[str]]]:
    """Return the header and the rows of a CSV body, blank lines left out; reading ends behind the most rows."""
    import csv  # noqa: PLC0415  only requests in CSV pay for it
    from io import StringIO  # noqa: PLC0415
    from itertools import islice  # noqa: PLC0415

    check_values(body)
    csv.field_size_limit(MAX_CELL)  # the module's own, which whoever reads tables in this process sets too
    try:
        reader = csv.reader(StringIO(body.decode("utf-8-sig"), newline=""))
        lines = [line for line in islice(reader, MAX_ROWS + 2) if line]
    except UnicodeDecodeError:
        raise MalformedBodyError("the CSV is not UTF-8") from None
    except csv.Error as error:
        raise MalformedBodyError(f"the body is not CSV: {error}") from None
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
