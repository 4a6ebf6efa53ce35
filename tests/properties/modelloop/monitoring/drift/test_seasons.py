"""A process with days and weeks, but without change, stays quiet; a change in it is found."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.contracts.cycles import CyclesSeen
from modelloop.monitoring.drift import seasons, verdict
from modelloop.monitoring.windows import Window
from modelloop.tables.encoding import Column, Encoding
from tests.support.drift import lab

if TYPE_CHECKING:
    from modelloop.contracts.baseline import Baseline, BaselineColumn

ENCODING = Encoding([
    Column("load", "number"), Column("steady", "number"), Column("kind", "text", ("a", "b", "c")),
    Column("month", "number"), Column("weekday", "number"),
])  # fmt: skip
MONDAY = 1_767_571_200.0  # 2026-01-05T00:00Z
HOUR = 3_600.0
ROWS_AN_HOUR = 40


def draw(random: np.random.Generator, start: float, hours: int, *, shift: float = 0.0) -> tuple[lab.Matrix, Any]:
    """Rows of some hours: load and kind follow the hour of day and the weekend, steady does not."""
    times = np.repeat(start + HOUR * np.arange(hours), ROWS_AN_HOUR) + random.random(hours * ROWS_AN_HOUR) * HOUR
    hour, day = times % 86_400 / HOUR, times // 86_400
    weekday = (day + 3) % 7
    weekend = weekday >= 5
    load = 2 * np.sin(hour / 24 * 2 * np.pi) - 1.5 * weekend + random.normal(size=len(times)) + shift
    steady = random.normal(size=len(times)) + shift
    kind = np.where(random.random(len(times)) < 0.3 + 0.4 * weekend, 0, random.integers(1, 3, len(times)))
    month = np.floor(day / 30.4) % 12
    return np.column_stack([load, steady, kind, month, weekday]).astype(np.float32), times


def live(known: Baseline, random: np.random.Generator, start: float, hours: int, **changes: float) -> Window:
    matrix, times = draw(random, start, hours, **changes)
    found = lab.window(known, matrix, ENCODING)
    return found._replace(counts={**found.counts, "clock": lab.hours(times)})


def status(known: Baseline, found: list[Window]) -> str:
    now = "2026-03-30T00:00:00.000Z"
    return verdict.drift_verdict(known, found, model="m", version=1, min_rows=500, now=now).status


@pytest.fixture(scope="module")
def learned() -> dict[str, Baseline]:
    matrix, times = draw(np.random.default_rng(0), MONDAY, 24 * 56)
    return {"with": lab.learn(matrix, ENCODING, times=times), "without": lab.learn(matrix, ENCODING)}


def week_of_windows(known: Baseline, **changes: float) -> list[str]:
    random = np.random.default_rng(2)
    starts = MONDAY + 24 * HOUR * 56 + 13 * HOUR * np.arange(1, 50)
    windows = [live(known, random, start, 13, **changes) for start in starts]
    return [status(known, [later, earlier]) for earlier, later in pairwise(windows)]


def test_days_and_weeks_around_an_unchanging_process_stay_quiet(learned: dict[str, Baseline]) -> None:
    assert set(week_of_windows(learned["with"])) == {"ok"}


def test_without_the_time_column_the_same_stream_would_alarm(learned: dict[str, Baseline]) -> None:
    assert "drift" in week_of_windows(learned["without"])


def test_a_change_of_a_seasonal_process_is_found(learned: dict[str, Baseline]) -> None:
    assert set(week_of_windows(learned["with"], shift=1.0)) == {"drift"}


def test_calendar_columns_inform_and_others_count(learned: dict[str, Baseline]) -> None:
    informational = {column.name: column.informational for column in learned["with"].columns}
    assert informational == {"load": False, "steady": False, "kind": False, "month": True, "weekday": True}


def test_columns_know_the_cycles_that_came_back_and_steady_ones_none(learned: dict[str, Baseline]) -> None:
    def divisions(column: BaselineColumn) -> list[str]:
        return [phasing.name for phasing in column.cycles.phasings] if column.cycles else []

    known = {column.name: divisions(column) for column in learned["with"].columns if not column.informational}
    assert known == {"load": ["hours", "weekdays"], "steady": [], "kind": ["weekdays"]}
    assert max(column.season or 0.0 for column in learned["with"].columns) < 0.05
    assert learned["with"].season == CyclesSeen(("day", "week"), ("month", "year"))
    assert learned["without"].season is None


def test_rising_numbers_that_are_no_moments_make_blocks_without_hours() -> None:
    matrix, times = draw(np.random.default_rng(3), MONDAY, 24 * 14)
    known = lab.learn(matrix, ENCODING, times=times - MONDAY)
    assert (known.season, known.columns[0].cycles) == (None, None)
    assert known.columns[0].season == seasons.OF_COLUMNS.distance
    assert known.columns[0].season_shift == seasons.OF_COLUMNS.shift


@pytest.mark.parametrize("gaps", [0.5, 1.0])
def test_missing_times_are_left_out(gaps: float) -> None:
    random = np.random.default_rng(4)
    matrix, times = draw(random, MONDAY, 24 * 14)
    times[random.random(len(times)) < gaps] = np.nan
    assert lab.learn(matrix, ENCODING, times=times).columns[0].season is not None


def test_a_thin_table_shows_its_weekends_too() -> None:
    random = np.random.default_rng(8)
    matrix, times = draw(random, MONDAY, 24 * 7 * 30)
    thin = random.random(len(times)) < 0.01  # ten rows a day: a block of 500 spans seven weeks
    known = lab.learn(matrix[thin], ENCODING, times=times[thin])
    live_days = [live(known, random, MONDAY + 86_400 * (7 * 31 + day), 24) for day in range(14)]
    assert {status(known, [later, earlier]) for earlier, later in pairwise(live_days)} == {"ok"}


def test_an_hour_of_the_week_may_have_its_own_ways() -> None:
    random = np.random.default_rng(9)
    encoding = Encoding([Column("load", "number"), Column("steady", "number")])

    def rows(times: Any) -> lab.Matrix:
        saturday_night = (times // HOUR % 168 // 24 == 2) & (times // HOUR % 24 < 4)
        return np.column_stack([random.normal(size=len(times)) + 2 * saturday_night, times * 0]).astype(np.float32)

    times = MONDAY + np.sort(random.random(20_000)) * 30 * 7 * 86_400
    known = lab.learn(rows(times), encoding, times=times)
    for hour in (5 * 24 + 2, 6 * 24 + 2):
        now = MONDAY + (31 * 168 + hour) * HOUR + random.random(1_000) * HOUR
        found = lab.window(known, rows(now), encoding)
        found.counts["clock"] = lab.hours(now)
        assert status(known, [found, found]) == "ok"
