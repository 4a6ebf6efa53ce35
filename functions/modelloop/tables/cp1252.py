"""Bytes that are not UTF-8: Western text in cp1252 is recognized by its shape; no other encoding is read.

In Western text few letters are beyond ASCII, and they stand singly or in pairs. Where bytes beyond ASCII follow each
other, the alphabet is another one (Cyrillic, Greek, Chinese, …), and where signs stand inside words the code page is
(DOS, Polish, …): reading those as cp1252 would give wrong letters.
"""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

ENCODING = "cp1252"
_ASCII = bytes(range(0x80))
_UNDEFINED = b"\x81\x8d\x8f\x90\x9d"
_UTF8 = re.compile(rb"[\xc2-\xdf][\x80-\xbf]|[\xe0-\xef][\x80-\xbf]{2}|[\xf0-\xf4][\x80-\xbf]{3}")
_RUN = re.compile(rb"[\x80-\xff]{2,}")
_SIGNS = re.compile(rb"[\x83\x86-\x89\x98\xa2-\xaa\xac\xae-\xba\xbc-\xbe\xd7\xf7]")
_IN_WORD = re.compile(
    rb"(?<=[A-Za-z])[\x82\x84\x86-\x89\x8b\x91\x93-\x95\x98\x99\x9b\xa1-\xac\xae-\xb6\xb8-\xbf\xd7\xf7](?=[a-z])"
)
_MAX_RUN = 2
_MAX_FOREIGN = 0.2
_MAX_IN_UTF8 = 0.5
_SHOWN = 8


def check(pieces: Iterable[bytes], bad_line: int) -> str:
    """Return a warning that names the letters beyond ASCII of a file that is not UTF-8, first on `bad_line`.

    Raises DatasetRejectedError for damaged UTF-8 and for any other alphabet.
    """
    letters: Counter[int] = Counter()
    in_utf8 = foreign = 0
    for piece in pieces:
        letters.update(piece.translate(None, _ASCII))
        in_utf8 += sum(map(len, _UTF8.findall(piece)))
        runs = _RUN.findall(piece)
        foreign += sum(len(run) for run in runs if len(run) > _MAX_RUN or _SIGNS.search(run))
        foreign += len(_IN_WORD.findall(piece))
    if in_utf8 > _MAX_IN_UTF8 * letters.total():
        raise DatasetRejectedError(
            f"line {bad_line} holds bytes that are not UTF-8, and the rest of the file is UTF-8: correct the line, or "
            "save the whole file as UTF-8 again",
            row=bad_line,
        )
    if foreign > _MAX_FOREIGN * letters.total() or any(letters[byte] for byte in _UNDEFINED):
        raise DatasetRejectedError(
            f"line {bad_line} holds bytes that are not UTF-8, and the file is not Western text in {ENCODING} either: "
            "save it as UTF-8",
            row=bad_line,
        )
    shown = " ".join(bytes([byte]).decode(ENCODING) for byte, _ in letters.most_common(_SHOWN))
    advice = f"save it as UTF-8 if its letters beyond ASCII are not {shown}"
    return f"the file is not UTF-8 and was read as {ENCODING}: {advice}"
