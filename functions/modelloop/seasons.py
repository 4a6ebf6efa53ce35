"""What seasons alone make of a distribution, learned from a training part that is ordered in time.

Rows of neighbouring moments resemble each other, so a window of one day is no random sample of the training part. Two
things are added to its baseline: counts by hour of day (UTC), so that a window is compared with the same hours; and the
`season` of each column: the training part is cut into blocks as windows are, and the season is the largest distance
between a block and its hours' share of the whole, beyond what sampling explains. Columns that the moment determines
(a month, a weekday) say where in time a row is, not what it is like: they are informational.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import significance
from modelloop.baseline import count, first_slots
from modelloop.comparison import FEWEST_ROWS, HOURS, LN2, NOISE_CHANCE, same_hours

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.encoding import Encoding

    type Floats = NDArray[np.float64]
    type Places = NDArray[np.int64]

HOUR_SECONDS = 3_600
EARLIEST, LATEST = 1e8, 1e10  # seconds since 1970 lie between, other numbers mostly do not
FEWEST_DAYS = 7
FEWEST_BLOCKS = 14
BLOCK_ROWS = 500
MOMENT_ROWS = 20
CALENDAR = 0.95


def add(
    document: dict[str, Any],
    encoding: Encoding,
    matrix: NDArray[np.float32],
    predictions: NDArray[Any],
    times: Floats,
) -> None:
    """Add hours and seasons to a baseline, in place. `times` are seconds since 1970, or any rising number."""
    slots = {column.name: slot for column, slot in first_slots(encoding)}
    hours, blocks, moments = _hours(times), _blocks(times), _blocks(times, MOMENT_ROWS)
    for column in document["columns"]:
        values = matrix[:, slots[column["name"]]].astype(np.float64)
        _add_column(column, values, hours, blocks)
        column["informational"] = column["edges"] is not None and _is_calendar(values, moments)
    _add_column(document["prediction"], predictions.astype(np.float64), hours, blocks)


def _hours(times: Floats) -> Places | None:
    """Return every row's hour of day, -1 where the time is missing; None when times are no moments of a week."""
    known = ~np.isnan(times)
    present = times[known]
    if not present.size or present.min() < EARLIEST or present.max() > LATEST:
        return None
    if present.max() - present.min() < FEWEST_DAYS * HOURS * HOUR_SECONDS:
        return None
    hours = np.full(len(times), -1)
    hours[known] = present // HOUR_SECONDS % HOURS
    return hours


def _blocks(times: Floats, rows: int = BLOCK_ROWS) -> Places:
    """Return every row's block of neighbours in time, fewer rows when blocks would be few; -1: no time."""
    known = np.flatnonzero(~np.isnan(times))
    blocks = np.full(len(times), -1)
    size = max(min(rows, known.size // FEWEST_BLOCKS), 1)
    blocks[known[np.argsort(times[known], kind="stable")]] = np.arange(known.size) // size
    return blocks


def _add_column(column: dict[str, Any], values: Floats, hours: Places | None, blocks: Places) -> None:
    if hours is not None:
        column["hours"] = [_counts(column, values[hours == hour]) for hour in range(HOURS)]
    column["season"] = round(max(_excesses(column, values, hours, blocks), default=0.0), 6)


def _excesses(column: dict[str, Any], values: Floats, hours: Places | None, blocks: Places) -> Iterator[float]:
    """Yield, for every block of enough rows, its distance to the whole beyond what sampling explains."""
    whole = [float(amount) for amount in _counts(column, values)]
    for block in range(int(blocks.max(initial=-1)) + 1):
        inside = blocks == block
        counts = _counts(column, values[inside])
        if sum(counts) < FEWEST_ROWS:
            continue
        expected = whole
        if hours is not None:
            amounts = np.bincount(hours[inside], minlength=HOURS)
            expected = same_hours(column, {str(hour): int(amounts[hour]) for hour in np.flatnonzero(amounts)})
        yield _excess(expected, counts)


def _excess(expected: list[float], counts: list[int]) -> float:
    used = sum(1 for before, after in zip(expected, counts, strict=True) if before + after)
    quantile = significance.chi_square_quantile(NOISE_CHANCE, max(used - 1, 1))
    noise = quantile * (1 / sum(expected) + 1 / sum(counts)) / (8 * LN2)
    return math.sqrt(max(significance.jensen_shannon(expected, counts) ** 2 - noise, 0.0))


def _counts(column: dict[str, Any], values: Floats) -> list[int]:
    counts, missing, unseen = count(column, values)
    return [*counts, missing, unseen]


def _is_calendar(values: Floats, blocks: Places) -> bool:
    """Say whether the block explains nearly all of a column's variance."""
    known = ~np.isnan(values) & (blocks >= 0)
    values, blocks = values[known], blocks[known]
    if not values.size or not values.var():
        return False
    _, places = np.unique(blocks, return_inverse=True)
    rows = np.bincount(places)
    means = np.bincount(places, values) / rows
    return bool((rows * (means - values.mean()) ** 2).sum() / (values.size * values.var()) > CALENDAR)
