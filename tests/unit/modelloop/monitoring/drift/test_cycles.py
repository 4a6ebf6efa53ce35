"""What is expected of a window at its hours, from the phases that the baseline knows."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from modelloop import clock
from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins, baseline_from_json
from modelloop.contracts.cycles import Cycles, CyclesSeen, Phasing
from modelloop.monitoring.drift import calendar, comparison, cycles, past, thresholds
from modelloop.versions.novelty import Novelty

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

MONDAY, SUNDAY = "2026-11-23T12", "2026-11-29T12"
WEEKDAYS = Phasing("weekdays", (100,) * 5 + (60, 60), ((1.2, 0.8, 1.0),) * 5 + ((0.5, 1.5, 1.0),) * 2)
KNOWN = Cycles((0.5, 0.5, 0.0), (WEEKDAYS,))
COLUMN = BaselineColumn("a", "boolean", Bins(None, ("false",)), None, (310,), 310, 0, cycles=KNOWN)


def test_a_window_is_compared_with_its_own_phases_on_the_rows_that_they_have() -> None:
    assert cycles.expected(KNOWN, 620, {MONDAY: 7}) == pytest.approx([60.0, 40.0, 0.0])
    assert cycles.expected(KNOWN, 620, {SUNDAY: 1}) == pytest.approx([15.0, 45.0, 0.0])
    mixed = np.array(cycles.expected(KNOWN, 620, {MONDAY: 1, SUNDAY: 3}))
    assert mixed / mixed.sum() == pytest.approx([(0.6 + 3 * 0.25) / 4, (0.4 + 3 * 0.75) / 4, 0])
    assert mixed.sum() == pytest.approx(1 / (0.0625 / 100 + 0.5625 / 60))
    assert comparison.histograms(COLUMN, {"counts": [1], "missing": 0, "unseen": 0}, {MONDAY: 7}).baseline == (
        pytest.approx([60.0, 40.0, 0.0])
    )


def test_hours_without_a_date_are_compared_with_the_whole() -> None:
    assert cycles.expected(KNOWN, 620, {"12": 5}) == [310, 310, 0]


def test_divisions_within_others_add_their_excess_alone() -> None:
    assert cycles.joined({"hours": 0.2, "weekdays": 0.1, "hours_of_week": 0.5, "months": 0.1}) == pytest.approx(0.6)
    assert cycles.joined({"hours": 0.2, "weekdays": 0.1, "hours_of_week": 0.1}) == pytest.approx(0.3)


def test_the_phases_of_an_hour_are_the_same_in_training_and_in_a_window() -> None:
    hours = np.arange(480_000, 520_000, 7)
    trained = {one.division.name: one.phases for one in past.past(np.asarray(hours * 3_600.0, np.float64)).candidates}
    assert set(trained) == {division.name for division in calendar.DIVISIONS}
    for at in range(0, len(hours), 97):
        stamp = clock.from_ms(int(hours[at]) * 3_600_000)[:13]
        assert calendar.phases(stamp) == {name: phases[at] for name, phases in trained.items()}


@pytest.mark.parametrize(
    ("days", "step", "known"),
    [
        (1.5, 1, ()), (10, 1, ("day",)), (20, 1, ("day", "week")), (20, 24, ("week",)),
        (70, 1, ("day", "week", "month")), (700, 1, ("day", "week", "month")),
        (730, 1, ("day", "week", "month", "year")),
    ],
)  # fmt: skip
def test_a_cycle_is_known_when_the_past_has_seen_two(days: float, step: int, known: tuple[str, ...]) -> None:
    seen = past.cycles_seen(np.arange(0, int(days * 24), step))
    assert seen.known == known
    assert set(seen.unknown) == set(calendar.LENGTHS) - set(known) - ({"day"} if step == 24 else set())


def test_a_baseline_with_cycles_is_read_back() -> None:
    column = replace(COLUMN, season=0.1, novelty=Novelty(3, 500))
    document = Baseline(620, (column,), column, season=CyclesSeen(("week",), ("month", "year"))).to_json()
    assert baseline_from_json(orjson.loads(orjson.dumps(document))).to_json() == document


def test_an_old_baseline_keeps_its_hours_and_its_season_without_a_bound() -> None:
    hours = tuple((40, 0, 0) if hour < 12 else (0, 40, 0) for hour in range(24))
    old = BaselineColumn("a", "boolean", Bins(None, ("x",)), None, (480,), 480, 0, hours=hours, season=0.527)
    live: Counts = {"counts": [10], "missing": 10, "unseen": 0}
    both = comparison.histograms(old, live, {"2026-11-23T13": 10, "2026-11-24T13": 10})
    assert both.baseline == pytest.approx([0, 40, 0])
    assert thresholds.season(old).distance == 0.527
