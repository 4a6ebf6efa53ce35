"""The split of a table by content, row by row in Python: what the intake's SQL is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.tables.split import FIELD_MARK, HOLDOUT, TRAIN, VALIDATION, VALUE_MARK, validation_edge

if TYPE_CHECKING:
    from collections.abc import Mapping


def content(cells: Mapping[str, str | None]) -> str:
    """Return what identifies a row: its present cells in the order of their names.

    A missing cell adds nothing, so a column that is added later and is missing in old rows moves none of them.
    """
    return "".join(f"{name}{VALUE_MARK}{cell}{FIELD_MARK}" for name, cell in sorted(cells.items()) if cell is not None)


def side(place: float, holdout: float) -> int:
    """Return the side for a place: the lowest part is held out, a fifth of the rest validates."""
    if place < holdout:
        return HOLDOUT
    return VALIDATION if place < validation_edge(holdout) else TRAIN
