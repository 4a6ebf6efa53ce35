"""From checked records of one place to the tallies of its summary."""

from __future__ import annotations

from bisect import bisect_left
from collections import Counter
from itertools import chain
from typing import TYPE_CHECKING, Any

import numpy as np

from metrics_aggregation.records import LONGEST_MS
from modelloop import cost
from modelloop.errors import InvalidValueError
from modelloop.summary import CONFIDENCE_BINS, LATENCY_BOUNDS_MS, MICROS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from metrics_aggregation.records import Record
    from metrics_aggregation.watched import Watched
    from modelloop.summary import Tallies

_NUMBERS = (float, int)
_BLANK_LATENCY = [0] * (len(LATENCY_BOUNDS_MS) + 1)


def predictions(records: Sequence[Record], watched: Watched) -> Tallies:
    """Return the tallies of prediction records of one place; raise InvalidValueError when one of them is no use.

    A request that was cut into chunks counts once, and its latency once: in the chunk with offset 0.
    """
    heads = [record for record in records if record["offset"] == 0]
    sampled = [record for record in records if record["columns"] is not None]
    tallies: Tallies = {
        "requests": len(heads),
        "rows": sum(record["rows"] for record in records),
        "sampled": sum(record["rows"] for record in sampled),
        cost.BUSY: _busy(heads),
        "latency": {
            kind: _latencies([record["latency_ms"] for record in heads if bool(record.get("cold")) is cold])
            for kind, cold in (("warm", False), ("cold", True))
        },
    }
    if watched.prediction:
        rows = [record["rows"] for record in records]
        tallies["prediction"] = watched.prediction.tally([record["predict"] for record in records], rows)
    if sampled:
        tallies["columns"] = _columns(sampled, watched)
    if watched.classes:
        scored = [record for record in records if record["proba"] is not None]
        if any(len(record["proba"]) != record["rows"] for record in scored):
            raise InvalidValueError("proba does not have one list a row")
        tallies["confidence"] = _confidence([record["proba"] for record in scored])
    return tallies


def errors(records: Sequence[Record]) -> Tallies:
    """Return the tallies of error records of one place."""
    return {"errors": dict(Counter(record["error_code"][:64] for record in records)), cost.BUSY: _busy(records)}


def _columns(sampled: Sequence[Record], watched: Watched) -> Tallies:
    rows = [record["rows"] for record in sampled]
    captured = [record["columns"] for record in sampled]
    alike = _transposed(captured)
    columns = {}
    for column in watched.columns:
        lists = alike.get(column.name) if alike is not None else _cells(captured, column.name, rows)
        if lists is not None:
            columns[column.name] = column.tally(lists, rows)
    return columns


def _transposed(captured: Sequence[dict[str, Any]]) -> dict[str, tuple[Any, ...]] | None:
    """Return every column's cells, one list a record; None when the records differ in their columns or their order."""
    names = list(captured[0])
    if any(list(cells) != names for cells in captured):
        return None
    return dict(zip(names, zip(*map(dict.values, captured), strict=True), strict=True))


def _cells(captured: Sequence[dict[str, Any]], name: str, rows: Sequence[int]) -> list[Any] | None:
    """Return a column's cells, one list a record; records without it miss it in all their rows; None: all do."""
    found = [cells.get(name) for cells in captured]
    if not any(found):
        return None
    return [[None] * size if cells is None else cells for cells, size in zip(found, rows, strict=True)]


def _latencies(milliseconds: list[float]) -> Tallies:
    counts = list(_BLANK_LATENCY)
    for value in milliseconds:
        counts[bisect_left(LATENCY_BOUNDS_MS, value)] += 1
    return {"counts": counts, "micros": sum(round(value * MICROS) for value in milliseconds)}


def _busy(records: Sequence[Record]) -> int:
    """Return the microseconds that environments were busy; what is no time is taken for none."""
    times: list[Any] = [record.get(name) for name in ("latency_ms", "overhead_ms") for record in records]
    return sum(round(ms * MICROS) for ms in times if type(ms) in _NUMBERS and 0 <= ms <= LONGEST_MS)


def _confidence(tables: list[Any]) -> list[int]:
    """Count rows by the probability of their likeliest class, in bins of equal width."""
    try:
        likeliest = np.asarray([max(row) for row in chain.from_iterable(tables)], np.float64)
        found = np.minimum((likeliest * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
        return [int(amount) for amount in np.bincount(found, minlength=CONFIDENCE_BINS)]
    except (TypeError, ValueError) as error:
        raise InvalidValueError("proba is not one probability a class a row") from error
