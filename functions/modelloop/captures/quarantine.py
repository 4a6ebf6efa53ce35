"""Captured lines that are not records: why in a sentence and in a word, counted by the word, kept as quotations.

The words are few, so that they can be counted apart. A quarantine object holds the lines of one capture object: a head
that names that object and how many lines of it were refused, then one quotation a line.
"""

from __future__ import annotations

import json
from enum import StrEnum
from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts.index_entry import FORMAT_VERSION, SourceObject
from modelloop.contracts.reading import reading

if TYPE_CHECKING:
    from collections.abc import Iterable

MAX_QUOTES = 10_000
MAX_QUOTE_BYTES = 4_096
COUNTED = "quarantined"  # the name of these counts in a summary
UNKNOWN_MODEL = "_"  # stands for a model's name where a line names no model of ours; no model can be called so


class Kind(StrEnum):
    """Why a line was refused, in a word."""

    DAMAGED = "damaged_object"
    MALFORMED = "malformed"
    NOT_JSON = "not_json"
    OTHER_FORMAT = "other_format"
    OUTSIDE_RETENTION = "outside_retention"
    UNFIT = "unfit_values"
    UNKNOWN_MODEL = "unknown_model"
    UNKNOWN_VERSION = "unknown_version"


class Refused(NamedTuple):
    """A line that is no record: where it stood (from 1), why in a sentence and in a word, which model it names."""

    line: int
    reason: str
    text: bytes
    kind: str
    model: str = ""


class Quote(NamedTuple):
    """A refused line as it is stored. Quotes of older stacks name neither kind nor model."""

    line: int
    reason: str
    text: str
    kind: str = ""
    model: str = ""

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        return json.dumps(self._asdict()).encode()


class QuarantineObject(NamedTuple):
    """A stored quarantine object: the capture object that it is of, how many of its lines were refused, and quotes."""

    source: SourceObject
    refused: int
    quotes: list[Quote]

    def to_bytes(self) -> bytes:
        """Return the stored form."""
        head = {"format_version": FORMAT_VERSION, **self.source.to_json(), "refused": self.refused}
        lines = [json.dumps(head).encode(), *(quote.to_line() for quote in self.quotes)]
        return b"".join(line + b"\n" for line in lines)


class Quarantine:
    """Counts every refused line of an object and keeps the first ten thousand of them."""

    def __init__(self) -> None:
        self.count = 0
        self._refused: list[Refused] = []

    def add(self, refused: Iterable[Refused]) -> None:
        """Take in lines, in any order."""
        for line in refused:
            self.count += 1
            self._refused.append(line._replace(text=line.text[:MAX_QUOTE_BYTES].rstrip(b"\r\n")))
            if len(self._refused) >= 2 * MAX_QUOTES:
                self._refused = sorted(self._refused)[:MAX_QUOTES]

    def to_bytes(self, source: SourceObject) -> bytes:
        """Return the stored form of what was refused of an object."""
        first = sorted(self._refused)[:MAX_QUOTES]
        return QuarantineObject(source, self.count, list(map(_quote, first))).to_bytes()


def read_quarantine(body: bytes) -> QuarantineObject:
    """Read a stored quarantine object; raise ArtifactRefusedError when it is of an unknown format."""
    head, *quotes = [json.loads(line) for line in body.splitlines()]
    with reading("quarantine object", head, FORMAT_VERSION):
        source = SourceObject(head["key"], head["version_id"])
        return QuarantineObject(source, head["refused"], [Quote(**quote) for quote in quotes])


def _quote(line: Refused) -> Quote:
    return Quote(line.line, line.reason, line.text.decode(errors="backslashreplace"), line.kind, line.model)
