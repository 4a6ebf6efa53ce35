"""How a CSV file is written: its delimiter, its quotes and its column names, and its records by that dialect."""

from __future__ import annotations

import csv
from dataclasses import dataclass, replace
from io import StringIO
from typing import TYPE_CHECKING

from modelloop.tables import csv_records
from training_trigger.reading import header

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

SAMPLE = 4 << 20
SAMPLE_ROWS = 200
MAX_FIELD = 1 << 20
_USUAL, _UNUSUAL = ",;\t|", ":^~ "
_AGREEMENT = 0.8


@dataclass(frozen=True, slots=True)
class Dialect:
    """`skip` lines stand before the header; `columns` are the names, trimmed and in Unicode form C.

    `first_line` is the header as reasons show it when it looks like data.
    """

    delimiter: str
    quote: str = '"'
    escape: str = '"'
    skip: int = 0
    columns: tuple[str, ...] = ()
    first_line: str | None = None

    def rows(self, lines: Iterable[str]) -> csv.Reader:  # type: ignore[name-defined]
        """Return a reader of records that follows this dialect exactly."""
        return csv_records.records(lines, self.delimiter, self.quote, self.escape, longest=MAX_FIELD)


def detect(path: Path) -> Dialect:
    """Return the dialect of a UTF-8 CSV file; raise DatasetRejectedError when it has no usable header."""
    with path.open(encoding="utf-8", newline="") as stream:
        sample = stream.read(SAMPLE)
    marker = csv_records.SEP_LINE.match(sample)
    if marker:
        sample = sample[marker.end() :]
    blank, sample = header.skip_blank_lines(sample)
    skip = blank + (1 if marker else 0)
    dialect = replace(_most_agreeing(sample, _candidates(sample, marker[1] if marker else ""), skip), skip=skip)
    records, _ = _head(sample, dialect)
    header.check_no_preamble(records, skip)
    first = records[0][1] if records else None
    columns = header.header_names(first)
    shown = header.shown_line(first) if first is not None and header.is_data(first) else None
    return replace(dialect, columns=columns, first_line=shown)


def _candidates(sample: str, delimiter: str) -> list[list[Dialect]]:
    """Return the dialects to try, by rank: a later rank is tried when no earlier one agrees with the rows."""
    quote, escapes = csv_records.quoting(sample)
    ranks = [delimiter] if delimiter else [_USUAL, _UNUSUAL]
    return [[Dialect(mark, quote, escape) for mark in rank] for escape in escapes for rank in ranks]


def _most_agreeing(sample: str, ranks: list[list[Dialect]], skip: int) -> Dialect:
    best, chosen = (0.0, 0), ranks[0][0]
    for rank in ranks:
        for dialect in rank:
            records, sound = _head(sample, dialect)
            widths = [len(row) for _, row in records]
            if widths and widths[0] > 1:
                agreement = sum(width == widths[0] for width in widths) / len(widths) * (1 if sound else 0.5)
                if (round(agreement, 1), widths[0]) > best:
                    best, chosen = (round(agreement, 1), widths[0]), dialect
        if best[0] >= _AGREEMENT:
            return chosen
        for dialect in rank:
            header.check_no_preamble(_head(sample, dialect)[0], skip)
    return chosen


def _head(sample: str, dialect: Dialect) -> tuple[list[header.Record], bool]:
    """Return the first records with the lines they begin on, and whether they were read without an error."""
    records: list[header.Record] = []
    reader, line = dialect.rows(StringIO(sample, newline="")), 1
    try:
        for row in reader:
            if row:
                records.append((line, row))
            if len(records) == SAMPLE_ROWS:
                break
            line = reader.line_num + 1
    except csv.Error as error:
        return records, "unexpected end" in str(error)
    return records, True
