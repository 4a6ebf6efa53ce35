"""Any text file as plain UTF-8 on disk: unpacked up to a limit, decoded, and distinguished from binary data."""

from __future__ import annotations

import codecs
import gzip
import re
import shutil
import zlib
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError
from modelloop.tables import cp1252, csv_text

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CHUNK = 1 << 20
MAX_RATIO = 200
MAX_BLANK_LINES = 1_000_000
ALWAYS_ALLOWED = 64 << 20
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0b\x0c\r\x1a\x1b\x1c\x1d\x1e\x1f"))
_MAX_CONTROLS = 0.001
_SHIFTED = re.compile(rb"\x1b(?:\$[@AB()]|\([BIJ])")
NO_TEXT = "the file is not text: upload CSV (also gzip-compressed), Parquet or JSON Lines"


def unpack(packed: Path, plain: Path) -> None:
    """Write a gzip file's content; raise DatasetRejectedError when it is damaged or larger than the limit."""
    free = shutil.disk_usage(packed.parent).free
    allowed = min(max(ALWAYS_ALLOWED, packed.stat().st_size * MAX_RATIO), free // 3)
    written = 0
    with gzip.open(packed) as source, plain.open("wb") as sink:
        try:
            while piece := source.read(CHUNK):
                written += len(piece)
                if written > allowed:
                    raise DatasetRejectedError(
                        f"the file has more than {allowed >> 20} MiB when unpacked: upload a smaller table"
                    )
                sink.write(piece)
        except (zlib.error, EOFError, gzip.BadGzipFile) as error:
            raise DatasetRejectedError(f"the gzip file is damaged ({error}): compress and upload it again") from error


def check_blank_lines(path: Path) -> None:
    """Raise DatasetRejectedError for a file of UTF-8 that is mostly blank lines: each takes the time of a row."""
    pairs, before = 0, b""
    for piece in _pieces(path):
        lines = before + piece.translate(None, b" \t\r")
        pairs += lines.count(b"\n\n") + piece.count(b"\r\r")  # a pair stands for two line ends
        if pairs > MAX_BLANK_LINES // 2:
            raise DatasetRejectedError(f"the file has more than {MAX_BLANK_LINES:,} blank lines: remove them")
        before = lines[-1:]


def decode(path: Path, plain: Path) -> tuple[Path, str | None]:
    """Return a file that is UTF-8 without a byte order mark, and a warning when the encoding had to be guessed.

    Returns the given file when it is that already. Raises DatasetRejectedError for binary data, and for text in an
    encoding that cannot be recognized.
    """
    with path.open("rb") as stream:
        head = stream.read(CHUNK)
    encoding = next((name for bom, name in csv_text.BOMS if head.startswith(bom)), None) or csv_text.wide(head)
    warning = None
    if encoding is None:
        _refuse_binary(head)
        bad_line = _first_bad_line(path)
        if bad_line is None:
            return path, None
        encoding, warning = cp1252.ENCODING, cp1252.check(_pieces(path), bad_line)
    try:
        _transcode(path, encoding, plain)
    except UnicodeError as error:
        raise DatasetRejectedError(f"the file is not {encoding} text ({error}): save it as UTF-8") from error
    return plain, warning


def _refuse_binary(head: bytes) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if _SHIFTED.search(head):
        raise DatasetRejectedError("the file is ISO-2022 text, which switches between alphabets: save it as UTF-8")
    if b"\0" in head or controls > _MAX_CONTROLS * len(head):
        raise DatasetRejectedError(NO_TEXT)


def _first_bad_line(path: Path) -> int | None:
    """Return the number of the first line that is not UTF-8."""
    decoder, line = codecs.getincrementaldecoder("utf-8")(), 1
    try:
        for piece in _pieces(path):
            if b"\0" in piece:
                raise DatasetRejectedError(NO_TEXT)
            decoder.decode(piece)
            line += piece.count(b"\n")
        decoder.decode(b"", final=True)
    except UnicodeDecodeError as error:
        return line + bytes(error.object[: error.start]).count(b"\n")
    return None


def _pieces(path: Path) -> Iterator[bytes]:
    with path.open("rb") as stream:
        while piece := stream.read(CHUNK):
            yield piece


def _transcode(path: Path, encoding: str, plain: Path) -> None:
    with path.open(encoding=encoding, newline="") as source, plain.open("w", encoding="utf-8", newline="") as sink:
        while piece := source.read(CHUNK):
            sink.write(piece)
