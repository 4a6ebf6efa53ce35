"""What seasons alone make of a distribution, learned from a training part that is ordered in time.

Rows of neighbouring moments resemble each other, so a window of one day is no random sample of the training part. Its
baseline gets counts by hour of day (UTC), so that a window is compared with the same hours, and the `season` of each
column. The past is cut into blocks as windows are, and by weekday and hour of the week, because live
rows may be denser than the table was. The season is the largest distance between a block and its hours' share of the
whole, where sampling does not explain it; `season_shift` is the same for shifts of ranks. Columns that the moment
determines (a month, a weekday) say where in time a row is, not what it is like: they are informational.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.contracts.baseline import Baseline
from modelloop.monitoring.drift import histogram_tests, thresholds
from modelloop.monitoring.drift.baseline import first_slots, places
from modelloop.monitoring.drift.comparison import HOURS, MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import BaselineColumn
    from modelloop.monitoring.drift.baseline import Answers
    from modelloop.tables.encoding import Encoding

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]

HOUR_SECONDS = 3_600
WEEK_HOURS = 7 * HOURS
EARLIEST, LATEST = 1e8, 1e10  # seconds since 1970 lie between, other numbers mostly do not
MIN_DAYS = 7
MIN_BLOCKS, MAX_BLOCKS = 14, 500
BLOCK_ROWS = 500
MOMENT_ROWS = 20
CALENDAR = 0.95


class Order(NamedTuple):
    """Where rows stand in time: the hour of day (None: unknown), and cuts into blocks; -1 is nowhere."""

    hours: Places | None
    cuts: tuple[Places, ...]


def with_seasons(
    baseline: Baseline, encoding: Encoding, matrix: NDArray[np.float32], own: Answers, unseen: Answers
) -> Baseline:
    """Return the baseline with hours and seasons of every column.

    `own` are the answers to the rows of `matrix`, with their times: seconds since 1970, or any rising number. `unseen`
    are the answers that the baseline counts; they may be the same.
    """
    times = _times(own)
    slots = {column.name: slot for column, slot in first_slots(encoding)}
    order, moments = _order(times), _neighbours(times, MOMENT_ROWS)
    columns = tuple(
        _column(column, matrix[:, slots[column.name]].astype(np.float64), order, moments) for column in baseline.columns
    )
    return Baseline(baseline.rows, columns, _prediction(baseline.prediction, own, unseen))


def _column(column: BaselineColumn, values: Floats, order: Order, moments: Places) -> BaselineColumn:
    positions = places(column.bins, values)
    column = _with_season(_with_hours(column, positions, order), positions, order)
    return replace(column, informational=column.bins.edges is not None and _is_calendar(values, moments))


def _prediction(column: BaselineColumn, own: Answers, unseen: Answers) -> BaselineColumn:
    """Count the answers to unseen rows by hour; the season is that of all answers: a year has more than its end."""
    column = _with_hours(column, places(column.bins, unseen.predictions), _order(_times(unseen)))
    past = (own,) if unseen is own else (own, unseen)
    positions = places(column.bins, np.concatenate([answers.predictions for answers in past]))
    return _with_season(column, positions, _order(np.concatenate([_times(answers) for answers in past])))


def _times(answers: Answers) -> Floats:
    return np.full(len(answers.predictions), np.nan) if answers.times is None else answers.times


def _order(times: Floats) -> Order:
    week = _hours_of_week(times)
    if week is None:
        return Order(None, (_neighbours(times),))
    timed = week >= 0
    hours, days = np.where(timed, week % HOURS, -1), np.where(timed, week // HOURS, -1)
    return Order(hours, (_neighbours(times), days, week))


def _hours_of_week(times: Floats) -> Places | None:
    """Return every row's hour of the week, -1 where the time is missing; None when times are no moments of a week."""
    timed = ~np.isnan(times)
    present = times[timed]
    if not present.size or present.min() < EARLIEST or present.max() > LATEST:
        return None
    if present.max() - present.min() < MIN_DAYS * HOURS * HOUR_SECONDS:
        return None
    hours = np.full(len(times), -1)
    hours[timed] = present // HOUR_SECONDS % WEEK_HOURS
    return hours


