"""Two versions of a model with different columns: what callers must send, and one version's rows in the other's slots.

What the first encoding has lost stays lost: its rare categories become rare ones of the other; a column that it does
not have, or has as a kind that says nothing of the other, is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.readers import EPOCH
from trainer.comparison import other_kinds

if TYPE_CHECKING:
    from numpy.typing import NDArray


def keep_old_callers(encoding: Encoding, champions: Encoding | None) -> Encoding:
    """Return an encoding whose columns are required only if the champion's are, so that its callers can stay.

    Without a champion (`champions` is None) the encoding stays as it is.
    """
    if champions is None:
        return encoding
    required = {column.name: column.required for column in champions.columns}
    columns = [
        replace(column, required=column.required and required.get(column.name, False)) for column in encoding.columns
    ]
    return Encoding(columns, sorted(encoding.missing))


def schema_changes(before: Encoding, now: Encoding) -> tuple[list[str], list[str]]:
    """Return the columns that callers must newly send, and those of another kind that does not read what they send."""
    old = {column.name: column for column in before.columns}
    required = [
        column.name for column in now.columns
        if column.required and (column.name not in old or not old[column.name].required)
    ]  # fmt: skip
    other = [column for column in now.columns if column.name in old and old[column.name].kind != column.kind]
    return required, [
        column.name for column in other if not other_kinds.is_read_still(old[column.name], column, now.missing)
    ]


def in_encoding(matrix: NDArray[np.float32], source: Encoding, target: Encoding) -> NDArray[np.float32]:
    """Return rows [rows, slots of `source`] as rows [rows, slots of `target`], float32 with NaN for missing."""
    if source.to_json()["columns"] == target.to_json()["columns"]:
        return matrix
    places: dict[str, tuple[Column, int]] = {}
    position = 0
    for column in source.columns:
        places[column.name] = (column, position)
        position += column.width
    missing = source.missing | target.missing
    parts = [_slots(matrix, places.get(column.name), column, missing) for column in target.columns]
    return np.ascontiguousarray(np.concatenate(parts, axis=1)) if parts else matrix[:, :0]


def _slots(
    matrix: NDArray[np.float32], place: tuple[Column, int] | None, wanted: Column, missing: frozenset[str]
) -> NDArray[np.float32]:
    slots = np.full((len(matrix), wanted.width), np.nan, np.float32)
    if place is None:
        return slots
    column, position = place
    if column.kind != wanted.kind:
        return other_kinds.translated(matrix[:, position : position + column.width], column, wanted, missing)
    width = min(column.width, wanted.width)
    slots[:, :width] = matrix[:, position : position + width]
    if wanted.kind == "text":
        slots[:, 0] = _codes(slots[:, 0], column, wanted)
    elif wanted.kind == "date":
        slots[:, 0] += _days(column) - _days(wanted)
    return slots


def _codes(slot: NDArray[np.float32], column: Column, wanted: Column) -> NDArray[np.float32]:
    other = len(wanted.categories)
    theirs = {category: code for code, category in enumerate(wanted.categories)}
    table = np.array([*(theirs.get(category, other) for category in column.categories), other], np.float32)
    present = ~np.isnan(slot)
    translated = np.full_like(slot, np.nan)
    translated[present] = table[slot[present].astype(np.intp)]
    return translated


def _days(column: Column) -> int:
    return int(np.datetime64(column.origin or EPOCH, "D").astype(np.int64))
