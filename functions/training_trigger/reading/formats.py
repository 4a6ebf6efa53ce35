"""What an uploaded file is, by its first bytes; the name only decides between CSV and JSON Lines."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from pathlib import Path

HEAD = 64 * 1024
GZIP = b"\x1f\x8b"
PARQUET = b"PAR1"
ADVICE = "upload CSV (also gzip-compressed), Parquet or JSON Lines"
_REFUSED = {
    b"PK\x03\x04": f"the file is a zip archive or an Excel workbook: save the sheet as CSV, or {ADVICE}",
    b"\xd0\xcf\x11\xe0": f"the file is an old Excel workbook: save the sheet as CSV, or {ADVICE}",
    b"BZh": "the file is compressed with bzip2: use gzip or no compression",
    b"\xfd7zXZ": "the file is compressed with xz: use gzip or no compression",
    b"\x28\xb5\x2f\xfd": "the file is compressed with zstd: use gzip or no compression",
    b"7z\xbc\xaf": "the file is a 7z archive: use gzip or no compression",
    b"%PDF": f"the file is a PDF: {ADVICE}",
    b"\x80\x04\x95": f"the file is a Python pickle, which is never opened: {ADVICE}",
    b"\x80\x05\x95": f"the file is a Python pickle, which is never opened: {ADVICE}",
    b"ARROW1": f"the file is an Arrow file: {ADVICE}",
    b"ORC": f"the file is an ORC file: {ADVICE}",
    b"\x89HDF": f"the file is an HDF5 file: {ADVICE}",
}
_JSON_OBJECT = re.compile(r"""\{\s*"[^"]*"\s*:""")
_JSON_LIST = re.compile(r"\[\s*\{\s*\"")
_JSON_LISTS = re.compile(r"\[\s*\[")
_JSON_OVER_LINES = re.compile(r"\{[ \t]*\r?\n")
NUL = "the cell holds the character NUL, which no text has: remove it, also where it fills a text up"
WRITE_LINES = (
    "write JSON Lines, one object on each line, under a name that ends in .jsonl "
    "(in pandas: df.to_json(file, orient='records', lines=True))"
)
_JSON_LINES = (".jsonl", ".ndjson", ".json")
_SUFFIXES = (".csv", ".tsv", ".txt", ".parquet", ".pq", *_JSON_LINES)


@dataclass(frozen=True, slots=True)
class Format:
    """`kind` is csv, jsonl or parquet."""

    kind: str
    gzipped: bool = False


def _check_name(file: str) -> None:
    name = file.lower().removesuffix(".gz")
    if not name.endswith(_SUFFIXES):
        raise DatasetRejectedError(f"{file!r} has an unknown ending: {ADVICE} (.csv, .csv.gz, .parquet, .jsonl)")


def detect(path: Path, file: str) -> Format:
    """Return the format of a file; raise DatasetRejectedError, with advice, for a format that is not supported."""
    with path.open("rb") as stream:
        head = stream.read(HEAD)
    if not head.strip():
        raise DatasetRejectedError("the file is empty: upload a table with a header line and at least 30 rows")
    for magic, reason in _REFUSED.items():
        if head.startswith(magic):
            raise DatasetRejectedError(reason)
    if head.startswith(PARQUET):
        return Format("parquet")
    _check_name(file)
    kind = "jsonl" if file.lower().removesuffix(".gz").endswith(_JSON_LINES) else "csv"
    return Format(kind, head.startswith(GZIP))


def check_text(head: str, kind: str) -> None:
    """Raise DatasetRejectedError when the beginning of a text shows another format than the file's name."""
    begun = head.lstrip()
    if begun.startswith("<") and ("</" in begun or begun[:9].lower().startswith(("<!doctype", "<html", "<?xml"))):
        raise DatasetRejectedError(f"the file is HTML or XML, not a table (it begins with {begun[:40]!r}): {ADVICE}")
    if kind == "csv" and _JSON_OBJECT.match(begun):
        raise DatasetRejectedError("the file holds JSON Lines: give it a name that ends in .jsonl")
    if _JSON_LIST.match(begun) or (kind == "jsonl" and _JSON_LISTS.match(begun)):
        raise DatasetRejectedError(f"the file is one JSON list: {WRITE_LINES}")
    if kind == "jsonl" and _JSON_OVER_LINES.match(begun):
        raise DatasetRejectedError(f"the file has JSON objects that go over several lines: {WRITE_LINES}")
