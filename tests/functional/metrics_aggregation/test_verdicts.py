from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock
from modelloop.aws.monitoring import summaries
from modelloop.aws.registry.registry import Registry
from modelloop.captures import quarantine
from modelloop.contracts.counts import branch
from modelloop.contracts.loop_state import TrafficTotals
from modelloop.contracts.verdicts import DriftVerdict, JointDrift, Span
from modelloop.errors import NotFoundError
from modelloop.monitoring import windows
from modelloop.monitoring.summary import SummaryKey
from tests.support.capture_world import HOUR, MODEL, NOON, error, prediction, usual_rows
from tests.support.stores import ARTIFACTS

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts
    from tests.support.capture_world import World

SUMMARY_KEY = SummaryKey(MODEL, HOUR, 1, "champion")
HOUR_MS = windows.HOUR_MS


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))


def send(world: World, context: Any, rows: list[Any], at_ms: int, name: str) -> None:
    records = [prediction(rows[start : start + 100], at_ms) for start in range(0, len(rows), 100)]
    assert handler(world.capture(records, name), context) == {"batchItemFailures": []}


def latest() -> DriftVerdict | None:
    return Registry("table").latest_verdict(DriftVerdict, MODEL)


def quarantined(model: str) -> Counts:
    totals = Registry("table").get_state(TrafficTotals, model)
    assert totals is not None
    return branch(branch(totals.versions, "0"), quarantine.COUNTED)


def test_usual_traffic_is_quiet_and_shifted_traffic_is_drift(world: World, context: Any) -> None:
    send(world, context, usual_rows(600), NOON, "usual")
    assert verdicts.handler({}, context)["judged"][MODEL]["drift"] == "ok"

    send(world, context, usual_rows(1_200, shift=2_000), NOON, "shifted")
    verdicts.handler({"model": MODEL}, context)
    verdict = latest()
    assert verdict is not None
    assert verdict.status == "drift"
    assert verdict.columns[0].name == "mass"
    assert verdict.rows == 1_800
    assert verdict.window == Span("2026-11-23T10:00:00.000Z", "2026-11-23T11:00:00.000Z")


def test_columns_that_come_apart_are_found_from_counts_that_add_up_over_objects(world: World, context: Any) -> None:
    rows = usual_rows(1_000)
    send(world, context, rows[:500], NOON, "first")
    send(world, context, rows[500:], NOON, "second")
    verdicts.handler({}, context)
    usual = latest()
    assert usual is not None
    assert usual.joint == JointDrift(6)

    tied = [(mass, male, seen, "Dream" if male else "Biscoe") for mass, male, seen, _ in usual_rows(2_000, seed=2)]
    send(world, context, tied, NOON, "tied")
    verdicts.handler({"model": MODEL}, context)
    found = latest()
    assert found is not None
    assert found.joint is not None
    assert [pair.columns for pair in found.joint.pairs] == [("male", "island")]
    assert found.status == "drift"
    assert not any(column.drifted and not column.informational for column in found.columns)


def test_lines_that_were_put_aside_become_totals_that_a_redelivery_does_not_raise(world: World, context: Any) -> None:
    event = world.capture([prediction(usual_rows(3)), error(id="no-id"), b"garbage", b"more"])
    for _ in range(2):
        handler(event, context)
        verdicts.handler({}, context)

    assert (quarantined(MODEL), quarantined(quarantine.UNKNOWN_MODEL)) == ({"malformed": 1}, {"not_json": 2})


