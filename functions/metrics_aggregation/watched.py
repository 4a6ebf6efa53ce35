"""What is watched of a version: its baseline's columns, made ready to count captured cells with."""

from __future__ import annotations

from datetime import date
from functools import cached_property, lru_cache
from itertools import repeat
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop.contracts.baseline import baseline_from_json
from modelloop.errors import InvalidValueError
from modelloop.monitoring.drift import baseline
from modelloop.monitoring.summary import MILLIONTHS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import BaselineColumn
    from modelloop.contracts.counts import Counts

FURTHEST = 1e20  # a sum in millionths takes values up to here, so that no engine's integers overflow
_SAFE = float(1 << 62)


class WatchedColumn:
    """One column of a baseline (or its prediction): reads captured cells into slot values and counts them."""

    def __init__(self, column: BaselineColumn) -> None:
        self.name = column.name
        self._column = column
        self._read = {"number": _numbers, "boolean": _booleans, "date": self._days, "text": self._codes}[column.kind]

    def read(self, cells: list[Any]) -> NDArray[np.float64]:
        """Return captured cells as slot values, NaN for missing; raise InvalidValueError for a cell of a wrong type."""
        try:
            return self._read(cells)
        except (TypeError, ValueError, OverflowError) as error:
            raise InvalidValueError(f"column {self.name!r} holds a cell of a wrong type") from error

    def count(self, values: NDArray[np.float64]) -> Counts:
        """Count slot values in the bins of the baseline."""
        in_bins, missing, unseen = baseline.count(self._column.bins, values)
        counts: Counts = {"counts": in_bins, "missing": missing, "unseen": unseen}
        return counts | ({"millionths": millionths(values)} if self._column.kind == "number" else {})

    def _codes(self, cells: list[Any]) -> NDArray[np.float64]:
        codes, other = self._code_by_text, float(len(self._column.bins.categories or ()))
        if self.name == baseline.PREDICTION:
            cells = _label_texts(cells)
        _check(cells, {str, type(None)})
        return np.fromiter(map(codes.get, cells, repeat(other)), np.float64, len(cells))

    def _days(self, cells: list[Any]) -> NDArray[np.float64]:
        _check(cells, {str, type(None)})
        days = [np.nan if cell is None else _ordinal(cell[:10]) for cell in cells]
        return np.asarray(days, np.float64) - _ordinal(self._column.origin or "1970-01-01")

    @cached_property
    def _code_by_text(self) -> dict[str | None, float]:
        return {None: np.nan} | {text: float(code) for code, text in enumerate(self._column.bins.categories or ())}


class Watched:
    """A version as monitoring sees it, from its manifest."""

    def __init__(self, manifest: dict[str, Any]) -> None:
        self.model: str = manifest["model"]
        self.version: int = manifest["version"]
        stored = manifest.get("baseline")
        known = baseline_from_json(stored) if stored else None
        self.columns = [WatchedColumn(column) for column in known.columns] if known else []
        self.prediction = WatchedColumn(known.prediction) if known else None
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


@lru_cache(10_000)
def _ordinal(day: str) -> float:
    return float(date.fromisoformat(day).toordinal())


def _numbers(cells: list[Any]) -> NDArray[np.float64]:
    _check(cells, {int, float, type(None)})
    return np.asarray(cells, np.float64)


def _booleans(cells: list[Any]) -> NDArray[np.float64]:
    _check(cells, {bool, type(None)})
    return np.asarray(cells, np.float64)


def _label_texts(cells: list[Any]) -> list[str]:
    """Return labels as texts; few are different, and only equal texts are sure to be the same label (1 is not true)."""
    if set(map(type, cells)) == {str}:
        texts = {cell: baseline.label_text(cell) for cell in set(cells)}
        return [texts[cell] for cell in cells]
    return [baseline.label_text(cell) for cell in cells]


def _check(cells: list[Any], types: set[type]) -> None:
    if not types.issuperset(map(type, cells)):
        raise TypeError
