"""A column that one version reads as text and another as numbers, dates or booleans.

A release that reads more notations, or more texts as missing, changes kinds like this without anything being sent
otherwise. Where every category of the text reads as the other kind, callers can stay, and rows go over by category.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.errors import InvalidValueError
from modelloop.tables.readers import column_reader

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column

TEXT = "text"


def is_read_still(before: Column, now: Column, missing: frozenset[str]) -> bool:
    """Return whether what callers send of a text column is read as well by the kind that it has now."""
    return before.kind == TEXT and now.kind != TEXT and _category_slots(before, now, missing) is not None


def translated(
    given: NDArray[np.float32], column: Column, wanted: Column, missing: frozenset[str]
) -> NDArray[np.float32]:
    """Return the slots [rows, width of `wanted`] of a column's slots [rows, its width], NaN where nothing tells."""
    if column.kind == TEXT and (slots := _category_slots(column, wanted, missing)) is not None:
        return _looked_up(given[:, 0], slots)
    if wanted.kind == TEXT and (slots := _category_slots(wanted, column, missing)) is not None:
        return _found(given, slots)[:, None]
    return np.full((len(given), wanted.width), np.nan, np.float32)


def _category_slots(text: Column, other: Column, missing: frozenset[str]) -> NDArray[np.float32] | None:
    """Return the slots [categories, width] that another kind makes of categories; None when it cannot read them all."""
    slots: list[list[float]] = []
    try:
        column_reader(other, missing)(text.categories, slots)
    except InvalidValueError:
        return None
    return np.array(slots, np.float32).T.reshape(len(text.categories), other.width)


def _looked_up(codes: NDArray[np.float32], slots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the slots of each code; those of a missing cell and of a rare category are not known."""
    known = ~np.isnan(codes) & (codes < len(slots))
    found = np.full((len(codes), slots.shape[1]), np.nan, np.float32)
    found[known] = slots[codes[known].astype(np.intp)]
    return found


def _found(given: NDArray[np.float32], slots: NDArray[np.float32]) -> NDArray[np.float32]:
    """Return the code of the first category that has a row's slots, that of rare categories when none has."""
    codes = np.full(len(given), len(slots), np.float32)
    for code in range(len(slots) - 1, -1, -1):
        codes[(given == slots[code]).all(axis=1)] = code
    codes[np.isnan(given).all(axis=1)] = np.nan
    return codes
