"""Lines that could not be read, kept with where they stood and why."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

    from metrics_aggregation.lines import Refused

MOST_QUOTED = 10_000
LONGEST_QUOTE = 4_096


class Quarantine:
    """Counts every refused line of an object and quotes the first ten thousand."""

    def __init__(self) -> None:
        self.count = 0
        self._quoted: list[Refused] = []

    def add(self, refused: Iterable[Refused]) -> None:
        """Take in lines, in any order."""
        for one in refused:
            self.count += 1
            self._quoted.append(one._replace(text=one.text[:LONGEST_QUOTE].rstrip(b"\r\n")))
            if len(self._quoted) >= 2 * MOST_QUOTED:
                self._quoted = sorted(self._quoted)[:MOST_QUOTED]

    def to_bytes(self, head: dict[str, str | None]) -> bytes:
        """Return the stored form: `head` and the count, then a quotation a line."""
        quotes = [
            one._asdict() | {"text": one.text.decode(errors="backslashreplace")}
            for one in sorted(self._quoted)[:MOST_QUOTED]
        ]
        documents = [{"format_version": 1, **head, "refused": self.count}, *quotes]
        return b"".join(json.dumps(document).encode() + b"\n" for document in documents)
