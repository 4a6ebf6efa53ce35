"""Quotes that readers take differently, and one meaning for them.

Spaces beside quotes do not count. Where a backslash escapes, it does so inside quotes alone.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from training_trigger.reading.dialect import Dialect


def unclear(dialect: Dialect) -> Callable[[str], bool]:
    """Return what tells whether readers may disagree about a line of a file with these columns.

    They may about quotes beside spaces, and about an empty cell at the end that is one too many.
    """
    before, after, marks = f" {dialect.quote}", f"{dialect.quote} ", len(dialect.columns) - 1
    empty = (dialect.delimiter, f"{dialect.delimiter}{dialect.quote}{dialect.quote}")

    def test(line: str) -> bool:
        if before in line or after in line:
            return True
        return line.rstrip("\r\n ").endswith(empty) and line.count(dialect.delimiter) != marks

    return test


def plain(lines: Iterable[str], dialect: Dialect) -> Iterator[str]:
    """Yield lines without the spaces after closing quotes, and with backslashes outside quotes doubled if they escape.

    Python's csv then reads them as the engine reads the lines themselves. Raises csv.Error for text after a quote.
    """
    mark, quote, spaces = re.escape(dialect.delimiter), re.escape(dialect.quote), " *" * (dialect.delimiter != " ")
    escapes = dialect.escape != dialect.quote
    body = rf"(?:[^{quote}\\]++|\\.)*+" if escapes else rf"(?:[^{quote}]++|{quote}{quote})*+"
    end = rf"(?:(?P<closed>{quote}){spaces}(?P<more>[^{mark}\r\n])?|\Z)"
    cell = re.compile(rf"(?P<cell>(?:^|{mark}){spaces}{quote}{body}){end}" + r"|\\" * escapes, re.DOTALL)
    rest = re.compile(rf"(?P<cell>{body}){end}", re.DOTALL)
    inside = False

    def mend(found: re.Match[str]) -> str:
        nonlocal inside
        if found["cell"] is None:
            return r"\\"
        if found["more"]:
            raise csv.Error(f"{dialect.delimiter!r} expected after {dialect.quote!r}")
        inside = found["closed"] is None
        return found["cell"] + (found["closed"] or "")

    for line in lines:
        if not (inside or dialect.quote in line or (escapes and "\\" in line)):
            yield line
            continue
        before, after = "", line
        if inside and (begun := rest.match(line)):
            before, after = mend(begun), line[begun.end() :]
        yield before + cell.sub(mend, after)
