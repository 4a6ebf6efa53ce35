"""From values of one summary key to the counts of its summary: counting is cheap for many rows together."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

from modelloop.monitoring import cost
from modelloop.monitoring.drift import pairs
from modelloop.monitoring.summary import CONFIDENCE_BINS, LATENCY_BOUNDS_MS, MICROS

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence

    from numpy.typing import NDArray

    from metrics_aggregation.values import Floats, Values
    from metrics_aggregation.watched import Watched
    from modelloop.contracts.capture_record import ErrorRecord
    from modelloop.contracts.counts import Counts

    type Places = NDArray[np.intp]


def count(parts: Sequence[Values], watched: Watched) -> Counts:
    """Return the counts of one summary key's values, which were read with the same version."""
    latency = {"warm": _joined(part.warm for part in parts), "cold": _joined(part.cold for part in parts)}
    counts: Counts = {
        "requests": sum(times.shape[0] for times in latency.values()),
        "rows": sum(part.rows for part in parts),
        "sampled": sum(part.sampled for part in parts),
        cost.BUSY: sum(map(_micros, latency.values())) + _micros(_joined(part.overhead for part in parts)),
        "latency": {kind: _latencies(times) for kind, times in latency.items()},
    }
    places: dict[str | None, Places] = {}  # None: those of the predictions
    if watched.prediction:
        answers = _joined(part.prediction for part in parts)
        places[None] = watched.prediction.places(answers)
        counts["prediction"] = watched.prediction.count(answers, places[None])
    if any(part.columns is not None for part in parts):
        counts["columns"] = _column_counts([part.columns or {} for part in parts], watched, places)
        if watched.paired:
            counts["pairs"] = pairs.count(watched.paired, list(_pair_codes(parts, watched, places)))
    if watched.expected.classes:
        counts["confidence"] = _confidence(_joined(part.shares for part in parts))
    return counts


def count_errors(records: Sequence[ErrorRecord]) -> Counts:
    """Return the counts of one summary key's error records."""
    times = [time for record in records for time in (record.latency_ms, record.overhead_ms)]
    return {
        "errors": dict(Counter(record.error_code[:64] for record in records)),
        cost.BUSY: sum(round(time * MICROS) for time in times),
    }


def _column_counts(parts: Sequence[dict[str, Floats]], watched: Watched, places: dict[str | None, Places]) -> Counts:
    """Return the counts of every column that was captured, and put where its values lie into `places`."""
    counts: Counts = {}
    for column in watched.columns:
        name = column.expected.name
        if lists := [part[name] for part in parts if name in part]:
            values = _joined(lists)
            places[name] = column.places(values)
            counts[name] = column.count(values, places[name])
    return counts


def _pair_codes(
    parts: Sequence[Values], watched: Watched, places: Mapping[str | None, Places]
) -> Iterator[NDArray[np.int8]]:
    """Yield every paired column's bins of the captured rows, -1 where a record lacks the column."""
    captured = _joined(part.captured for part in parts)
    for column in watched.paired:
        if column.is_prediction:
            yield pairs.grouped(column, places[None][captured])
            continue
        having = _joined(part.partial.get(column.name, np.ones(part.sampled, np.bool_)) for part in parts)
        codes = np.full(len(having), pairs.ABSENT, np.int8)
        if column.name in places:
            codes[having] = pairs.grouped(column, places[column.name])
        yield codes


def _confidence(shares: Floats) -> list[int]:
    """Count rows by the probability of their likeliest class, in bins of equal width."""
    likeliest = np.clip(shares.max(axis=1), 0, 1) if shares.size else np.empty(0)
    bins = np.minimum((likeliest * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
    return [int(amount) for amount in np.bincount(bins, minlength=CONFIDENCE_BINS)]


def _latencies(milliseconds: Floats) -> Counts:
    bins = np.searchsorted(LATENCY_BOUNDS_MS, milliseconds, side="left")
    in_bins = np.bincount(bins, minlength=len(LATENCY_BOUNDS_MS) + 1)
    return {"counts": in_bins.tolist(), "micros": _micros(milliseconds)}


def _micros(milliseconds: Floats) -> int:
    return int(np.rint(milliseconds * MICROS).sum())


def _joined[Kind: np.generic](parts: Iterable[NDArray[Kind] | None]) -> NDArray[Kind]:
    return np.concatenate([part for part in parts if part is not None])
