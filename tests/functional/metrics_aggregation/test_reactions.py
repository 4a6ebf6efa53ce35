from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock
from modelloop.aws.events import EventBus
from modelloop.aws.functions import TriggerFunction
from modelloop.aws.registry.registry import Registry
from modelloop.aws.serving import pointers, rollout_evidence
from modelloop.aws.serving.changes import Changes
from modelloop.contracts.loop_state import ActivityTotals, RetrainState
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.errors import TransientError
from modelloop.monitoring import windows
from modelloop.monitoring.alerts import SOURCE
from tests.support.capture_world import (
    MODEL,
    NOON,
    ROLLOUT,
    RUN_ID,
    failing_shadow,
    manifest,
    prediction,
    shadowed,
    usual_rows,
)
from tests.support.events import check
from tests.support.labels import answers
from tests.support.stores import ARTIFACTS, stores_of

if TYPE_CHECKING:
    from modelloop.monitoring.alerts import Alert
    from tests.support.capture_world import Record, World

type Sent = list[dict[str, Any]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Everything that leaves: alerts, and requests to retrain."""
    found: Sent = []

    def publish(_: EventBus, alert: Alert) -> None:
        event = {"source": SOURCE, "detail-type": alert.detail_type, "detail": alert.detail()}
        check(event)
        found.append(event)

    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))
    monkeypatch.setattr(EventBus, "publish", publish)
    monkeypatch.setattr(TriggerFunction, "send", lambda _, event: found.append(event))
    return found


def shifted(world: World, context: Any, *, labels: bool) -> None:
    records: list[Record] = [prediction(usual_rows(100, seed, shift=2_000)) for seed in range(6)]
    handler(world.capture([*records, *(answers(records) if labels else [])]), context)
    verdicts.handler({}, context)


def names(sent: Sent) -> list[str]:
    return [str(one.get("detail-type", one["source"])) for one in sent]


def test_drift_with_labels_starts_one_retraining_that_explains_itself(world: World, context: Any, sent: Sent) -> None:
    shifted(world, context, labels=True)

    assert names(sent) == ["Drift status changed", "modelloop.retrain", "Retraining decided"]
    assert sent[0]["detail"]["status"] == "drift"
    assert (sent[1]["model"], sent[1]["cause"]) == (MODEL, "drift")
    (entry,) = [one for one in Registry("table").list_audit(MODEL).items if one.action == "retrain"]
    assert "600 new labelled rows" in entry.why
    assert entry.id == sent[1]["request_id"] == sent[2]["detail"]["request_id"]

    verdicts.handler({}, context)
    assert names(sent)[3:] == ["Retraining decided"]
    assert (sent[3]["detail"]["action"], sent[3]["detail"]["request_id"]) == ("wait", None)
    verdicts.handler({}, context)
    assert len(sent) == 4
    activity = Registry("table").get_state(ActivityTotals, MODEL)
    assert activity is not None
    assert activity.totals.retrainings == {"drift": 1}
    state = Registry("table").get_state(RetrainState, MODEL)
    assert state is not None
    assert len(state.for_drift) == 1
    assert state.for_drift == state.started
    assert json.dumps(sent)


def test_drift_without_labels_is_an_alarm_alone(world: World, context: Any, sent: Sent) -> None:
    shifted(world, context, labels=False)

    assert names(sent) == ["Drift status changed", "Retraining decided"]
    assert sent[1]["detail"]["action"] == "refuse"
    assert "labels needed" in sent[1]["detail"]["reasons"][0]


@pytest.mark.parametrize(
    ("made", "action"), [("2026-11-23T10:00:00.000Z", "retrain"), ("2026-11-23T11:00:00.000Z", "refuse")]
)
def test_only_labels_from_the_champions_own_time_are_new(
    world: World, context: Any, sent: Sent, made: str, action: str
) -> None:
    world.publish(replace(manifest(), created_at=made))
    shifted(world, context, labels=True)
    assert sent[-1]["detail"]["action"] == action


def test_quiet_models_say_nothing(world: World, context: Any, sent: Sent) -> None:
    handler(world.capture([prediction(usual_rows(600))]), context)
    verdicts.handler({}, context)
    assert sent == []


def test_the_end_of_drift_is_told(world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch) -> None:
    shifted(world, context, labels=False)
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + windows.HOUR_MS))
    handler(world.capture([prediction(usual_rows(600), NOON + windows.HOUR_MS)], "later"), context)
    verdicts.handler({}, context)
    assert sent[-1]["detail-type"] == "Drift status changed"
    assert (sent[-1]["detail"]["previous"], sent[-1]["detail"]["status"]) == ("drift", "ok")


def test_masked_columns_forbid_learning_from_traffic(world: World, context: Any, sent: Sent) -> None:
    world.publish(replace(manifest(), spec=replace(manifest().spec, mask=("mass",))))
    shifted(world, context, labels=True)
    assert sent[-1]["detail"]["action"] == "refuse"
    assert world.stored("labelled/") == {}


def test_an_alert_that_could_not_be_sent_is_sent_at_the_next_tick(
    world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "publish", the_bus_is_down)
        with pytest.raises(ExceptionGroup):
            shifted(world, context, labels=False)
    assert Registry("table").latest_verdict(DriftVerdict, MODEL) is not None
    verdicts.handler({}, context)
    assert names(sent) == ["Drift status changed", "Retraining decided"]


def the_bus_is_down(*_: Any) -> None:
    raise TransientError("the bus is down")


def test_the_end_of_a_rollout_names_the_version_on_trial_and_its_reference(
    world: World, context: Any, sent: Sent
) -> None:
    handler(failing_shadow(world), context)
    for _ in range(2):
        verdicts.handler({}, context)

    (alert,) = [one for one in sent if one["detail-type"] == "Rollout judged"]
    activity = Registry("table").get_state(ActivityTotals, MODEL)
    assert activity is not None
    assert activity.totals.judged == {"reject": 1}
    detail = alert["detail"]
    assert (detail["kind"], detail["action"], detail["version"], detail["reference"]) == ("shadow", "rollback", 2, 1)
    assert any("answered differently" in reason for reason in detail["reasons"])


def test_a_rollout_whose_end_could_not_be_told_is_told_at_the_next_tick_once(
    world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler(failing_shadow(world), context)
    verdicts.handler({}, context)  # pairs answers, for the tick after it
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "publish", the_bus_is_down)
        with pytest.raises(ExceptionGroup):
            verdicts.handler({}, context)
    pointer, _ = pointers.read(ARTIFACTS, MODEL)
    assert pointer is not None
    assert pointer.shadow is None
    for _ in range(2):
        verdicts.handler({}, context)
    assert names(sent) == ["Rollout judged"]


def test_the_end_of_one_rollout_is_told_before_the_next_one_ends(
    world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    answered, asked_later = shadowed(world)
    pointer, _ = pointers.read(ARTIFACTS, MODEL)
    assert pointer is not None
    third = manifest(3, RUN_ID.replace("-000000000001", "-000000000003"))
    world.publish(third, pointer=pointer.to_json() | {"challenger": world.reference(third), "weight": 50.0})
    other = {"variant": "challenger", "version": 3, "run_id": third.run_id, "predict": ["Adelie"] * 60}
    challenged = [prediction(usual_rows(60, seed), rollout=ROLLOUT) | other for seed in range(4)]
    handler(world.capture([*answered, *asked_later, *challenged]), context)
    with monkeypatch.context() as patched:
        patched.setattr(EventBus, "publish", the_bus_is_down)
        with pytest.raises(ExceptionGroup):
            verdicts.handler({}, context)
    for _ in range(2):
        verdicts.handler({}, context)
    assert [(one["detail"]["kind"], one["detail"]["version"]) for one in sent] == [("canary", 3), ("shadow", 2)]


def test_what_the_judge_could_not_do_is_not_told(
    world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    handler(failing_shadow(world), context)
    collect = rollout_evidence.collect

    def collect_slowly(*args: Any) -> Any:
        evidence = collect(*args)
        Changes(stores_of(Registry("table")), MODEL, who="ann", why="meanwhile").shadow(2, on=False)
        return evidence

    monkeypatch.setattr(rollout_evidence, "collect", collect_slowly)
    for _ in range(2):
        verdicts.handler({}, context)
    assert sent == []


def test_alerts_go_over_the_bus_with_their_documented_detail(world: World, context: Any, bus: Any) -> None:
    shifted(world, context, labels=False)
    first, second = [json.loads(body) for body in bus()]

    assert (first["source"], first["detail-type"]) == ("modelloop", "Drift status changed")
    assert second["detail-type"] == "Retraining decided"
    check(first)
    check(second)


@pytest.fixture
def bus(world: World, monkeypatch: pytest.MonkeyPatch) -> Any:  # noqa: ARG001  the bus lives in the world
    """A queue behind the event bus; returns what has arrived there."""
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))
    sqs, rules = boto3.client("sqs"), boto3.client("events")
    url = sqs.create_queue(QueueName="people")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=url, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    rules.put_rule(Name="all", EventBusName="bus", EventPattern='{"source":["modelloop"]}')
    rules.put_targets(Rule="all", EventBusName="bus", Targets=[{"Id": "people", "Arn": arn}])
    return lambda: [
        one["Body"] for one in sqs.receive_message(QueueUrl=url, MaxNumberOfMessages=10).get("Messages", [])
    ]
