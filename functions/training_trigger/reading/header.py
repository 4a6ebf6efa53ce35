"""The header of a table: where a CSV file's stands, and what the names must be.

Blank lines before a header are skipped. A title or comment cannot be told from a header with certainty, so it is never
skipped: the error names the line that looks like the header.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from modelloop.tables.grammar import DATE, NUMBER
from modelloop.tables.names import clean_name

if TYPE_CHECKING:
    from collections.abc import Sequence

type Record = tuple[int, list[str]]  # the line that it begins on, and its cells

MIN_COLUMNS, MAX_COLUMNS = 2, 1000
MAX_PREAMBLE = 20
AGREEMENT = 0.8
SHOWN_NAMES = 4
_BLANK = re.compile(r"(?:[^\S\r\n]*(?:\r\n|\r|\n))+")
_BREAK = re.compile(r"\r\n|\r|\n")


def skip_blank_lines(sample: str) -> tuple[int, str]:
    """Return how many blank lines a text begins with, and the text after them."""
    blank = _BLANK.match(sample)
    return (len(_BREAK.findall(blank[0])), sample[blank.end() :]) if blank else (0, sample)


def check_no_preamble(rows: Sequence[Record], before: int) -> None:
    """Raise DatasetRejectedError when the first of some records is a title above the header.

    It is one when it has another width than nearly all records after it, or names fewer than half of its columns, and a
    record of names above numbers follows. `before` lines stand before the records.
    """
    width, count = Counter(len(row) for _, row in rows[1:]).most_common(1)[0] if len(rows) > 1 else (0, 0)
    if width < MIN_COLUMNS or count < AGREEMENT * (len(rows) - 1):
        return
    first = rows[0][1]
    if len(first) == width and 2 * sum(bool(name.strip()) for name in first) >= width:
        return
    for place, (line, row) in enumerate(rows[1:MAX_PREAMBLE], start=1):
        if len(row) == width and _are_names(row) and _any_numbers([cells for _, cells in rows[place + 1 :]], width):
            shown = ", ".join(repr(name.strip()[:40]) for name in row[:SHOWN_NAMES])
            shown += ", …" if len(row) > SHOWN_NAMES else ""
            raise DatasetRejectedError(
                f"line {before + line} looks like the header ({shown}): remove the lines before it; "
                f"the first one begins with {first[0].strip()[:40]!r}",
                row=before + line,
            )


def header_names(first: Sequence[str] | None) -> tuple[str, ...]:
    """Return the column names of a CSV file's first record; raise DatasetRejectedError when it is no header."""
    if first is None:
        raise DatasetRejectedError("the file has no readable header line: start it with the names of the columns")
    return check_columns(_kept_apart(first) if is_data(first) else first)


def is_data(first: Sequence[str]) -> bool:
    """Return whether a first line looks like data: all numbers or dates, two of them not whole, or two equal.

    A header of years or of dates is none.
    """
    cells = [cell.strip() for cell in first]
    if not all(NUMBER.fullmatch(cell) or DATE.fullmatch(cell) for cell in cells):
        return False
    fractions = sum(not float(cell).is_integer() for cell in cells if NUMBER.fullmatch(cell))
    return fractions > 1 or len(set(cells)) < len(cells)


def shown_line(first: Sequence[str]) -> str:
    """Return the beginning of a line as reasons show it."""
    return ", ".join(cell.strip()[:40] for cell in first[:SHOWN_NAMES]) + (", …" if len(first) > SHOWN_NAMES else "")


def _kept_apart(first: Sequence[str]) -> list[str]:
    """Return the cells of a line as names, where each further one that is equal has its number behind it."""
    counts: Counter[str] = Counter()
    names = []
    for cell in map(clean_name, first):
        counts[cell] += 1
        names.append(cell if counts[cell] == 1 else f"{cell} ({counts[cell]})")
    return names


def check_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the names, trimmed and in Unicode form C.

    Raises DatasetRejectedError for too many or too few columns and for names that are repeated.
    """
    if len(names) > MAX_COLUMNS:
        raise DatasetRejectedError(
            f"the table has {len(names):,} columns, more than {MAX_COLUMNS:,}: keep the most useful ones"
        )
    if len(names) < MIN_COLUMNS:
        raise DatasetRejectedError(
            "the table has one column: it needs a target and at least one feature, "
            "separated by commas, semicolons, tabs or vertical bars"
        )
    cleaned = tuple(map(clean_name, names))
    repeated = sorted({name for name in cleaned if name and cleaned.count(name) > 1})
    if repeated:
        shown = ", ".join(repr(name[:80]) for name in repeated[:5])
        raise DatasetRejectedError(f"the header has {shown} more than once: give every column a different name")
    return cleaned


def _are_names(row: Sequence[str]) -> bool:
    return all(name.strip() and not NUMBER.fullmatch(name.strip()) for name in row)


def _any_numbers(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Return whether some column holds numbers in most rows."""
    whole = [row for row in rows if len(row) == width]
    counts = (sum(bool(NUMBER.fullmatch(row[place].strip())) for row in whole) for place in range(width))
    return any(2 * numbers > len(whole) for numbers in counts)
