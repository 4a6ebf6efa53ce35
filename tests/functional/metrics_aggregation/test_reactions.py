from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock, windows
from modelloop.aws import events, invoke
from modelloop.aws.registry import Registry
from modelloop.errors import TransientError
from tests.functional.metrics_aggregation.test_quality import answers
from tests.functional.metrics_aggregation.world import MODEL, NOON, manifest, prediction, usual_rows

if TYPE_CHECKING:
    from tests.functional.metrics_aggregation.world import Record, World

type Sent = list[dict[str, Any]]


@pytest.fixture
def sent(monkeypatch: pytest.MonkeyPatch) -> Sent:
    """Everything that leaves: alerts, and wishes to retrain."""
    found: Sent = []
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 60_000))
    monkeypatch.setattr(events, "publish", found.append)
    monkeypatch.setattr(invoke, "send_event", lambda _, event: found.append(event))
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
    (entry,) = [one for one in Registry("table").list_audit(MODEL).items if one["action"] == "retrain"]
    assert "600 new labelled rows" in entry["why"]

    verdicts.handler({}, context)
    assert names(sent)[3:] == ["Retraining decided"]
    assert sent[3]["detail"]["action"] == "wait"
    verdicts.handler({}, context)
    assert len(sent) == 4
    assert json.dumps(sent)


def test_drift_without_labels_is_an_alarm_alone(world: World, context: Any, sent: Sent) -> None:
    shifted(world, context, labels=False)

    assert names(sent) == ["Drift status changed", "Retraining decided"]
    assert sent[1]["detail"]["action"] == "refuse"
    assert "labels needed" in sent[1]["detail"]["reasons"][0]


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
    world.publish(manifest() | {"spec": {"mask": ["mass"]}})
    shifted(world, context, labels=True)
    assert sent[-1]["detail"]["action"] == "refuse"
    assert world.stored("labelled/") == {}


def test_an_alert_that_could_not_be_sent_is_sent_at_the_next_tick(
    world: World, context: Any, sent: Sent, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Any) -> None:
        raise TransientError("the bus is down")

    monkeypatch.setattr(events, "publish", fail)
    with pytest.raises(ExceptionGroup):
        shifted(world, context, labels=False)
    assert Registry("table").latest_verdict(MODEL, "drift") is not None
    monkeypatch.setattr(events, "publish", sent.append)
    verdicts.handler({}, context)
    assert names(sent) == ["Drift status changed", "Retraining decided"]


def test_alerts_go_over_the_bus_with_their_documented_detail(world: World, context: Any, bus: Any) -> None:
    shifted(world, context, labels=False)
    first, second = [json.loads(body) for body in bus()]

    assert (first["source"], first["detail-type"]) == ("modelloop", "Drift status changed")
    assert second["detail-type"] == "Retraining decided"
    for found in (first, second):
        assert {"format_version", "id", "model", "version", "time", "reasons"} <= set(found["detail"])
    assert {"status", "previous", "window", "rows"} <= set(first["detail"])
    assert {"action", "cause"} <= set(second["detail"])


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
