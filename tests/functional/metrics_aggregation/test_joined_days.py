"""Joined hours are put together day by day, so that a tick does not read hours again that did not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import botocore.client
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock, keys
from modelloop.aws.monitoring import joined_days, joins
from modelloop.aws.registry.registry import Registry
from modelloop.aws.storage import Bucket
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.monitoring import windows
from tests.support.capture_world import HOUR, MODEL, NOON, prediction, usual_rows
from tests.support.labels import answers

if TYPE_CHECKING:
    from tests.support.capture_world import World

HOUR_MS = 3_600_000
NOW = clock.from_ms(NOON)
FOUR_WEEKS = 4 * 7 * 24
ARTIFACTS = Bucket("artifacts")

pytestmark = pytest.mark.usefixtures("world")


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Note the keys of the quality objects that are read."""
    read: list[str] = []
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def noting(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        if operation == "GetObject" and parameters["Key"].startswith("quality/"):
            read.append(parameters["Key"])
        return call(self, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", noting)
    return read


def join(hour: str, labels: int) -> None:
    ARTIFACTS.put(keys.quality(MODEL, hour), joined_days.hour_to_bytes(MODEL, hour, {"labels": labels}))


def read_all(**wanted: str) -> list[tuple[str, Any]]:
    return list(joins.newest_first(ARTIFACTS, MODEL, NOW, **wanted))


def test_hours_of_four_weeks_are_read_once_and_then_by_days_and_changes(reads: list[str]) -> None:
    hours = [windows.shift(HOUR, -back) for back in range(FOUR_WEEKS)]
    for at, hour in enumerate(hours):
        join(hour, at)
    expected = [(hour, {"labels": at}) for at, hour in enumerate(hours)]
    assert read_all() == expected
    assert len(reads) == FOUR_WEEKS

    reads.clear()
    assert read_all() == expected
    assert len(reads) <= 29

    changed = [hours[0], hours[40], hours[41]]
    for hour in changed:
        join(hour, 10_000)
    reads.clear()
    assert read_all() == [(hour, {"labels": 10_000} if hour in changed else joined) for hour, joined in expected]
    assert len(reads) <= 29 + len(changed)


def test_a_window_reads_only_its_days(reads: list[str]) -> None:
    hours = [windows.shift(HOUR, -back) for back in range(72)]
    for hour in hours:
        join(hour, 1)
    assert [hour for hour, _ in read_all(since=hours[30], until=hours[5])] == hours[5:31]
    assert len(reads) == 26


def test_a_day_that_is_damaged_or_an_hour_that_is_erased_changes_nothing_else() -> None:
    hours = [windows.shift(HOUR, -back) for back in range(6)]
    for hour in hours:
        join(hour, 1)
    assert len(read_all()) == 6
    ARTIFACTS.put(keys.quality_day(MODEL, HOUR[:10]), b"no JSON")
    assert len(read_all()) == 6
    ARTIFACTS.delete(keys.quality(MODEL, hours[2]))
    assert [hour for hour, _ in read_all()] == [*hours[:2], *hours[3:]]


def test_ticks_do_not_read_the_hours_of_a_week_again(
    world: World, context: Any, reads: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))
    made = [prediction(usual_rows(3, back), at_ms=NOON - back * HOUR_MS) for back in range(0, 72, 2)]
    handler(world.capture(made), context)
    handler(world.capture(answers(made), "labels"), context)
    verdicts.handler({}, context)
    before = Registry("table").latest_verdict(QualityVerdict, MODEL)
    reads.clear()
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 360_000))
    verdicts.handler({}, context)
    after = Registry("table").latest_verdict(QualityVerdict, MODEL)
    assert before is not None
    assert after is not None
    assert (before.rows, after.rows) == (108, 108)
    assert len(reads) <= 2 * 4, "verdict and retraining each read a day in one object"
