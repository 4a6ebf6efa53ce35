"""A crash after any AWS call, then redelivery: what is stored is what it would have been without the crash."""

from __future__ import annotations

import copy
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock
from modelloop.aws import clients
from modelloop.aws.events import EventBus
from modelloop.aws.functions import TriggerFunction
from modelloop.aws.registry.registry import Registry
from modelloop.captures import quarantine
from modelloop.contracts.counts import branch
from modelloop.contracts.loop_state import TrafficTotals
from tests.support.aggregation_fixtures import forget
from tests.support.capture_world import (
    HOUR,
    MODEL,
    NOON,
    error,
    failing_shadow,
    label,
    prediction,
    usual_rows,
)
from tests.support.crashes import Calls

if TYPE_CHECKING:
    from modelloop.monitoring.alerts import Alert
    from tests.support.capture_world import Record, World


@pytest.fixture
def calls(world: World, monkeypatch: pytest.MonkeyPatch) -> Calls:  # noqa: ARG001  the world is built before calls count
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))
    monkeypatch.setattr(TriggerFunction, "send", lambda _function, _event: None)
    return Calls(monkeypatch)


def records() -> list[Record]:
    scored = [prediction(usual_rows(100, seed, shift=2_000)) for seed in range(6)]
    return [*scored, error(), *(label(one["id"], "Adelie", row=row) for one in scored for row in range(50))]


def wipe() -> None:
    """Forget what the handlers stored, in the buckets, the table and the process."""
    s3, dynamodb = boto3.client("s3"), boto3.client("dynamodb")
    for item in s3.list_objects_v2(Bucket="artifacts").get("Contents", []):
        if not item["Key"].startswith(("versions/", "serving/")):
            s3.delete_object(Bucket="artifacts", Key=item["Key"])
    for row in dynamodb.scan(TableName="table")["Items"]:
        if not row["sk"]["S"].startswith(("VERSION#", "RUNVERSION#", "COUNTER")):
            dynamodb.delete_item(TableName="table", Key={name: row[name] for name in ("pk", "sk")})
    forget()
    clients.client.cache_clear()


def state(world: World) -> tuple[dict[str, bytes], list[Any]]:
    rows = boto3.client("dynamodb").scan(TableName="table")["Items"]
    for row in rows:
        row.pop("created_at", None)  # the one moment that is taken from the real clock
    return world.yielded(), sorted(rows, key=lambda row: (row["pk"]["S"], row["sk"]["S"]))


def test_captures_converge_after_a_crash_at_any_call(world: World, context: Any, calls: Calls) -> None:
    event = world.capture([*records(), b"garbage"])
    calls.made = 0
    handler(event, context)
    made, expected = calls.made, state(world)
    assert made >= 6

    for at in range(1, made + 1):
        wipe()
        assert calls.dying_after(at, lambda: handler(copy.deepcopy(event), context)), at
        handler(event, context)
        assert state(world) == expected, at


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_verdicts_converge_after_a_crash_at_any_call(world: World, context: Any, calls: Calls, step: int) -> None:
    event = world.capture([*records(), b"garbage"])
    handler(event, context)
    calls.made = 0
    verdicts.handler({}, context)
    made = calls.made
    verdicts.handler({}, context)
    expected = state(world)
    assert expected[0][f"labelled/{MODEL}/{HOUR}.jsonl"]
    unowned = Registry("table").get_state(TrafficTotals, quarantine.UNKNOWN_MODEL)
    assert unowned is not None
    assert branch(unowned.versions, "0")[quarantine.COUNTED] == {"not_json": 1}

    for at in range(1, made + 1, step):
        wipe()
        handler(event, context)
        assert calls.dying_after(at, lambda: verdicts.handler({}, context)), at
        verdicts.handler({}, context)
        verdicts.handler({}, context)
        assert state(world) == expected, at


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_the_end_of_a_rollout_is_told_after_a_crash_at_any_call(
    world: World, context: Any, calls: Calls, monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    told: list[str] = []
    real = EventBus.publish

    def publish(bus: EventBus, alert: Alert) -> None:
        real(bus, alert)
        told.append(f"{alert.detail_type} {alert.detail()['id']}")

    monkeypatch.setattr(EventBus, "publish", publish)
    event = failing_shadow(world)
    handler(event, context)
    verdicts.handler({}, context)  # pairs the answers, by which the next tick judges
    calls.made = 0
    verdicts.handler({}, context)
    made, (only,) = calls.made, told

    for at in range(1, made + 1, step):
        wipe()
        Registry("table")._table.delete(f"MODEL#{MODEL}", "VERSION#00000002")
        told.clear()
        handler(failing_shadow(world), context)
        verdicts.handler({}, context)
        assert calls.dying_after(at, lambda: verdicts.handler({}, context)), at
        verdicts.handler({}, context)
        verdicts.handler({}, context)
        assert set(told) == {only}, at
