"""The records of CSV text by one rule, for tables and requests alike.

Readers disagree about quotes beside spaces and about backslashes. Here spaces beside quotes do not count, and a
backslash that escapes does so only inside quotes.
"""

from __future__ import annotations

import csv
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n')  # Excel's own line before the header
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|\r?$)", re.MULTILINE)


def records(lines: Iterable[str], delimiter: str, quote: str, escape: str, *, longest: int) -> csv.Reader:  # type: ignore[name-defined]
    """Return a reader of records; it raises csv.Error for what is none, and for cells longer than `longest`.

    `escape` is the quote itself where quotes inside cells are doubled, else a backslash.
    """
    csv.field_size_limit(longest)  # it is the whole process's: others may have set theirs
    doubled = escape == quote
    return csv.reader(
        _normalized(lines, delimiter, quote, escape),
        delimiter=delimiter,
        quotechar=quote,
        doublequote=doubled,
        escapechar=None if doubled else escape,
        skipinitialspace=delimiter != " ",
        strict=True,
    )


def quoting(sample: str) -> tuple[str, list[str]]:
    """Return the quote of a text, and how quotes inside cells may be escaped, the likeliest first."""
    quote = "'" if '"' not in sample and _SINGLE_QUOTED.search(sample) else '"'
    return quote, [quote, "\\"] if f"\\{quote}" in sample else [quote]


def _normalized(lines: Iterable[str], delimiter: str, quote: str, escape: str) -> Iterator[str]:
    """Yield lines without the spaces after closing quotes, and with backslashes outside quotes doubled if they escape.

    Python's csv then reads them as the engine reads the lines themselves. Raises csv.Error for text after a quote.
    """
    mark, sign, spaces = re.escape(delimiter), re.escape(quote), " *" * (delimiter != " ")
    escapes = escape != quote
    body = rf"(?:[^{sign}\\]++|\\.)*+" if escapes else rf"(?:[^{sign}]++|{sign}{sign})*+"
    end = rf"(?:(?P<closed>{sign}){spaces}(?P<more>[^{mark}\r\n])?|\Z)"
    cell = re.compile(rf"(?P<cell>(?:^|{mark}){spaces}{sign}{body}){end}" + r"|\\" * escapes, re.DOTALL)
    rest = re.compile(rf"(?P<cell>{body}){end}", re.DOTALL)
    inside = False

    def rewrite(match: re.Match[str]) -> str:
        nonlocal inside
        if match["cell"] is None:
            return r"\\"
        if match["more"]:
            raise csv.Error(f"{delimiter!r} expected after {quote!r}")
        inside = match["closed"] is None
        return match["cell"] + (match["closed"] or "")

    for line in lines:
        if quote not in line and not (escapes and "\\" in line):
            yield line  # also inside a cell, which then goes on behind it
            continue
        before, after = "", line
        if inside and (begun := rest.match(line)):
            before, after = rewrite(begun), line[begun.end() :]
        yield before + cell.sub(rewrite, after)
