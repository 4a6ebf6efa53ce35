"""What stands before the header of a CSV file: blank lines, which are skipped, and titles or comments, which are not.

A title cannot be told from a header for certain, so nothing is skipped that a person did not mean to be: the line that
looks like the header is named.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from modelloop.tables.grammar import NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence

type Record = tuple[int, list[str]]  # the line that it begins on, and its cells

FEWEST_COLUMNS = 2
LATEST = 20
AGREEMENT = 0.8
_BLANK = re.compile(r"(?:[^\S\r\n]*(?:\r\n|\r|\n))+")
_BREAK = re.compile(r"\r\n|\r|\n")


def blank_lines(sample: str) -> tuple[int, str]:
    """Return how many blank lines a text begins with, and the text after them."""
    found = _BLANK.match(sample)
    return (len(_BREAK.findall(found[0])), sample[found.end() :]) if found else (0, sample)


def check(rows: Sequence[Record], before: int) -> None:
    """Raise DatasetRejectedError when the first of some records is a title above the header; `before` were skipped.

    It is when it has another width than nearly all after it, or names fewer than half of its columns, and a row of
    names follows that stands above numbers.
    """
    width, many = Counter(len(row) for _, row in rows[1:]).most_common(1)[0] if len(rows) > 1 else (0, 0)
    if width < FEWEST_COLUMNS or many < AGREEMENT * (len(rows) - 1):
        return
    first = rows[0][1]
    if len(first) == width and 2 * sum(bool(name.strip()) for name in first) >= width:
        return
    for place, (line, row) in enumerate(rows[1:LATEST], start=1):
        if len(row) == width and _names(row) and _above_numbers([cells for _, cells in rows[place + 1 :]], width):
            shown = ", ".join(repr(name.strip()[:40]) for name in row[:4]) + (", …" if len(row) > 4 else "")  # noqa: PLR2004  a line
            raise DatasetRejectedError(
                f"line {before + line} looks like the header ({shown}): take out what stands before it, "
                f"which begins with {first[0].strip()[:40]!r}",
                row=before + line,
            )


def _names(row: Sequence[str]) -> bool:
    return all(name.strip() and not NUMBER.fullmatch(name.strip()) for name in row)


def _above_numbers(rows: Sequence[Sequence[str]], width: int) -> bool:
    """Tell whether some column holds numbers in most rows."""
    whole = [row for row in rows if len(row) == width]
    found = (sum(bool(NUMBER.fullmatch(row[place].strip())) for row in whole) for place in range(width))
    return any(2 * numbers > len(whole) for numbers in found)
