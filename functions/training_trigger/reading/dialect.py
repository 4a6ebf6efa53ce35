"""How a CSV file is written: its delimiter, its quotes and its column names."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass, replace
from io import StringIO
from typing import TYPE_CHECKING
from unicodedata import normalize

from modelloop.errors import DatasetRejectedError
from modelloop.tables.grammar import NUMBER
from training_trigger.reading import preamble, quoting

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

SAMPLE = 4 << 20
SAMPLE_ROWS = 200
MOST_COLUMNS = 1000
LONGEST_FIELD = 1 << 20
_USUAL, _UNUSUAL = ",;\t|", ":^~ "
_AGREEMENT = 0.8
_SINGLE_QUOTED = re.compile(r"(?:^|[,;\t|])'[^'\n]*'(?:[,;\t|]|\r?$)", re.MULTILINE)
_SEP_LINE = re.compile(r'"?sep=(.)"?\r?\n')


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skip` lines stand before the header; `columns` are the names, trimmed and in Unicode form C."""

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    skip: int = 0
    columns: tuple[str, ...] = ()

    def rows(self, lines: Iterable[str]) -> csv.Reader:  # type: ignore[name-defined]
        """Return a reader of records that follows this dialect to the letter."""
        csv.field_size_limit(LONGEST_FIELD)  # of the whole process: others set theirs
        doubled = self.escape == self.quote
        return csv.reader(
            quoting.plain(lines, self),
            delimiter=self.delimiter,
            quotechar=self.quote,
            doublequote=doubled,
            escapechar=None if doubled else self.escape,
            skipinitialspace=self.delimiter != " ",
            strict=True,
        )


def detect(path: Path) -> Dialect:
    """Return the dialect of a UTF-8 CSV file; raise DatasetRejectedError when its header cannot be one."""
    with path.open(encoding="utf-8", newline="") as stream:
        sample = stream.read(SAMPLE)
    marker = _SEP_LINE.match(sample)
    if marker:
        sample = sample[marker.end() :]
    blank, sample = preamble.blank_lines(sample)
    skip = blank + (1 if marker else 0)
    dialect = replace(_most_agreeing(sample, _candidates(sample, marker[1] if marker else ""), skip), skip=skip)
    rows, _ = _head(sample, dialect, SAMPLE_ROWS)
    preamble.check(rows, skip)
    return replace(dialect, columns=_names([row for _, row in rows[:1]]))


def check_columns(names: Sequence[str]) -> tuple[str, ...]:
    """Return the cleaned names; raise DatasetRejectedError when they do not name columns once each."""
    if len(names) > MOST_COLUMNS:
        raise DatasetRejectedError(
            f"the table has {len(names):,} columns: keep the {MOST_COLUMNS:,} most useful ones at most"
        )
    if len(names) < preamble.FEWEST_COLUMNS:
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


def _candidates(sample: str, delimiter: str) -> list[list[Dialect]]:
    """Return the dialects to try, by rank: a later rank is tried when no earlier one agrees with the rows."""
    single = '"' not in sample and _SINGLE_QUOTED.search(sample)
    quote = "'" if single else '"'
    escapes = [quote, "\\"] if f"\\{quote}" in sample else [quote]
    ranks = [delimiter] if delimiter else [_USUAL, _UNUSUAL]
    return [[Dialect(mark, quote, escape) for mark in rank] for escape in escapes for rank in ranks]


def _most_agreeing(sample: str, ranks: list[list[Dialect]], skip: int) -> Dialect:
    best, chosen = (0.0, 0), ranks[0][0]
    for rank in ranks:
        for dialect in rank:
            rows, sound = _head(sample, dialect, SAMPLE_ROWS)
            widths = [len(row) for _, row in rows]
            if widths and widths[0] > 1:
                agreement = sum(width == widths[0] for width in widths) / len(widths) * (1 if sound else 0.5)
                if (round(agreement, 1), widths[0]) > best:
                    best, chosen = (round(agreement, 1), widths[0]), dialect
        if best[0] >= _AGREEMENT:
            return chosen
        for dialect in rank:
            preamble.check(_head(sample, dialect, SAMPLE_ROWS)[0], skip)
    return chosen


def _head(sample: str, dialect: Dialect, most: int) -> tuple[list[preamble.Record], bool]:
    """Return the first records with the lines they begin on, and whether they were read without a fault."""
    rows: list[preamble.Record] = []
    reader, line = dialect.rows(StringIO(sample, newline="")), 1
    try:
        for row in reader:
            if row:
                rows.append((line, row))
            if len(rows) == most:
                break
            line = reader.line_num + 1
    except csv.Error as error:
        return rows, "unexpected end" in str(error)
    return rows, True


def _names(head: list[list[str]]) -> tuple[str, ...]:
    if not head:
        raise DatasetRejectedError("no header line can be read: start the file with the names of the columns")
    if all(NUMBER.fullmatch(name.strip()) for name in head[0]):
        raise DatasetRejectedError("the first line holds numbers, not names: start the file with a header line")
    return check_columns(head[0])
