"""A process with days and weeks, but without change, stays quiet; a change in it is found."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest

from modelloop import drift
from modelloop.encoding import Column, Encoding
from modelloop.windows import Window
from tests.properties.drift import lab

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


def live(known: dict[str, Any], random: np.random.Generator, start: float, hours: int, **changes: float) -> Window:
    matrix, times = draw(random, start, hours, **changes)
    found = lab.window(known, matrix, ENCODING)
    clock: dict[str, int] = {}
    for hour in (times % 86_400 // HOUR).astype(int):
        clock[f"{hour:02d}"] = clock.get(f"{hour:02d}", 0) + 1
    return found._replace(tallies=found.tallies | {"clock": clock})


def status(known: dict[str, Any], found: list[Window]) -> str:
    document = drift.verdict(known, found, model="m", version=1, min_rows=500, now="2026-03-30T00:00:00.000Z")
    return str(document["status"])


@pytest.fixture(scope="module")
def learned() -> dict[str, dict[str, Any]]:
    matrix, times = draw(np.random.default_rng(0), MONDAY, 24 * 56)
    return {"with": lab.learn(matrix, ENCODING, times=times), "without": lab.learn(matrix, ENCODING)}


def week_of_windows(known: dict[str, Any], **changes: float) -> list[str]:
    random = np.random.default_rng(2)
    starts = MONDAY + 24 * HOUR * 56 + 13 * HOUR * np.arange(1, 50)
    windows = [live(known, random, start, 13, **changes) for start in starts]
    return [status(known, [later, earlier]) for earlier, later in pairwise(windows)]


def test_days_and_weeks_around_an_unchanging_process_stay_quiet(learned: dict[str, dict[str, Any]]) -> None:
    assert set(week_of_windows(learned["with"])) == {"ok"}


def test_without_the_time_column_the_same_stream_would_alarm(learned: dict[str, dict[str, Any]]) -> None:
    assert "drift" in week_of_windows(learned["without"])


def test_a_change_of_a_seasonal_process_is_found(learned: dict[str, dict[str, Any]]) -> None:
    assert set(week_of_windows(learned["with"], shift=1.0)) == {"drift"}


def test_calendar_columns_inform_and_others_count(learned: dict[str, dict[str, Any]]) -> None:
    informational = {column["name"]: column["informational"] for column in learned["with"]["columns"]}
    assert informational == {"load": False, "steady": False, "kind": False, "month": True, "weekday": True}


def test_steady_columns_keep_nearly_their_sharpness(learned: dict[str, dict[str, Any]]) -> None:
    seasons = {column["name"]: column["season"] for column in learned["with"]["columns"]}
    assert seasons["steady"] < 0.05 < seasons["load"]


def test_rising_numbers_that_are_no_moments_make_blocks_without_hours() -> None:
    matrix, times = draw(np.random.default_rng(3), MONDAY, 24 * 14)
    known = lab.learn(matrix, ENCODING, times=times - MONDAY)
    assert "hours" not in known["columns"][0]
    assert known["columns"][0]["season"] > 0.1


@pytest.mark.parametrize("gaps", [0.5, 1.0])
def test_missing_times_are_left_out(gaps: float) -> None:
    random = np.random.default_rng(4)
    matrix, times = draw(random, MONDAY, 24 * 14)
    times[random.random(len(times)) < gaps] = np.nan
    assert lab.learn(matrix, ENCODING, times=times)["columns"][0]["season"] >= 0
