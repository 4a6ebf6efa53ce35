"""What is watched of a version: its baseline's columns, made ready to count captured cells with."""

from __future__ import annotations

from datetime import date
from functools import cached_property
from itertools import chain, repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import baseline
from modelloop.errors import InvalidValueError
from modelloop.summary import MILLIONTHS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.summary import Tallies

FURTHEST = 1e20  # a sum in millionths takes values up to here, so that no engine's integers overflow
_SAFE = float(1 << 62)


class WatchedColumn:
    """One column of a baseline (or its prediction): reads captured cells into slot values and counts them."""

    def __init__(self, bins: dict[str, Any]) -> None:
        self.name: str = bins["name"]
        self._bins = bins
        self._read = {"number": _numbers, "boolean": _booleans, "date": self._days, "text": self._codes}[bins["kind"]]

    def tally(self, lists: Sequence[Any], rows: Sequence[int]) -> Tallies:
        """Count captured cells, given as one list a record of that many rows.

        Raises InvalidValueError for what is no list, a list of another length, or a cell of a wrong type.
        """
        cells = _flattened(lists, rows)
        if cells is None:
            raise InvalidValueError(f"column {self.name!r} does not have one cell a row")
        try:
            values = self._read(cells)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidValueError(f"column {self.name!r} holds a cell of a wrong type") from error
        counts, missing, unseen = baseline.count(self._bins, values)
        tallies: Tallies = {"counts": counts, "missing": missing, "unseen": unseen}
        return tallies | ({"millionths": millionths(values)} if self._bins["kind"] == "number" else {})

    def _codes(self, cells: list[Any]) -> NDArray[np.float64]:
        codes, other = self._code_by_text, float(len(self._bins["categories"]))
        if self._bins["name"] == baseline.PREDICTION:
            cells = _label_texts(cells)
        _check(cells, {str, type(None)})
        return np.fromiter(map(codes.get, cells, repeat(other)), np.float64, len(cells))

    def _days(self, cells: list[Any]) -> NDArray[np.float64]:
        _check(cells, {str, type(None)})
        origin = date.fromisoformat(self._bins["origin"] or "1970-01-01").toordinal()
        days = {cell: float(date.fromisoformat(cell[:10]).toordinal() - origin) for cell in set(cells) - {None}}
        return np.asarray([np.nan if cell is None else days[cell] for cell in cells], np.float64)

    @cached_property
    def _code_by_text(self) -> dict[str | None, float]:
        return {None: np.nan} | {text: float(code) for code, text in enumerate(self._bins["categories"])}


class Watched:
    """A version as monitoring sees it, from its manifest."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.model: str = manifest["model"]
        self.version: int = manifest["version"]
        known = manifest.get("baseline") or {}
        self.columns = [WatchedColumn(bins) for bins in known.get("columns", ())]
        self.prediction = WatchedColumn(known["prediction"]) if known.get("prediction") else None
        self.classes: int = len(manifest.get("classes") or ())
        mask = set((manifest.get("monitoring") or {}).get("mask") or ())
        protected = (manifest.get("spec") or {}).get("protected") or ()
        self.slices: tuple[str, ...] = tuple(name for name in protected if name not in mask)


def millionths(values: NDArray[np.float64]) -> int:
    """Return the sum of the values that are not NaN in fixed point: exact, so that no order or split matters."""
    scaled = np.rint(np.clip(values[~np.isnan(values)], -FURTHEST, FURTHEST) * MILLIONTHS)
    if scaled.shape[0] and float(np.abs(scaled).max()) * scaled.shape[0] >= _SAFE:
        return sum(int(value) for value in scaled.tolist())
    return int(scaled.astype(np.int64).sum())


def _numbers(cells: list[Any]) -> NDArray[np.float64]:
    _check(cells, {int, float, type(None)})
    return np.asarray(cells, np.float64)


def _booleans(cells: list[Any]) -> NDArray[np.float64]:
    _check(cells, {bool, type(None)})
    return np.asarray(cells, np.float64)


def _flattened(lists: Sequence[Any], rows: Sequence[int]) -> list[Any] | None:
    """Return the cells of all lists; None when one of them is no list, or not of its length."""
    if set(map(type, lists)) - {list}:
        return None
    if rows.count(1) == len(rows):  # the usual case, a row a request, has a quicker way
        try:
            return [cell for (cell,) in lists]
        except ValueError:
            return None
    return list(chain.from_iterable(lists)) if list(map(len, lists)) == rows else None


def _label_texts(cells: list[Any]) -> list[str]:
    """Return labels as texts; few are different, and only equal texts are sure to be the same label (1 is not true)."""
    if set(map(type, cells)) == {str}:
        texts = {cell: baseline.label_text(cell) for cell in set(cells)}
        return [texts[cell] for cell in cells]
    return [baseline.label_text(cell) for cell in cells]


def _check(cells: list[Any], types: set[type]) -> None:
    if not types.issuperset(map(type, cells)):
        raise TypeError