def _neighbours(times: Floats, rows: int = BLOCK_ROWS) -> Places:
    """Return every row's block of neighbours in time, fewer rows when blocks would be few; -1: no time."""
    timed = np.flatnonzero(~np.isnan(times))
    blocks = np.full(len(times), -1)
    size = max(min(rows, timed.size // MIN_BLOCKS), 1)
    blocks[timed[np.argsort(times[timed], kind="stable")]] = np.arange(timed.size) // size
    return blocks


def _with_hours(column: BaselineColumn, positions: Places, order: Order) -> BaselineColumn:
    if order.hours is None:
        return column
    table = _table(order.hours, positions, HOURS, len(_whole(column)))
    return replace(column, hours=tuple(tuple(counts) for counts in table.tolist()))


def _with_season(column: BaselineColumn, positions: Places, order: Order) -> BaselineColumn:
    blocks = list(_blocks(column, positions, order))
    distances = [_distance(expected, counts) for expected, counts in blocks]
    season = round(max(distances, default=0.0), 6)
    if column.bins.edges is None:
        return replace(column, season=season)
    shifts = [_shift(expected[:-2], counts[:-2]) for expected, counts in blocks]
    return replace(column, season=season, season_shift=round(max(shifts, default=0.0), 6))


def _blocks(column: BaselineColumn, positions: Places, order: Order) -> Iterator[tuple[list[float], list[int]]]:
    """Yield, for every block of enough rows, the counts to expect of its hours and the ones that it has."""
    whole = _whole(column)
    for cut in order.cuts:
        blocks = int(cut.max(initial=-1)) + 1
        counts = _table(cut, positions, blocks, len(whole))
        chosen = np.arange(0, blocks, max(blocks // MAX_BLOCKS, 1))
        chosen = chosen[counts[chosen].sum(axis=1) >= MIN_ROWS]
        expected = [whole] * len(chosen)
        if order.hours is not None and column.hours is not None:
            hours = np.asarray(column.hours, np.float64)
            expected = _same_hours(hours, _table(cut, order.hours, blocks, HOURS)[chosen]).tolist()
        yield from zip(expected, counts[chosen].tolist(), strict=True)


def _whole(column: BaselineColumn) -> list[float]:
    return [float(amount) for amount in (*column.counts, column.missing, column.unseen)]


def _same_hours(hours: Floats, clocks: Places) -> Floats:
    """Return what `comparison.same_hours` does, for many mixes of hours at once."""
    usual = np.where(hours.sum(axis=1, keepdims=True) >= MIN_ROWS, hours, hours.sum(axis=0))
    rows = usual.sum(axis=1, keepdims=True)
    weights = clocks / clocks.sum(axis=1, keepdims=True)
    mixed: Floats = weights @ (usual / rows) / (weights**2 @ (1 / rows))
    return mixed


def _table(rows: Places, columns: Places, height: int, width: int) -> Places:
    """Count rows by two positions; those at -1 are left out."""
    placed = (rows >= 0) & (columns >= 0)
    return np.bincount(rows[placed] * width + columns[placed], minlength=height * width).reshape(height, width)


def _distance(expected: list[float], counts: list[int]) -> float:
    """Return the distance less what sampling adds to it on average; 0 when sampling alone can explain it."""
    used = sum(1 for before, after in zip(expected, counts, strict=True) if before + after)
    sizes = sum(expected), sum(counts), max(used, 2)
    distance = histogram_tests.jensen_shannon(expected, counts)
    if distance <= thresholds.noise(*sizes):
        return 0.0
    return math.sqrt(max(distance**2 - thresholds.sampling(*sizes), 0.0))


def _shift(expected: list[float], counts: list[int]) -> float:
    """Return the shift of ranks, either way; 0 when sampling alone can explain it."""
    shift, error = histogram_tests.rank_shift(expected, counts)
    return (
        abs(shift) if histogram_tests.normal_tails(shift / error if error else 0.0) < thresholds.NOISE_CHANCE else 0.0
    )


def _is_calendar(values: Floats, blocks: Places) -> bool:
    """Return whether the block explains nearly all of a column's variance."""
    placed = ~np.isnan(values) & (blocks >= 0)
    values, blocks = values[placed], blocks[placed]
    if not values.size or not values.var():
        return False
    _, groups = np.unique(blocks, return_inverse=True)
    rows = np.bincount(groups)
    means = np.bincount(groups, values) / rows
    return bool((rows * (means - values.mean()) ** 2).sum() / (values.size * values.var()) > CALENDAR)
