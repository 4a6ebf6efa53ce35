"""The same rows in another version's encoding, so that two versions can be asked about the same rows.

What the first encoding has lost stays lost: its rare categories become rare ones of the other; a column that it does
not have, or has as another kind, is missing.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.readers import EPOCH

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column, Encoding


def transcode(matrix: NDArray[np.float32], source: Encoding, target: Encoding) -> NDArray[np.float32]:
    """Return rows of `source`'s slots as rows of `target`'s slots, float32 with NaN for missing."""
    if source.to_json()["columns"] == target.to_json()["columns"]:
        return matrix
    places: dict[str, tuple[Column, int]] = {}
    position = 0
    for column in source.columns:
        places[column.name] = (column, position)
        position += column.width
    parts = [_slots(matrix, places.get(column.name), column) for column in target.columns]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)) if parts else matrix[:, :0]


def _slots(matrix: NDArray[np.float32], place: tuple[Column, int] | None, wanted: Column) -> NDArray[np.float32]:
    empty = np.full((len(matrix), wanted.width), np.nan, np.float32)
    if place is None or place[0].kind != wanted.kind:
        return empty
    column, position = place
    width = min(column.width, wanted.width)
    empty[:, :width] = matrix[:, position : position + width]
    if wanted.kind == "text":
        empty[:, 0] = _codes(empty[:, 0], column, wanted)
    elif wanted.kind == "date":
        empty[:, 0] += _days(column) - _days(wanted)
    return empty


def _codes(slot: NDArray[np.float32], column: Column, wanted: Column) -> NDArray[np.float32]:
    other = len(wanted.categories)
    theirs = {category: code for code, category in enumerate(wanted.categories)}
    table = np.array([*(theirs.get(category, other) for category in column.categories), other], np.float32)
    known = ~np.isnan(slot)
    translated = np.full_like(slot, np.nan)
    translated[known] = table[slot[known].astype(np.intp)]
    return translated


def _days(column: Column) -> int:
    return int(np.datetime64(column.origin or EPOCH, "D").astype(np.int64))
