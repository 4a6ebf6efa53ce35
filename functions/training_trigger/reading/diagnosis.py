"""Why a CSV file does not read: the first line that is not like the others, found by a plain second pass."""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from pathlib import Path

    from training_trigger.reading.dialect import Dialect


def explain(path: Path, dialect: Dialect, complaint: str) -> DatasetRejectedError:
    """Return the refusal that names the first bad line, or else the engine's complaint in one line."""
    width = len(dialect.columns)
    with path.open(encoding="utf-8", newline="") as stream:
        for _ in range(dialect.skip):
            stream.readline()
        rows, start = dialect.rows(stream), 0
        try:
            for row in rows:
                if row and len(row) != width:
                    return _ragged(dialect.skip + start + 1, len(row), width)
                start = rows.line_num
        except csv.Error as error:
            return DatasetRejectedError(
                f"line {dialect.skip + start + 1}: {_csv_reason(str(error))}", row=dialect.skip + start + 1
            )
    return DatasetRejectedError(f"the file cannot be read as CSV: {complaint.splitlines()[0][:200]}")


def _ragged(line: int, found: int, width: int) -> DatasetRejectedError:
    return DatasetRejectedError(
        f"line {line} has {found} value{'' if found == 1 else 's'} and the header names {width} columns: "
        "mend the line, and put quotes around values that hold the separator",
        row=line,
    )


def _csv_reason(error: str) -> str:
    if "unexpected end" in error:
        return "a quote is opened and never closed"
    if "field larger" in error:
        return "a value is longer than 1 MiB: is a quote left open?"
    if "expected after" in error:
        return "text follows a closing quote: double the quotes inside quoted values"
    return error
