"""The lines of a captured object: unpacked and cut in bounded memory, whatever the object holds."""

from __future__ import annotations

import gzip
import zlib
from io import BytesIO
from typing import TYPE_CHECKING, BinaryIO, cast

from modelloop.contracts.capture_record import REWRITTEN_MARK
from modelloop.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

MAX_LINE_BYTES = 16 << 20
MAX_BYTES = 512 << 20  # unpacked; a stream's object has at most 128 MB
_GZIP = b"\x1f\x8b"


def open_maybe_gzip(body: bytes) -> BinaryIO:
    """Return a stream of what is in an object, which the delivery stream stores plain or as gzip.

    Reading one that is cut off or damaged raises what gzip raises: EOFError, OSError or zlib.error.
    """
    plain = BytesIO(body)
    return cast("BinaryIO", gzip.GzipFile(fileobj=plain)) if body.startswith(_GZIP) else plain


def is_rewritten(body: bytes) -> bool:
    """Return whether an erasure wrote the object anew."""
    return body.startswith(REWRITTEN_MARK)


def read_lines(body: bytes) -> Iterator[bytes]:
    """Yield the lines of an object with their line breaks, each cut off at 16 MB.

    What is damaged, too long or too much never takes more memory. Raises MalformedBodyError where a packed object is
    cut off or damaged, TooLargeError past 512 MB of lines.
    """
    stream, left = open_maybe_gzip(body), MAX_BYTES
    try:
        while line := stream.readline(MAX_LINE_BYTES):
            yield line
            left -= len(line)
            while len(line) == MAX_LINE_BYTES and not line.endswith(b"\n"):
                line = stream.readline(MAX_LINE_BYTES)
                left -= len(line)
            if left < 0:
                raise TooLargeError(f"the object has more than {MAX_BYTES >> 20} MB of lines: the rest was not read")
    except (EOFError, OSError, zlib.error) as error:
        raise MalformedBodyError(f"the object is cut off or damaged: {error}") from error