def test_folded_hours_keep_what_was_put_aside(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in "ab":
        handler(world.capture([b"garbage"], name), context)
    for hours in (0, 3, 6):
        later = clock.from_ms(NOON + hours * HOUR_MS + 60_000)
        monkeypatch.setattr(clock, "now", lambda later=later: later)
        verdicts.handler({}, context)

    assert quarantined(quarantine.UNKNOWN_MODEL) == {"not_json": 2}
    assert [entry.digest for entry in summaries.entries(ARTIFACTS, quarantine.UNKNOWN_MODEL, HOUR, HOUR)] == [
        "compacted"
    ]


def test_the_same_shift_in_two_windows_is_drift(world: World, context: Any) -> None:
    send(world, context, usual_rows(600, shift=250), NOON - HOUR_MS, "before")
    send(world, context, usual_rows(600, seed=2, shift=250), NOON, "now")
    verdicts.handler({}, context)
    verdict = latest()
    assert verdict is not None
    assert verdict.status == "drift"
    assert "two windows" in verdict.reasons[0]


@pytest.mark.usefixtures("world")
def test_without_traffic_the_verdict_says_so(context: Any) -> None:
    verdicts.handler({}, context)
    verdict = latest()
    assert verdict is not None
    assert (verdict.status, verdict.rows, verdict.window) == ("insufficient_data", 0, None)


def test_shadow_and_pinned_traffic_do_not_speak_for_the_champion(world: World, context: Any) -> None:
    rows = usual_rows(600, shift=2_000)
    handler(world.capture([prediction(rows, variant="shadow"), prediction(rows, variant="pinned")]), context)
    verdicts.handler({}, context)
    verdict = latest()
    assert verdict is not None
    assert verdict.rows == 0


def test_judging_again_repairs_the_projection_and_writes_the_same(world: World, context: Any) -> None:
    send(world, context, usual_rows(600), NOON, "usual")
    verdicts.handler({}, context)
    first = latest()
    verdicts.handler({}, context)

    assert latest() == first
    copied = Registry("table").get_model(MODEL).serving
    assert copied is not None
    assert copied.champion is not None
    assert copied.champion.version == 1


@pytest.mark.usefixtures("world")
def test_an_unknown_model_is_named(context: Any) -> None:
    with pytest.raises(NotFoundError):
        verdicts.handler({"model": "Not A Model"}, context)
    nothing: dict[str, Any] = {"drift": None, "quality": None, "judge": {}}
    assert verdicts.handler({"model": "nothing-here"}, context) == {"judged": {"nothing-here": nothing}}


def test_a_broken_model_fails_loudly_after_the_others_were_judged(world: World, context: Any) -> None:
    world.store("serving/broken.json", b"{")
    with pytest.raises(ExceptionGroup, match="1 of 2"):
        verdicts.handler({}, context)
    assert latest() is not None


def test_compacted_hours_read_the_same_and_redelivery_does_not_count_twice(world: World, context: Any) -> None:
    events = [world.capture([prediction(usual_rows(20, seed)), error()], str(seed)) for seed in range(4)]
    for event in events[:3]:
        handler(event, context)
    before = windows.by_version(summaries.between(ARTIFACTS, MODEL, HOUR, HOUR))
    digests = [entry.digest for entry in summaries.entries(ARTIFACTS, MODEL, HOUR, HOUR)]

    assert summaries.compact(ARTIFACTS, SUMMARY_KEY, digests)
    assert [entry.digest for entry in summaries.entries(ARTIFACTS, MODEL, HOUR, HOUR)] == ["compacted"]
    handler(events[0], context)
    assert windows.by_version(summaries.between(ARTIFACTS, MODEL, HOUR, HOUR)) == before

    handler(events[3], context)
    assert summaries.compact(
        ARTIFACTS, SUMMARY_KEY, [entry.digest for entry in summaries.entries(ARTIFACTS, MODEL, HOUR, HOUR)]
    )
    (whole,) = summaries.between(ARTIFACTS, MODEL, HOUR, HOUR)
    assert whole.counts["rows"] == 80
    assert len(whole.inputs) == 4


def test_a_summary_compacted_while_it_is_read_is_found_again(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for seed in range(3):
        handler(world.capture([prediction(usual_rows(20, seed))], str(seed)), context)
    listed = list(summaries.entries(ARTIFACTS, MODEL, HOUR, HOUR))
    summaries.compact(ARTIFACTS, SUMMARY_KEY, [entry.digest for entry in listed])
    real = summaries.entries
    answers = iter([iter(listed)])
    monkeypatch.setattr(summaries, "entries", lambda *given: next(answers, None) or real(*given))

    (whole,) = summaries.between(ARTIFACTS, MODEL, HOUR, HOUR)
    assert whole.counts["rows"] == 60


def test_windows_are_ranges_of_keys(world: World, context: Any) -> None:
    for hours in range(5):
        handler(world.capture([prediction(usual_rows(10), NOON - hours * HOUR_MS)], str(hours)), context)
    found = list(summaries.between(ARTIFACTS, MODEL, "2026-11-23T07", "2026-11-23T09"))
    assert [one.key.hour for one in found] == ["2026-11-23T07", "2026-11-23T08", "2026-11-23T09"]
    newest = list(summaries.newest_first(ARTIFACTS, MODEL, 1, {"champion"}, clock.now()))
    assert [one.key.hour[-2:] for one in newest] == ["10", "09", "08", "07", "06"]
