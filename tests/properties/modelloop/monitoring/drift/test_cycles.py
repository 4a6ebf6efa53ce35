"""Strong seasons that come back stay quiet, a trend on top is found, and eight months of trend are no season."""

from __future__ import annotations

import numpy as np
import pytest

from tests.support.drift import bookings, cyclic
from tests.support.drift.cyclic import Cyclic

NAMES = [pytest.param(stream, id=stream.name) for stream in cyclic.STREAMS]
TREND = 0.5  # deviations a year


def alarms(stream: Cyclic, *, rows: int, windows: int, window_rows: int, seed: int) -> int:
    random = np.random.default_rng(seed)
    known = stream.learn(random, rows)
    assert known.season is not None
    assert known.season.unknown == ()
    return sum(one.status != "ok" for one in stream.verdicts(known, random, windows, window_rows))


@pytest.mark.parametrize("stream", NAMES)
def test_seasons_of_three_years_stay_quiet(stream: Cyclic) -> None:
    assert alarms(stream, rows=8_000, windows=20, window_rows=500, seed=1) == 0


@pytest.mark.slow
@pytest.mark.parametrize("stream", NAMES)
@pytest.mark.parametrize(("rows", "window_rows"), [(12_000, 500), (30_000, 1_000)])
def test_one_window_in_a_hundred_of_seasons_alarms_at_most(stream: Cyclic, rows: int, window_rows: int) -> None:
    assert alarms(stream, rows=rows, windows=200, window_rows=window_rows, seed=1) <= 2


@pytest.mark.parametrize("stream", [pytest.param(one, id=one.name, marks=() if one.name == "year" else pytest.mark.slow)
                                    for one in cyclic.STREAMS])  # fmt: skip
def test_a_trend_on_top_of_seasons_is_found_within_three_windows(stream: Cyclic) -> None:
    random = np.random.default_rng(2)
    known = stream.learn(random, 8_000, TREND)
    assert "drift" in [one.status for one in stream.verdicts(known, random, 200, 500, TREND)][:3]


def test_eight_months_of_rising_prices_are_a_trend_and_no_season() -> None:
    found = list(bookings.verdicts(bookings.draw(np.random.default_rng(3), trend=1.0)))
    assert [one.status for one in found].count("drift") >= 10
    assert [one.prediction is not None and one.prediction.drifted for one in found].count(True) >= 10
    assert {one.season.unknown for one in found if one.season} == {("year",)}
    assert any("may be a season" in reason for one in found for reason in one.reasons)


def test_agents_that_come_and_go_are_no_fault_where_the_order_in_time_told_of_them() -> None:
    steady = bookings.draw(np.random.default_rng(4), trend=0.0)
    found = list(bookings.verdicts(steady))
    assert {column.name for one in found for column in one.columns if column.drifted} == {"agent"}
    assert "data_fault" not in {one.status for one in found}
    assert "data_fault" in {one.status for one in bookings.verdicts(steady, novelty=False)}
