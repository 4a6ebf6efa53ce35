"""Any text file as plain UTF-8 on disk: unpacked under a cap, decoded, and told apart from binary data."""

from __future__ import annotations

import codecs
import gzip
import shutil
import zlib
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from pathlib import Path

CHUNK = 1 << 20
MOST_RATIO = 200
ALWAYS_ALLOWED = 64 << 20
_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROLS = bytes(set(range(32)) - set(b"\t\n\x0b\x0c\r\x1a\x1b\x1c\x1d\x1e\x1f"))
_MOST_CONTROLS = 0.001
_FEW_NULS = 0.2


def unpack(packed: Path, plain: Path) -> None:
    """Write a gzip file's content; raise DatasetRejectedError when it is damaged or swells beyond the cap."""
    free = shutil.disk_usage(packed.parent).free
    allowed = min(max(ALWAYS_ALLOWED, packed.stat().st_size * MOST_RATIO), free // 3)
    written = 0
    with gzip.open(packed) as source, plain.open("wb") as sink:
        try:
            while piece := source.read(CHUNK):
                written += len(piece)
                if written > allowed:
                    raise DatasetRejectedError(
                        f"the file swells beyond {allowed >> 20} MiB when it is unpacked: upload a smaller table"
                    )
                sink.write(piece)
        except (zlib.error, EOFError, gzip.BadGzipFile) as error:
            raise DatasetRejectedError(f"the gzip file is damaged ({error}): compress and upload it again") from error


def decode(path: Path, plain: Path) -> tuple[Path, str | None]:
    """Return a file that is UTF-8 without a byte order mark, and a warning when the encoding had to be guessed.

    The given file itself when it is that already. Raises DatasetRejectedError for binary data.
    """
    with path.open("rb") as stream:
        head = stream.read(CHUNK)
    encoding = next((name for bom, name in _BOMS if head.startswith(bom)), None) or _wide(head)
    if encoding is None:
        _refuse_binary(head)
        if _is_utf8(path):
            return path, None
        encoding = "cp1252" if _decodes(path, "cp1252") else "latin-1"
    try:
        _transcode(path, encoding, plain)
    except UnicodeError as error:
        raise DatasetRejectedError(f"the file is not {encoding} text ({error}): save it as UTF-8") from error
    guessed = f"the file is not UTF-8 and was read as {encoding}: save it as UTF-8 to be sure"
    return plain, guessed if encoding in ("cp1252", "latin-1") else None


def _wide(head: bytes) -> str | None:
    """Return UTF-16 when every other byte is mostly NUL, as in Western text without a byte order mark."""
    half = max(1, len(head) // 2)
    even, odd = head[::2].count(0) / half, head[1::2].count(0) / half
    if odd > 1 - _FEW_NULS and even < _FEW_NULS:
        return "utf-16-le"
    return "utf-16-be" if even > 1 - _FEW_NULS and odd < _FEW_NULS else None


def _refuse_binary(head: bytes) -> None:
    controls = len(head) - len(head.translate(None, _CONTROLS))
    if b"\0" in head or controls > _MOST_CONTROLS * len(head):
        raise DatasetRejectedError("the file is not text: upload CSV (also gzip-compressed), Parquet or JSON Lines")


def _is_utf8(path: Path) -> bool:
    return _decodes(path, "utf-8")


def _decodes(path: Path, encoding: str) -> bool:
    decoder = codecs.getincrementaldecoder(encoding)()
    try:
        with path.open("rb") as stream:
            while piece := stream.read(CHUNK):
                decoder.decode(piece)
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _transcode(path: Path, encoding: str, plain: Path) -> None:
    with path.open(encoding=encoding, newline="") as source, plain.open("w", encoding="utf-8", newline="") as sink:
        while piece := source.read(CHUNK):
            sink.write(piece)
