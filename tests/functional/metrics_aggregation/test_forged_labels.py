"""Labels with made-up ids, many and of many hours: what they cost is counted in calls, and nobody else pays for it."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import botocore.client
import orjson
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.aggregation import Aggregation, Source
from metrics_aggregation.handler import handler
from modelloop import clock, keys
from modelloop.aws.monitoring import joins
from modelloop.aws.registry.registry import Registry
from modelloop.contracts.quality_verdict import QualityVerdict
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.ids import uuid7
from tests.support.capture_world import ARRIVED, HOUR, MODEL, NOON, label, manifest, prediction, shadowed, usual_rows
from tests.support.known_versions import Known
from tests.support.labels import answers

if TYPE_CHECKING:
    from tests.support.capture_world import Record, World

HOUR_MS = 3_600_000
FORGED = 10_000
KEPT_HOURS = 90 * 24


@pytest.fixture(autouse=True)
def at_noon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> Counter[str]:
    """Count the calls to AWS by operation."""
    counted: Counter[str] = Counter()
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def counting(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        counted[operation] += 1
        return call(self, operation, parameters)

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", counting)
    return counted


def forged(count: int, hours: int | None = None) -> list[Record]:
    """Labels of predictions that nobody made, in as many hours backwards from now (None: one an hour)."""
    return [label(uuid7(NOON - at % (hours or count) * HOUR_MS), "Adelie", NOON) for at in range(count)]


def test_labels_of_predictions_that_are_not_kept_are_put_aside(world: World, context: Any) -> None:
    ahead = label(uuid7(NOON + 6 * 60_000), "Adelie", NOON)
    handler(world.capture([*forged(3), label(uuid7(NOON - 91 * 24 * HOUR_MS), "Adelie", NOON), ahead]), context)
    stored = world.yielded()
    assert sum(key.startswith("feedback/") for key in stored) == 3
    (quarantine,) = [body for key, body in stored.items() if key.startswith("quarantine/")]
    assert quarantine.count(b'"kind": "outside_retention"') == 2


def test_ten_thousand_forged_labels_cost_a_bounded_number_of_writes() -> None:
    aggregation = Aggregation(Source("feedback/1", None, "d", HOUR), Known())
    aggregation.read(b"".join(orjson.dumps(line) + b"\n" for line in forged(FORGED)))
    written = Counter(key.partition("/")[0] for key, _ in aggregation.outputs())
    assert written.pop("summaries") == written.pop("quarantine") == 1
    assert written == {"feedback": KEPT_HOURS + 1, "unjoined": KEPT_HOURS + 1}


def test_a_mark_is_never_there_before_what_it_announces(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    call = botocore.client.BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

    def writing(self: Any, operation: str, parameters: dict[str, Any]) -> Any:
        answer = call(self, operation, parameters)
        if operation == "PutObject":
            written.append(parameters["Key"])
        return answer

    event = world.capture(forged(80))
    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", writing)
    handler(event, context)
    is_mark = [key.startswith("unjoined/") for key in written]
    assert is_mark == sorted(is_mark)
    assert is_mark.count(True) == is_mark.count(False) == 80


def test_forged_hours_are_joined_last_and_few_at_a_time_and_the_real_ones_at_once(
    world: World, context: Any, calls: Counter[str]
) -> None:
    other = replace(manifest(), model="walruses")
    world.publish(other)
    old = [prediction(usual_rows(100, seed), at_ms=NOON - 70 * 24 * HOUR_MS) for seed in range(3)]
    new = [prediction(usual_rows(100, seed)) for seed in range(3)]
    theirs = [prediction(usual_rows(100, seed), model="walruses") for seed in range(3)]
    handler(world.capture([*old, *new, *theirs]), context)
    labels = [*answers(old), *answers(new), *(line | {"model": "walruses"} for line in answers(theirs))]
    handler(world.capture([*forged(FORGED, 200), *labels], "labels"), context)
    for tick in (1, 2):
        calls.clear()
        verdicts.handler({}, context)
        assert sum(calls.values()) < 20 * joins.MAX_UNPREDICTED
        stored = {key for key in world.stored("quality/") if key.startswith(keys.quality(MODEL, "2026")[:-5])}
        joined = {key.removeprefix(keys.quality_prefix(MODEL)) for key in stored}
        assert {"2026-09-14T10.json", f"{HOUR}.json"} <= joined
        assert len(joined) == tick * joins.MAX_UNPREDICTED + 2

    for model in (MODEL, "walruses"):
        quality = Registry("table").latest_verdict(QualityVerdict, model)
        assert quality is not None
        assert quality.rows == 300, model
    assert set(world.stored("labelled/penguins/")) == {
        keys.labelled(MODEL, "2026-09-14T10"), keys.labelled(MODEL, HOUR)
    }, "in the other hours there is nothing to learn from"  # fmt: skip


def test_a_forged_hour_is_joined_again_when_its_predictions_arrive(world: World, context: Any) -> None:
    made = [prediction(usual_rows(100, seed)) for seed in range(3)]
    handler(world.capture(answers(made), "labels"), context)
    verdicts.handler({}, context)
    handler(world.capture(made), context)
    verdicts.handler({}, context)
    quality = Registry("table").latest_verdict(QualityVerdict, MODEL)
    assert quality is not None
    assert quality.rows == 300


def test_rollouts_are_judged_before_anything_is_joined_and_say_until_when_labels_were_known(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: Any) -> None:
        raise RuntimeError("joins must not stand before the judge")

    records, shadows = shadowed(world)
    handler(world.capture([*records, *shadows]), context)
    verdicts.handler({}, context)
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 360_000))
    monkeypatch.setattr(joins, "to_join", broken)
    with pytest.raises(ExceptionGroup):
        verdicts.handler({}, context)
    judged = Registry("table").latest_verdict(RolloutVerdict, MODEL)
    assert judged is not None
    assert judged.updated_at == clock.from_ms(NOON + 360_000)
    assert judged.labels_until == ARRIVED


def test_every_model_has_its_share_of_a_tick(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """One model's joins use up its share; the other's are done all the same. Time passes with each join only."""
    other = replace(manifest(), model="walruses")
    world.publish(other)
    own = [prediction(usual_rows(5, hour), at_ms=NOON - hour * HOUR_MS) for hour in range(30)]
    theirs = [record | {"model": "walruses"} for record in (prediction(usual_rows(5, 99)),)]
    handler(world.capture([*own, *theirs]), context)
    labels = [*answers(own), *(one | {"model": "walruses"} for one in answers(theirs))]
    handler(world.capture(labels, "labels"), context)

    left = [300_000]
    join = joins.join

    def slow(*args: Any, **more: Any) -> bool:
        left[0] -= 20_000
        return join(*args, **more)

    monkeypatch.setattr(joins, "join", slow)
    context.get_remaining_time_in_millis = lambda: left[0]
    verdicts.handler({}, context)

    hours = [due.hour for due in joins.due(verdicts._services().artifacts, MODEL) if due.marks]
    assert 0 < len(hours) < 30
    assert max(hours) < "2026-11-23T05", "the newest first"
    assert world.stored(keys.quality_prefix("walruses"))
