"""Which prediction each labelled row of a derived table was, so that it can be found when that is to be erased."""

from __future__ import annotations

from dataclasses import dataclass
from hashlib import sha256
from typing import NamedTuple

import orjson

from modelloop.contracts.reading import reading

FORMAT_VERSION = 1


class Origin(NamedTuple):
    """Which prediction's row a line of a derived table is, and the line's digest."""

    id: str
    row: int
    digest: str


@dataclass(frozen=True, slots=True)
class Origins:
    """What the lines of a derived table are, after `before` lines of the base table."""

    before: int
    rows: tuple[Origin, ...]

    def to_bytes(self) -> bytes:
        """Return the stored document."""
        rows = [list(origin) for origin in self.rows]
        return orjson.dumps({"format_version": FORMAT_VERSION, "before": self.before, "rows": rows})


def read_origins(body: bytes) -> Origins:
    """Read a stored document; raise ArtifactRefusedError when it is of an unknown format."""
    document = orjson.loads(body)
    with reading("document of origins", document, FORMAT_VERSION):
        return Origins(document["before"], tuple(Origin(*row) for row in document["rows"]))


def line_digest(line: bytes) -> str:
    """Return what a line of a derived table is known by."""
    return sha256(line).hexdigest()[:32]
