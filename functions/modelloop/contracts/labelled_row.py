"""A labelled row: one prediction's features and the label that came for it, kept by the hour to train on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelloop.contracts.capture_record import Cell


@dataclass(frozen=True, slots=True)
class LabelledRow:
    """One predicted row: its captured cells by column, its last label, and when that label was given."""

    id: str
    row: int
    time: str
    values: Mapping[str, Cell]
    label: str | float | bool

    def to_line(self) -> bytes:
        """Return the stored line, without its line break."""
        return orjson.dumps(
            {"id": self.id, "row": self.row, "time": self.time, "values": self.values, "label": self.label}
        )


def read_labelled_row(line: bytes) -> LabelledRow:
    """Return the labelled row of a stored line."""
    document = orjson.loads(line)
    return LabelledRow(document["id"], document["row"], document["time"], document["values"], document["label"])


def read_labelled_rows(body: bytes) -> Iterator[LabelledRow]:
    """Yield the labelled rows of a stored object; lines without features or without a label are passed over."""
    rows = (read_labelled_row(line) for line in body.split(b"\n") if line.strip())
    return (row for row in rows if isinstance(row.values, dict) and row.label is not None)
