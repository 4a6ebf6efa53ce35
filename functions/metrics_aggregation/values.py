"""From checked records of one summary key to numbers: cells, labels, probabilities, times; or why they are refused."""

from __future__ import annotations

from itertools import chain, compress
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from metrics_aggregation.records import LONGEST_MS
from modelloop.errors import InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from metrics_aggregation.predictions import Predictions
    from metrics_aggregation.watched import Watched

    type Floats = NDArray[np.float64]

_NUMBERS = frozenset({int, float})
_LIST = frozenset({list})
_SCALARS = frozenset({str, int, float, bool, type(None)})
_FURTHEST_SHARE = 1e12  # in millionths it is still a 64-bit integer


class Values(NamedTuple):
    """Prediction records of one summary key as numbers: one cell, label or share a row, one latency a request."""

    rows: int
    sampled: int
    warm: Floats
    cold: Floats
    overhead: Floats
    columns: dict[str, Floats] | None  # None: no record has features
    prediction: Floats | None
    shares: Floats | None  # [rows with probabilities, classes]


def read(found: Predictions, watched: Watched) -> Values:
    """Return the values of prediction records of one summary key; raise InvalidValueError when one of them is no use.

    A request that was cut into chunks counts once, and its latency once: in the chunk with offset 0.
    """
    labels = _scalars("predict", found.predict, found.rows)
    head = np.asarray([offset == 0 for offset in found.offset], np.bool_)
    cold = np.asarray(list(map(bool, found.cold)), np.bool_)
    latency = np.asarray(found.latency_ms, np.float64)
    captured = [cells for cells in found.columns if cells is not None]
    sampled = [rows for cells, rows in zip(found.columns, found.rows, strict=True) if cells is not None]
    return Values(
        sum(found.rows),
        sum(sampled),
        latency[head & ~cold],
        latency[head & cold],
        np.asarray(list(map(busy_ms, found.overhead_ms)), np.float64)[head],
        _columns(captured, sampled, watched) if captured else None,
        watched.prediction.read(labels) if watched.prediction else None,
        _shares(found, watched.classes) if watched.classes else None,
    )


def busy_ms(value: Any) -> float:
    """Return milliseconds that an environment was busy; what is no time is taken for none."""
    return value if type(value) in _NUMBERS and 0 <= value <= LONGEST_MS else 0.0


def _columns(captured: Sequence[dict[str, Any]], rows: Sequence[int], watched: Watched) -> dict[str, Floats]:
    """Return every column's cells as values; a record that lacks a column, as masked ones do, says nothing of it."""
    columns = {}
    for column in watched.columns:
        lists, sizes = _lists(captured, rows, column.name)
        if lists:
            columns[column.name] = column.read(_cells(f"column {column.name!r}", lists, sizes))
    for name in watched.slices:
        _scalars(f"column {name!r}", *_lists(captured, rows, name))
    return columns


def _lists(captured: Sequence[dict[str, Any]], rows: Sequence[int], name: str) -> tuple[list[Any], Sequence[int]]:
    """Return a column's lists of cells, one a record that has it, and how many rows each of these records has."""
    try:
        return [cells[name] for cells in captured], rows
    except KeyError:
        having = [name in cells for cells in captured]
        return [cells[name] for cells in compress(captured, having)], list(compress(rows, having))


def _cells(what: str, lists: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    cells = _flattened(lists, sizes)
    if cells is None:
        raise InvalidValueError(f"{what} does not have one cell a row")
    return cells


def _scalars(what: str, lists: Sequence[Any], sizes: Sequence[int]) -> list[Any]:
    cells = _cells(what, lists, sizes)
    if not _SCALARS.issuperset(map(type, cells)):
        raise InvalidValueError(f"{what} holds a cell of a wrong type")
    return cells


def _flattened(lists: Sequence[Any], sizes: Sequence[int]) -> list[Any] | None:
    """Return what is in all lists, one after the other; None when one of them is no list, or not of its size."""
    if not _LIST.issuperset(map(type, lists)):
        return None
    if sizes.count(1) == len(sizes):  # the usual case, a row a request, has a quicker way
        try:
            return [cell for (cell,) in lists]
        except ValueError:
            return None
    return list(chain.from_iterable(lists)) if list(map(len, lists)) == list(sizes) else None


def _shares(found: Predictions, classes: int) -> Floats:
    """Return the probabilities of the rows that have some, [rows, classes]."""
    having = [(table, rows) for table, rows in zip(found.proba, found.rows, strict=True) if table is not None]
    rows = _flattened([table for table, _ in having], [size for _, size in having])
    cells = None if rows is None else _flattened(rows, [classes] * len(rows))
    if cells is None or not _NUMBERS.issuperset(map(type, cells)):
        raise InvalidValueError("proba is not one probability a class a row")
    shares = np.asarray(cells, np.float64).reshape(-1, classes)
    if shares.size and np.abs(shares).max() >= _FURTHEST_SHARE:
        raise InvalidValueError("proba is not one probability a class a row")
    return shares
