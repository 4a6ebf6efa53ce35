"""One id runs through the lines of every function that works on the same thing; counts have one dimension."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import control.handler
import inference.handler
import inference.replay
import inference.telemetry
import trainer.handler
import trainer.progress
import training_trigger.handler
from metrics_aggregation import reactions
from modelloop.aws.functions import TriggerFunction
from modelloop.contracts.replay_request import ReplayRequest, ReplayVerdict
from modelloop.monitoring import retraining
from modelloop.versions.run import Run
from tests.support.runs import dataset
from training_trigger.intake import Outcome

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

RUN = "0199f0a0-0000-7000-8000-000000000001"
CONTEXT = SimpleNamespace(
    function_name="f", memory_limit_in_mb=1024, invoked_function_arn="arn:f", aws_request_id="r",
    get_remaining_time_in_millis=lambda: 60_000,
)  # fmt: skip


def told(caplog: pytest.LogCaptureFixture, logger: Logger) -> list[dict[str, Any]]:
    """The lines as the log gets them."""
    return [json.loads(logger.registered_formatter.format(record)) for record in caplog.records]


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """The metrics that were flushed."""
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines() if line.startswith("{")]
    found: dict[str, Any]
    (found,) = [line for line in lines if "_aws" in line]
    assert found["_aws"]["CloudWatchMetrics"][0]["Dimensions"] == [["service"]]
    return found


@pytest.fixture(autouse=True)
def service(monkeypatch: pytest.MonkeyPatch) -> None:
    for counts in (trainer.progress, training_trigger.handler):
        monkeypatch.setattr(counts.metrics.provider, "service", "tested")  # a function reads it as it starts


def deliver(monkeypatch: pytest.MonkeyPatch, run: Run | None) -> None:
    services = SimpleNamespace(registry=SimpleNamespace(get_run=lambda *_: run))
    monkeypatch.setattr(trainer.handler, "open_services", lambda _: services)
    monkeypatch.setattr(trainer.handler, "take", lambda *_: run)
    monkeypatch.setattr(trainer.handler, "train", lambda *_: None)
    body = json.dumps({"format_version": 1, "model": "m", "run_id": RUN, "request_id": "req-4"})
    trainer.handler.handler({"Records": [{"messageId": "1", "body": body}]}, CONTEXT)


@pytest.mark.parametrize(("state", "metric"), [("SUCCEEDED", "RunsSucceeded"), ("REJECTED", "RunsRejected")])
def test_the_trainer_names_the_run_in_every_line_and_counts_its_end(
    state: str, metric: str, monkeypatch: pytest.MonkeyPatch, caplog: Any, capsys: Any
) -> None:
    run = Run("m", RUN, "upload", dataset(), "", created_at="2026-11-23T10:00:00.000Z", state=state)
    deliver(monkeypatch, run)

    lines = told(caplog, trainer.handler.logger)
    assert len(lines) == 2
    named = {tuple(line[name] for name in ("correlation_id", "run_id", "model", "request_id")) for line in lines}
    assert named == {(RUN, RUN, "m", "req-4")}
    metrics = counted(capsys)
    assert (metrics["RunsDelivered"], metrics[metric]) == ([1.0], [1.0])
    assert RUN not in json.dumps(metrics)


def test_a_run_that_has_ended_is_told_too(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    deliver(monkeypatch, None)
    (line,) = told(caplog, trainer.handler.logger)
    assert (line["correlation_id"], line["message"]) == (RUN, "nothing to do: the run has ended")


def test_the_trigger_joins_the_request_to_the_run(monkeypatch: pytest.MonkeyPatch, caplog: Any, capsys: Any) -> None:
    monkeypatch.setattr(training_trigger.handler, "answer", lambda *_: Outcome("queued", "m", RUN))
    event = {"source": "modelloop.retrain", "model": "m", "cause": "request", "request_id": "req-1"}

    training_trigger.handler.handler(event, CONTEXT)

    (line,) = told(caplog, training_trigger.handler.logger)
    assert (line["request_id"], line["correlation_id"]) == ("req-1", RUN)
    metrics = counted(capsys)
    assert (metrics["EventsTaken"], metrics["RunsQueued"]) == ([1.0], [1.0])


def test_the_replay_names_the_run(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    verdict = ReplayVerdict(rows=3, answers="AAAA", ok=True, golden_ok=True)
    monkeypatch.setattr(inference.replay, "_objects", lambda: None)
    monkeypatch.setattr(inference.replay, "replay", lambda *_: verdict)

    request = ReplayRequest("m", RUN, "req-4", "file", "00", 1, "vectors")
    assert inference.replay.handler(request.to_json(), None) == verdict.to_json()

    (line,) = told(caplog, inference.telemetry.logger())
    assert (line["correlation_id"], line["request_id"]) == (RUN, "req-4")
    assert line["verdict"] == replace(verdict, answers=None).to_json()


def test_a_retraining_of_the_loop_is_named_in_its_line(monkeypatch: pytest.MonkeyPatch, caplog: Any) -> None:
    caplog.set_level("INFO")
    sent: list[dict[str, Any]] = []
    monkeypatch.setattr(TriggerFunction, "send", lambda _, event: sent.append(event))
    registry = SimpleNamespace(record_audit=lambda *_, **entry: sent.append(entry))
    decision = retraining.RetrainDecision(retraining.RETRAIN, "drift", "so")

    services = SimpleNamespace(registry=registry, trigger=TriggerFunction("f"))
    reactions._start(services, "m", decision, "req-5", "2026-11-23T10:00:00.000Z")  # type: ignore[arg-type]

    (line,) = told(caplog, reactions.logger)
    wish, entry = sent
    assert line["correlation_id"] == wish["request_id"] == entry["audit_id"] == "req-5"


def test_a_control_request_is_named_in_its_line(caplog: Any) -> None:
    event = {"httpMethod": "GET", "resource": "/nowhere", "requestContext": {"requestId": "req-2"}}

    assert control.handler.handler(event, None)["statusCode"] == 404

    (line,) = told(caplog, control.handler.logger)
    assert (line["correlation_id"], line["status"]) == ("req-2", 404)


def test_a_prediction_is_named_in_its_line_as_in_its_answer(monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setattr(inference.handler, "_after_response", SimpleNamespace(answered=lambda: None))
    event = {"httpMethod": "GET", "resource": "/nowhere", "requestContext": {"requestId": "req-3"}}

    answer = inference.handler.handler(event, None)

    line = counted(capsys)
    assert line["correlation_id"] == answer["headers"]["x-modelloop-prediction-id"]
    assert (line["request_id"], line["status"], line["ClientErrors"]) == ("req-3", 404, 1)
