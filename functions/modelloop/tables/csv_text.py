"""CSV as people have it, for requests and the command line: any encoding and delimiter that a table may come in.

Whoever sends rows has usually trained on a file in the same form, so that the same text is read: UTF-8, UTF-16, UTF-32
or Western text; commas, semicolons, tabs, vertical bars and rarer delimiters; Excel's line `sep=;`.
"""

from __future__ import annotations

import codecs
import csv
from io import StringIO
from itertools import islice
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError, MalformedBodyError
from modelloop.tables import cp1252, csv_records

if TYPE_CHECKING:
    from collections.abc import Collection

USUAL, UNUSUAL = ",;\t|", ":^~ "
BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CHARSETS = {
    "utf-8": "utf-8-sig", "utf8": "utf-8-sig", "us-ascii": "utf-8-sig", "ascii": "utf-8-sig", "utf-16": "utf-16",
    "utf-16le": "utf-16-le", "utf-16be": "utf-16-be", "iso-8859-1": "cp1252", "latin1": "cp1252",
    "windows-1252": "cp1252", "cp1252": "cp1252", "iso-8859-15": "iso-8859-15",
}  # fmt: skip
_OTHER_FILES = {
    b"PAR1": "a Parquet file: `modelloop predict MODEL FILE` reads it, the API takes CSV or JSON",
    b"PK\x03\x04": "an Excel workbook or a zip archive: save the sheet as CSV",
    b"\xd0\xcf\x11\xe0": "an old Excel workbook: save the sheet as CSV",
}
_FEW_NULS = 0.2
_HEADER = 256 * 1024
_COMPARED = 20
_MAX_LINES = 200  # that the first records may go over
_AGREEMENT = 0.8


def decode(content: bytes, charset: str = "") -> str:
    """Return the text of a CSV file, by its byte order mark, the charset that was declared, or the letters in it.

    Raises MalformedBodyError for what is no text, another charset than declared, or one that cannot be told.
    """
    for magic, what in _OTHER_FILES.items():
        if content.startswith(magic):
            raise MalformedBodyError(f"the body is {what}")
    marked = next((name for mark, name in BOMS if content.startswith(mark)), None)
    encoding = marked or _declared(charset) or (wide(content) if b"\0" in content else None)
    try:
        return content.decode(encoding or "utf-8")
    except UnicodeDecodeError as error:
        if encoding is not None:
            raise MalformedBodyError(f"the CSV is not {encoding.removesuffix('-sig').upper()}, as it says") from None
        line = content.count(b"\n", 0, error.start) + 1
    try:
        cp1252.check([content], line)
        return content.decode(cp1252.ENCODING)
    except DatasetRejectedError as error:
        raise MalformedBodyError(f"the CSV is not UTF-8: {error.message}") from None


def wide(head: bytes) -> str | None:
    """Return UTF-16 when every other byte is mostly NUL, as in Western text without a byte order mark."""
    half = max(1, len(head) // 2)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if odd > 1 - _FEW_NULS and even < _FEW_NULS:
        return "utf-16-le"
    return "utf-16-be" if even > 1 - _FEW_NULS and odd < _FEW_NULS else None


def _declared(charset: str) -> str | None:
    if not charset:
        return None
    try:
        return _CHARSETS[charset.strip("\"' ").lower().replace("_", "-")]
    except KeyError:
        raise MalformedBodyError(
            f"the charset {charset[:40]!r} is not read: send UTF-8", field="Content-Type"
        ) from None


def read(text: str, known: Collection[str] = (), *, most: int | None = None, longest: int) -> list[list[str]]:
    """Return the records of CSV text without blank lines, the header first; reading ends behind `most` records.

    The delimiter is the one by which the header has most of the `known` columns, or agrees best with the rows. Raises
    MalformedBodyError for what is no CSV, and for cells of more than `longest` characters.
    """
    marker = csv_records.SEP_LINE.match(text)
    if marker:
        text = text[marker.end() :]
    text = text.lstrip("\r\n")
    quote, escapes = csv_records.quoting(text)
    delimiter = marker[1] if marker else _delimiter(text[:_HEADER], quote, frozenset(known))
    for escape in escapes:
        lines = csv_records.records(StringIO(text, newline=""), delimiter, quote, escape, longest=longest)
        try:
            found = list(islice(filter(None, lines), most))
        except csv.Error as error:
            refusal = f"the body is not CSV: line {lines.line_num}: {error}"
            continue
        if escape == escapes[-1] or all(len(row) == len(found[0]) for row in found):
            return found
    raise MalformedBodyError(refusal)


def _delimiter(head: str, quote: str, known: frozenset[str]) -> str:
    """Return the delimiter of a text by its beginning; the comma when no other one is better."""
    best, chosen = (0.0, 0), ","
    first = head.partition("\n")[0].partition("\r")[0]
    for delimiter in USUAL + UNUSUAL:
        if delimiter not in first:
            continue
        rows = _first_rows(head, delimiter, quote, 1 if known else _COMPARED)
        score = _score(rows, known)
        if score > best and (known or delimiter in USUAL):
            best, chosen = score, delimiter
        if known and score[1] == len(known):
            break
    return chosen


def _score(rows: list[list[str]], known: frozenset[str]) -> tuple[float, int]:
    if not rows:
        return 0.0, 0
    if known:
        return 1.0, len(known.intersection(name.strip() for name in rows[0]))
    width = len(rows[0])
    agreement = sum(len(row) == width for row in rows) / len(rows)
    return (round(agreement, 1), width) if width > 1 and agreement >= _AGREEMENT else (0.0, 0)


def _first_rows(head: str, delimiter: str, quote: str, most: int) -> list[list[str]]:
    rows: list[list[str]] = []
    try:
        lines = islice(StringIO(head, newline=""), _MAX_LINES)
        for row in csv_records.records(lines, delimiter, quote, quote, longest=_HEADER):
            rows += [row] if row else []
            if len(rows) == most:
                break
    except csv.Error:
        pass
    return rows
