"""A second pass over a CSV file in Python: it finds the first bad line, or writes the file in one form.

Some files are sound but written oddly, with mixed line ends or spaces beside quotes for instance, so that readers may
take them differently. Those are rewritten in a form that has one reading.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from training_trigger.reading.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

MAX_LINE = 4 << 20


def unambiguous(path: Path, dialect: Dialect) -> tuple[Path, Dialect]:
    """Return the file and its dialect, or the file rewritten when it has lines that readers may take differently."""
    ambiguous = _ambiguity(dialect)
    with path.open(encoding="utf-8", newline="") as stream:
        if not any(map(ambiguous, iter(lambda: stream.readline(MAX_LINE), ""))):
            return path, dialect
    sink = path.with_suffix(".plainest")
    plain = rewrite(path, dialect, sink)
    path.unlink()
    return sink, plain


def rewrite(path: Path, dialect: Dialect, sink: Path) -> Dialect:
    """Write the records of a CSV file with every cell in quotes, and return the new dialect.

    Raises DatasetRejectedError naming the first line that has another width than the header or cannot be read.
    """
    with path.open(encoding="utf-8", newline="") as source, sink.open("w", encoding="utf-8", newline="") as target:
        for _ in range(dialect.skip):
            source.readline()
        writer = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows(_records(source, dialect))
    return Dialect(",", columns=dialect.columns, first_line=dialect.first_line)


def _ambiguity(dialect: Dialect) -> Callable[[str], bool]:
    """Return the test whether readers may disagree about a line of a file with these columns.

    They may about quotes beside spaces, and about an empty cell at the end that is one too many.
    """
    before, after, marks = f" {dialect.quote}", f"{dialect.quote} ", len(dialect.columns) - 1
    empty = (dialect.delimiter, f"{dialect.delimiter}{dialect.quote}{dialect.quote}")

    def test(line: str) -> bool:
        if before in line or after in line:
            return True
        return line.rstrip("\r\n ").endswith(empty) and line.count(dialect.delimiter) != marks

    return test


def _records(source: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    width, rows, line = len(dialect.columns), dialect.rows(source), dialect.skip + 1
    try:
        for row in rows:
            if row and len(row) != width:
                raise _wrong_width(line, len(row), width, first=line == dialect.skip + 2)
            if row:
                yield row
            line = dialect.skip + rows.line_num + 1
    except csv.Error as error:
        raise DatasetRejectedError(f"line {line}: {_reason(str(error))}", row=line) from error


def _wrong_width(line: int, values: int, width: int, *, first: bool) -> DatasetRejectedError:
    if first and values == width + 1:
        return DatasetRejectedError(
            f"line {line} has {values} values and the header names {width} columns: if R wrote the file, its row names "
            "have no name; write it with row.names = FALSE, or else name every column",
            row=line,
        )
    return DatasetRejectedError(
        f"line {line} has {values} value{'' if values == 1 else 's'} and the header names {width} columns: "
        "correct the line, and put quotes around values that contain the separator",
        row=line,
    )


def _reason(error: str) -> str:
    if "unexpected end" in error:
        return "a quote is opened and never closed"
    if "field larger" in error:
        return "a value is longer than 1 MiB: is a quote left open?"
    if "expected after" in error:
        return "text follows a closing quote: double the quotes inside quoted values"
    return error
