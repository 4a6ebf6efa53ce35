"""Golden rows: raw rows made up from bins and categories, whose answers every environment must reproduce.

They are no real rows: numbers are rounded middles of bins, categories are ones that at least ten rows had, masked
columns are missing. Every row goes through the same grammar and encoding as a request.
"""

from __future__ import annotations

from datetime import date, timedelta
from itertools import pairwise
from typing import TYPE_CHECKING

from modelloop.tables.readers import EPOCH

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping, Sequence

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.contracts.bundle import Cell
    from modelloop.tables.encoding import Column, Encoding

ROWS = 8
MIN_SEEN = 10
UNSEEN = "a category never seen"
_DIGITS = 3
_MAX_NUMBER = 3.4e38  # the largest that three digits can write within the range of a 32-bit float


def golden_rows(
    encoding: Encoding, baseline: Baseline, mask: Collection[str], rows: int = ROWS
) -> list[dict[str, Cell]]:
    """Return synthetic rows by column name; over the rows, each column runs through its choices and missing."""
    bins = {column.name: column for column in baseline.columns}
    choices: list[list[Cell]] = [
        [None] if column.name in mask or column.name not in bins else [*_choices(column, bins[column.name]), None]
        for column in encoding.columns
    ]
    return [
        {column.name: _pick(options, row, place) for place, (column, options) in _numbered(encoding, choices)}
        for row in range(rows)
    ]


def cells(rows: Sequence[Mapping[str, Cell]], encoding: Encoding) -> dict[str, list[Cell]]:
    """Return rows as columns, as `Encoding.read` takes them."""
    return {column.name: [row[column.name] for row in rows] for column in encoding.columns}


def _numbered(encoding: Encoding, choices: list[list[Cell]]) -> enumerate[tuple[Column, list[Cell]]]:
    return enumerate(zip(encoding.columns, choices, strict=True))


def _pick(options: list[Cell], row: int, place: int) -> Cell:
    """Choose so that neighbouring columns are out of step and the first rows differ most."""
    return options[(row * _stride(len(options)) + place) % len(options)]


def _stride(length: int) -> int:
    step = max(1, round(length * 0.382))
    while length % step == 0 and step > 1:
        step -= 1
    return step


def _choices(column: Column, counted: BaselineColumn) -> list[Cell]:
    if column.kind == "boolean":
        return [True, False]
    if column.kind == "text":
        counts = zip(counted.bins.categories or (), counted.counts, strict=False)
        return [*(name for name, count in counts if count >= MIN_SEEN), UNSEEN]
    middles = _middles(counted.bins.edges or ())
    if column.kind == "number":
        return [*middles]
    origin = date.fromisoformat(column.origin or EPOCH)
    return [*sorted({_day(origin, middle) for middle in middles})]


def _middles(edges: Sequence[float]) -> list[float]:
    """Return rounded middles of the bins; the open ones at both ends are as wide as their neighbours."""
    if len(edges) < 2:  # noqa: PLR2004  one edge, or none, has no middle
        return [_rounded(edge) for edge in edges] or [0.0]
    first, last = 2 * edges[0] - edges[1], 2 * edges[-1] - edges[-2]
    fences = [first, *edges, last]
    return sorted({_rounded((low + high) / 2) for low, high in pairwise(fences)})


def _rounded(number: float) -> float:
    return float(f"{min(max(number, -_MAX_NUMBER), _MAX_NUMBER):.{_DIGITS}g}")


def _day(origin: date, days: float) -> str:
    reachable = min(max(origin.toordinal() + round(days), 1), date.max.toordinal())
    return (date.min + timedelta(days=reachable - 1)).isoformat()
