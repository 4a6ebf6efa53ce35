"""Labels that come back for made-up predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.support.capture_world import (
    label,
)

if TYPE_CHECKING:
    from tests.support.capture_world import Record


def answers(records: list[Record], *, wrong: int = 0) -> list[Record]:
    """Labels that agree with the predictions, but for the first `wrong` ones."""
    found = [(record, row, said) for record in records for row, said in enumerate(record["predict"])]
    flipped = {"Adelie": "Gentoo", "Gentoo": "Adelie"}
    return [
        label(record["id"], flipped[said] if at < wrong else said, row=row)
        for at, (record, row, said) in enumerate(found)
    ]
