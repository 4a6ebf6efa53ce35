"""The lines of a capture object, plain or gzip: what is damaged, too long or too much never takes more memory."""

from __future__ import annotations

import zlib
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop.captures import packed
from modelloop.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Iterator

LONGEST_LINE = 16 << 20
MOST_BYTES = 512 << 20  # unpacked; a stream's object has at most 128 MB


class Refused(NamedTuple):
    """A line that is no record: where it stood (from 1), why in a sentence and in a word, which model it names."""

    line: int
    reason: str
    text: bytes
    kind: str
    model: str = ""


class Line(NamedTuple):
    """A line that parses: where it stood (from 1), its bytes, and what is in it."""

    number: int
    text: bytes
    record: Any


def read(body: bytes) -> Iterator[bytes]:
    """Yield the lines of an object, each cut off at 16 MB.

    Raises MalformedBodyError where a packed object is cut off or damaged, TooLargeError past 512 MB of lines.
    """
    stream, left = packed.opened(body), MOST_BYTES
    try:
        while line := stream.readline(LONGEST_LINE):
            yield line
            left -= len(line)
            while len(line) == LONGEST_LINE and not line.endswith(b"\n"):
                line = stream.readline(LONGEST_LINE)
                left -= len(line)
            if left < 0:
                raise TooLargeError(f"the object has more than {MOST_BYTES >> 20} MB of lines: the rest was not read")
    except (EOFError, OSError, zlib.error) as error:
        raise MalformedBodyError(f"the object is cut off or damaged: {error}") from error
