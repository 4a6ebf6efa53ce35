"""How a CSV file is written: its delimiter, its quotes and its column names."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from itertools import islice
from typing import TYPE_CHECKING
from unicodedata import normalize

from modelloop.errors import DatasetRejectedError
from modelloop.grammar import NUMBER

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

SAMPLE = 4 << 20
SAMPLE_ROWS = 200
MOST_COLUMNS = 1000
FEWEST_COLUMNS = 2
LONGEST_FIELD = 1 << 20
_USUAL, _UNUSUAL = ",;\t|", ":^~ "
_AGREEMENT = 0.8
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n')


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skip` lines stand before the header; `columns` are the names, trimmed and in Unicode form C."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    skip: int = 0
    columns: tuple[str, ...] = ()

    def rows(self, lines: object) -> csv.Reader:  # type: ignore[name-defined]
        """Return a reader of records that follows this dialect to the letter."""
        doubled = self.escape == self.quote
        return csv.reader(
            lines,  # type: ignore[arg-type]
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=doubled,
            escapechar=None if doubled else self.escape,
            strict=True,
        )


def detect(path: Path) -> Dialect:
    """Return the dialect of a UTF-8 CSV file; raise DatasetRejectedError when its header cannot be one."""
    csv.field_size_limit(LONGEST_FIELD)
    with path.open(encoding="utf-8", newline="") as stream:
        sample = stream.read(SAMPLE)
    marker = _SEP_LINE.match(sample)
    if marker:
        sample = sample[marker.end() :]
    dialect = _quoting(sample)
    candidates = marker[1] if marker else _delimiters(sample, dialect)
    dialect = replace(dialect, delimiter=candidates, skip=1 if marker else 0)
    return replace(dialect, columns=_names(_head(sample, dialect, 2)))


def check_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the cleaned names; raise DatasetRejectedError when they do not name columns once each."""
    if len(names) > MOST_COLUMNS:
        raise DatasetRejectedError(
            f"the table has {len(names):,} columns: keep the {MOST_COLUMNS:,} most useful ones at most"
        )
    if len(names) < FEWEST_COLUMNS:
        raise DatasetRejectedError(
            "the table has one column: it needs a target and at least one feature, "
            "separated by commas, semicolons, tabs or bars"
        )
    cleaned = tuple(normalize("NFC", name.strip()) for name in names)
    repeated = sorted({name for name in cleaned if name and cleaned.count(name) > 1})
    if repeated:
        shown = ", ".join(repr(name[:80]) for name in repeated[:5])
        raise DatasetRejectedError(f"the header names {shown} more than once: give every column a name of its own")
    return cleaned


def _quoting(sample: str) -> Dialect:
    quote = (
        "'" if '"' not in sample and re.search(r"(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|\r?$)", sample, re.MULTILINE) else '"'
    )
    escape = "\\" if f"\\{quote}" in sample else quote
    return Dialect(",", quote, escape)


def _delimiters(sample: str, dialect: Dialect) -> str:
    best = (0.0, 0, ",")
    for usual in (_USUAL, _UNUSUAL):
        for delimiter in usual:
            widths = [len(row) for row in _head(sample, replace(dialect, delimiter=delimiter), SAMPLE_ROWS)]
            if widths and widths[0] > 1:
                agreement = sum(width == widths[0] for width in widths) / len(widths)
                best = max(best, (round(agreement, 1), widths[0], delimiter))
        if best[0] >= _AGREEMENT:
            break
    return best[2]


def _head(sample: str, dialect: Dialect, most: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        rows.extend(islice(filter(None, dialect.rows(sample.splitlines(keepends=True))), most))
    except csv.Error:
        return rows
    return rows


def _names(head: list[list[str]]) -> tuple[str, ...]:
    if not head:
        raise DatasetRejectedError("no header line can be read: start the file with the names of the columns")
    if all(NUMBER.fullmatch(name.strip()) for name in head[0]):
        raise DatasetRejectedError("the first line holds numbers, not names: start the file with a header line")
    return check_columns(head[0])
