"""Which prediction each labelled row of a derived table was, so that it can be found when that is to be erased."""

from __future__ import annotations

from collections import Counter
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple

import orjson

from modelloop.captures.erasure import Kept

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.captures.erasure import Row

FORMAT_VERSION = 1


class Origin(NamedTuple):
    """Which prediction's row a line of a derived table is, and the line's digest."""

    id: str
    row: int
    digest: str


def document(before: int, found: Iterable[Origin]) -> bytes:
    """Return the document that tells what the lines of a derived table are, after `before` lines of the base table."""
    return orjson.dumps(
        {"format_version": FORMAT_VERSION, "before": before, "rows": [list(origin) for origin in found]}
    )


def holds(told: bytes, wanted: Row) -> bool:
    """Say whether a derived table with these origins holds the rows."""
    return any(wanted.holds(*row[:2]) for row in orjson.loads(told)["rows"])


def without(table: bytes, told: bytes, wanted: Row) -> tuple[Kept, bytes]:
    """Return a derived CSV table and the document of its origins, both without the rows.

    Lines are known by their digests, so that a table which lost the rows before comes back as it is.
    """
    known = orjson.loads(told)
    found = [Origin(*row) for row in known["rows"]]
    left = [origin for origin in found if not wanted.holds(origin.id, origin.row)]
    going = {origin.digest for origin in found if wanted.holds(origin.id, origin.row)}
    room = Counter(origin.digest for origin in left)
    kept, gone = [], 0
    for at, line in enumerate(_lines(table)):
        name = line_digest(line) if at >= known["before"] else ""
        room[name] -= 1
        if name in going and room[name] < 0:
            gone += 1
        else:
            kept.append(line)
    return Kept(b"".join(kept), gone), document(known["before"], left)


def line_digest(line: bytes) -> str:
    """Return what a line of a derived table is known by."""
    return sha256(line).hexdigest()[:32]


def _lines(table: bytes) -> Iterator[bytes]:
    """Yield the lines of a CSV table as they are written; a line break inside quotes ends none."""
    line = b""
    for piece in table.splitlines(keepends=True):
        line += piece
        if line.count(b'"') % 2 == 0:
            yield line
            line = b""
    if line:
        yield line
