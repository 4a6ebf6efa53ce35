"""A second, plain pass over a CSV file that the engine refused: it names the first bad line, or mends the form.

Some files are sound but written oddly, with mixed line ends for instance. Those are written anew, in one form.
"""

from __future__ import annotations

import csv
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from training_trigger.reading import quoting
from training_trigger.reading.dialect import Dialect

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

LONGEST_LINE = 4 << 20


def plainest(path: Path, dialect: Dialect) -> tuple[Path, Dialect]:
    """Return the file and its dialect, or the file written anew when it has lines that readers take differently."""
    unclear = quoting.unclear(dialect)
    with path.open(encoding="utf-8", newline="") as stream:
        if not any(map(unclear, iter(lambda: stream.readline(LONGEST_LINE), ""))):
            return path, dialect
    sink = path.with_suffix(".plainest")
    plain = rewrite(path, dialect, sink)
    path.unlink()
    return sink, plain


def rewrite(path: Path, dialect: Dialect, sink: Path) -> Dialect:
    """Write the records of a CSV file in the plainest form and return its dialect.

    Raises DatasetRejectedError naming the first line that is unlike the others or cannot be told apart.
    """
    with path.open(encoding="utf-8", newline="") as source, sink.open("w", encoding="utf-8", newline="") as target:
        for _ in range(dialect.skip):
            source.readline()
        writer = csv.writer(target, lineterminator="\n", quoting=csv.QUOTE_ALL)
        writer.writerows(_records(source, dialect))
    return Dialect(",", columns=dialect.columns)


def _records(source: Iterator[str], dialect: Dialect) -> Iterator[list[str]]:
    width, rows, line = len(dialect.columns), dialect.rows(source), dialect.skip + 1
    try:
        for row in rows:
            if row and len(row) != width:
                raise _ragged(line, len(row), width)
            if row:
                yield row
            line = dialect.skip + rows.line_num + 1
    except csv.Error as error:
        raise DatasetRejectedError(f"line {line}: {_reason(str(error))}", row=line) from error


def _ragged(line: int, found: int, width: int) -> DatasetRejectedError:
    return DatasetRejectedError(
        f"line {line} has {found} value{'' if found == 1 else 's'} and the header names {width} columns: "
        "mend the line, and put quotes around values that hold the separator",
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
