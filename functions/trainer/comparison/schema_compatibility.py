"""Two versions of a model with different columns: what callers must send, and one version's rows in the other's slots.

What the first encoding has lost stays lost: its rare categories become rare ones of the other; a column that it does
not have, or has as a kind that says nothing of the other, is missing.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.day_of_year import BEFORE_MONTH, points
from modelloop.tables.encoding import YEAR_PARTS, Column, Encoding
from modelloop.tables.readers import EPOCH
from trainer.comparison import other_kinds

if TYPE_CHECKING:
    from collections.abc import Collection

    from numpy.typing import NDArray

    from trainer.table import PreparedTable

MONTHS = len(BEFORE_MONTH)
LEFT_OUT = "the champion learned without its many values, and its stored rows do not hold them"


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


def without_new_values(table: PreparedTable, champions: Encoding | None, known: Collection[str]) -> PreparedTable:
    """Return a table without text that is encoded by the target if the champion's table had it and it was dropped.

    `known` are the names of all columns of the champion's table. The champion's stored rows do not hold such text, so a
    version that learned from it would be compared with its eyes closed.
    """
    if champions is None:
        return table
    kept = {column.name for column in champions.columns}
    left = {column.name for column in table.encoding.columns if column.by_target} & set(known) - kept
    if not left:
        return table
    slots = [place for place, slot in enumerate(table.encoding.slots) if slot.column not in left]
    columns = [column for column in table.encoding.columns if column.name not in left]
    profile = [
        replace(column, role="dropped", reason=LEFT_OUT) if column.name in left else column
        for column in table.facts.profile
    ]
    encoding = Encoding(columns, sorted(table.encoding.missing))
    facts = replace(table.facts, profile=profile, encoding=encoding)
    rows = replace(table.rows, matrix=np.ascontiguousarray(table.rows.matrix[:, slots]))
    return replace(table, document=replace(table.document, facts=facts), encoding=encoding, rows=rows)


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
    given = matrix[:, position : position + column.width]
    if column.kind != wanted.kind:
        return other_kinds.translated(given, column, wanted, missing)
    if wanted.kind == "date":
        return _date_parts(given, column, wanted)
    slots[:, 0] = _codes(given[:, 0], column, wanted) if wanted.kind == "text" else given[:, 0]
    return slots


def _date_parts(given: NDArray[np.float32], column: Column, wanted: Column) -> NDArray[np.float32]:
    """Return the slots of a date: all but the hour follow from the days since the origin."""
    parts = dict(zip(column.date_parts, given.T, strict=True))
    days = parts["days"] + np.float32(_days(column) - _days(wanted))
    parts |= {"days": days, **dict(zip(YEAR_PARTS, _year(given[:, 0], column), strict=True))}
    unknown = np.full(len(given), np.nan, np.float32)
    return np.stack([parts.get(part, unknown) for part in wanted.date_parts], axis=1)


def _year(days: NDArray[np.float32], column: Column) -> NDArray[np.float32]:
    """Return sine and cosine of the day of the year of days since a column's origin, [2, rows]."""
    known = ~np.isnan(days)
    dates = days[known].astype(np.int64) + np.datetime64(column.origin or EPOCH, "D")
    months = dates.astype("datetime64[M]")
    places = np.array(BEFORE_MONTH)[months.astype(np.int64) % MONTHS] + (dates - months).astype(np.int64)
    parts = np.full((len(YEAR_PARTS), len(days)), np.nan, np.float32)
    parts[:, known] = np.array(points())[:, places]
    return parts


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
