"""The past of a training part: its rows' moments, the cycles that it has seen, and the blocks that it is cut into.

Rows are counted by cells: the hours (UTC) that have any, or blocks of neighbours where times are no moments of a
calendar. A cycle has been seen when the past is as long as two of it. Levels are the parts of the past whose own level
is not taken for a season, at least four blocks long: one year for seasons of the year, two of a shorter cycle.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.cycles import CyclesSeen
from modelloop.monitoring.drift import calendar
from modelloop.monitoring.drift.phase_model import Candidate

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

HOUR_SECONDS = 3_600
EARLIEST, LATEST = 1e8, 1e10  # seconds since 1970 lie between, other numbers mostly do not
MIN_BLOCKS, MAX_BLOCKS = 14, 500
BLOCK_ROWS = 500
MIN_SEASON_ROWS = 500  # fewer show whose rows they are sooner than what comes back
LEVEL_BLOCKS, MAX_LEVELS = 4, 24
MONDAY = 3  # 1 January 1970 was a Thursday


@dataclass(frozen=True)
class Cut:
    """One division of the rows into blocks, at most 500 of which are looked at.

    `blocks` has every row's block, -1: none. `block`, `cell` and `rows` say how many of a block's rows a cell has.
    """

    blocks: Places
    height: int
    block: Places
    cell: Places
    rows: Places


@dataclass(frozen=True)
class Past:
    """Where rows stand in time: `cells` by row (-1: no time), and by cell its level, its group and its phases.

    `groups` tell cells of the rows that a baseline counts (the last group) from those that only teach its cycles.
    """

    cells: Places
    levels: Places
    groups: Places
    candidates: tuple[Candidate, ...]
    cuts: tuple[Cut, ...]
    seen: CyclesSeen | None


def past(times: Floats, late: Flags | None = None) -> Past:
    """Return the past of rows by their times: seconds since 1970, or any rising number; NaN is no time.

    `late` rows are those that the baseline counts (None: all).
    """
    timed = ~np.isnan(times)
    near = neighbours(times)
    hours = _hours(times, timed)
    cells = np.full(len(times), -1)
    if hours is None:
        cells, seen = near, None
        kinds = np.arange(int(near.max(initial=-1)) + 1)
        levels = _even_levels(len(kinds))
        cuts = [near]
    else:
        kinds, at = np.unique(hours, return_inverse=True)
        cells[timed] = at.ravel()
        seen = cycles_seen(kinds)
        levels = _levels(kinds, 1.0, int(near.max(initial=-1)) + 1)
        cuts = [near, *_calendar_cuts(times, timed, seen.known)]
    groups = np.zeros(len(kinds), np.int64)
    if late is not None:
        groups[cells[late & (cells >= 0)]] = 1
    known = seen.known if seen and timed.sum() >= MIN_SEASON_ROWS else ()
    candidates = tuple(_candidates(kinds, known, int(near.max(initial=-1)) + 1))
    return Past(cells, levels, groups, candidates, tuple(_cut(blocks, cells, len(kinds)) for blocks in cuts), seen)


def neighbours(times: Floats, rows: int = BLOCK_ROWS) -> Places:
    """Return every row's block of neighbours in time, fewer rows when blocks would be few; -1: no time."""
    timed = np.flatnonzero(~np.isnan(times))
    blocks = np.full(len(times), -1)
    size = max(min(rows, timed.size // MIN_BLOCKS), 1)
    blocks[timed[np.argsort(times[timed], kind="stable")]] = np.arange(timed.size) // size
    return blocks


def cycles_seen(hours: Places) -> CyclesSeen:
    """Return which cycles hours since 1970 have seen at least twice; times without hours say nothing of days."""
    has_hours = len(np.unique(hours % calendar.HOURS)) > 1
    span = (int(hours.max()) - int(hours.min()) + (1 if has_hours else calendar.HOURS)) / calendar.HOURS
    cycles = [cycle for cycle in calendar.LENGTHS if cycle != calendar.DAY or has_hours]
    known = tuple(cycle for cycle in cycles if span >= 2 * calendar.LENGTHS[cycle])
    return CyclesSeen(known, tuple(cycle for cycle in cycles if cycle not in known))


def _hours(times: Floats, timed: Flags) -> Places | None:
    """Return the hours since 1970 of the rows that have a time; None when times are no moments."""
    present = times[timed]
    if not present.size or present.min() < EARLIEST or present.max() > LATEST:
        return None
    return (present // HOUR_SECONDS).astype(np.int64)


def _even_levels(blocks: int) -> Places:
    levels = min(max(blocks // LEVEL_BLOCKS, 1), MAX_LEVELS)
    return np.arange(blocks) * levels // max(blocks, 1)


def _levels(hours: Places, days: float, blocks: int) -> Places:
    """Return the level of every hour, counted back from the end, each of whole spans of so many days.

    A short rest belongs to the oldest level.
    """
    back = (int(hours.max()) - hours) / calendar.HOURS
    span = float(back.max()) + 1
    length = days * math.ceil(max(span / max(min(blocks // LEVEL_BLOCKS, MAX_LEVELS), 1) / days, 1.0))
    levels = (back // length).astype(np.int64)
    return np.minimum(levels, max(round(span / length), 1) - 1)


def _calendar_cuts(times: Floats, timed: Flags, known: tuple[str, ...]) -> list[Places]:
    """Return the cuts by day and, of a past that has seen weeks, by hour of the week: live rows may be denser."""
    days, week = np.full(len(times), -1), np.full(len(times), -1)
    hours = (times[timed] // HOUR_SECONDS).astype(np.int64)
    days[timed] = hours // calendar.HOURS - int(hours.min()) // calendar.HOURS
    week[timed] = hours % (calendar.WEEKDAYS * calendar.HOURS)
    return [days, week] if calendar.WEEK in known else [days]


def _cut(blocks: Places, cells: Places, width: int) -> Cut:
    height = int(blocks.max(initial=-1)) + 1
    step = max(height // MAX_BLOCKS, 1)
    blocks = np.where((blocks >= 0) & (blocks % step == 0), blocks // step, -1)
    height = int(blocks.max(initial=-1)) + 1
    placed = blocks >= 0
    pairs, rows = np.unique(blocks[placed] * max(width, 1) + cells[placed], return_counts=True)
    return Cut(blocks, height, pairs // max(width, 1), pairs % max(width, 1), rows)


def _candidates(hours: Places, known: tuple[str, ...], blocks: int) -> list[Candidate]:
    """Return the divisions of the cycles that were seen, with every hour's phase."""
    if not known:
        return []
    days = hours // calendar.HOURS
    months = days.astype("datetime64[D]").astype("datetime64[M]")
    day_of_month = (days - months.astype("datetime64[D]").astype(np.int64)).astype(np.int64)
    month, clock, weekday = months.astype(np.int64) % 12, hours % calendar.HOURS, (days + MONDAY) % calendar.WEEKDAYS
    phases = {
        "hours": clock,
        "weekdays": weekday,
        "hours_of_week": weekday * calendar.HOURS + clock,
        "days_of_month": day_of_month,
        "months": month,
        "quarters_of_months": month * 4 + np.minimum(day_of_month // calendar.QUARTER_DAYS, 3),
    }
    repetitions = {
        calendar.DAY: days,
        calendar.WEEK: (days + MONDAY) // calendar.WEEKDAYS,
        calendar.MONTH: months.astype(np.int64),
        calendar.YEAR: ((int(days.max()) - days) / calendar.LENGTHS[calendar.YEAR]).astype(np.int64),
    }
    levels = {
        cycle: _levels(hours, length if cycle == calendar.YEAR else 2 * length, blocks)
        for cycle, length in calendar.LENGTHS.items()
    }
    return [
        Candidate(division, phases[division.name], repetitions[division.cycle] % 2 == 1, levels[division.cycle])
        for division in calendar.DIVISIONS
        if division.cycle in known and (division.name != "hours_of_week" or calendar.DAY in known)
    ]
