"""What was given up is sent again, unchanged and in order, and is never lost on the way."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.client import BaseClient
from botocore.exceptions import ClientError
from samcli.yamlhelper import yaml_parse

from modelloop_cli import dead_letters
from modelloop_cli.dead_letters import ROUTES
from modelloop_stack.build.paths import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable

pytestmark = pytest.mark.usefixtures("stack_file")

RUNS = [{"format_version": 1, "model": model, "run_id": f"r-{at}"} for at, model in enumerate("mnm")]
UPLOAD = {
    "eventSource": "aws:s3", "eventName": "ObjectCreated:Put", "eventTime": "2026-11-23T12:00:00.000Z",
    "s3": {"bucket": {"name": "data"}, "object": {"key": "datasets/m/my+table.csv", "versionId": "v"}},
}  # fmt: skip
RETRAIN = {"source": "modelloop.retrain", "model": "m", "cause": "drift", "time": "2026-11-23T12:00:00.000Z"}
CAPTURE = {"Records": [{"s3": {"bucket": {"name": "capture"}, "object": {"key": "captures/2026/11/23/10/1"}}}]}


def failed(payload: Any, **changes: Any) -> dict[str, Any]:
    """Lambda's record of an asynchronous invocation that was given up."""
    return {
        "version": "1.0", "timestamp": "2026-11-23T12:05:00.000Z", "requestPayload": payload,
        "requestContext": {"requestId": "q", "functionArn": "arn:aws:lambda:eu-west-1:1:function:trigger:$LATEST",
                           "condition": "RetriesExhausted", "approximateInvokeCount": 3},
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "responsePayload": {"errorMessage": "the disk is full", "errorType": "OSError"},
    } | changes  # fmt: skip


class CutError(BaseException):
    """The program dies: nothing may catch this."""


class Post:
    """The template's own queues in moto, what was invoked, and a way to die after any call."""

    def __init__(self, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
        self.sqs: Any = boto3.client("sqs", endpoint_url=url, region_name="eu-west-1")
        self.invoked: list[dict[str, Any]] = []
        self.made, self.last = 0, 0
        self.urls = _provision(boto3.client("cloudformation", endpoint_url=url, region_name="eu-west-1"))
        real = BaseClient._make_api_call  # type: ignore[attr-defined]  # not in the stubs

        def call(client: Any, name: str, arguments: Any) -> Any:
            answer = self._invoke(arguments) if name == "Invoke" else real(client, name, arguments)
            self.made += 1
            if self.made == self.last:
                raise CutError(name)
            return answer

        monkeypatch.setattr(BaseClient, "_make_api_call", call)

    def _invoke(self, arguments: dict[str, Any]) -> dict[str, Any]:
        assert (arguments["FunctionName"], arguments["InvocationType"]) == ("trigger", "Event")
        self.invoked.append(json.loads(arguments["Payload"]))
        return {"StatusCode": 202}

    def put(self, output: str, document: Any, **more: Any) -> dict[str, Any]:
        body = document if isinstance(document, str) else json.dumps(document)
        return self.sqs.send_message(QueueUrl=self.urls[output], MessageBody=body, **more)  # type: ignore[no-any-return]

    def take(self, output: str) -> list[dict[str, Any]]:
        """Receive and delete all that is visible."""
        found: list[dict[str, Any]] = []
        while batch := self.sqs.receive_message(
            QueueUrl=self.urls[output], MaxNumberOfMessages=10, MessageAttributeNames=["All"], AttributeNames=["All"]
        ).get("Messages"):
            found += batch
            for message in batch:
                self.sqs.delete_message(QueueUrl=self.urls[output], ReceiptHandle=message["ReceiptHandle"])
        return found


def _provision(cloudformation: Any) -> dict[str, str]:
    """Create the template's queues; return its outputs."""
    source = yaml_parse((ROOT / "template.yaml").read_text())
    queues = {name: one for name, one in source["Resources"].items() if one["Type"] == "AWS::SQS::Queue"}
    for name, queue in queues.items():
        if queue["Properties"].get("FifoQueue"):
            queue["Properties"]["QueueName"] = f"{name}.fifo"  # CloudFormation makes a name; moto asks for one
    outputs = {name: {"Value": one["Value"]} for name, one in source["Outputs"].items()
               if one["Value"] in [{"Ref": queue} for queue in queues]}  # fmt: skip
    template = {"Resources": queues, "Outputs": outputs | {"TriggerFunction": {"Value": "trigger"}}}
    cloudformation.create_stack(StackName="loop", TemplateBody=json.dumps(template))
    (stack,) = cloudformation.describe_stacks(StackName="loop")["Stacks"]
    return {one["OutputKey"]: one["OutputValue"] for one in stack["Outputs"]}


@pytest.fixture
def post(s3: Any, aws_url: str, monkeypatch: pytest.MonkeyPatch) -> Post:  # noqa: ARG001  moto is wiped first
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "test")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "test")
    return Post(aws_url, monkeypatch)


def die(post: Post) -> None:
    """Put messages into every dead-letter queue."""
    attributes = {"note": {"DataType": "String", "StringValue": "kept"}}
    for at, run in enumerate(RUNS):
        post.put("RunsDeadLettersUrl", run, MessageGroupId=run["model"], MessageDeduplicationId=str(at))
    post.put("CaptureDeadLettersUrl", CAPTURE, MessageAttributes=attributes)
    post.put("TriggerFailuresUrl", failed({"Records": [UPLOAD]}))
    post.put("TriggerFailuresUrl", failed(RETRAIN, responsePayload=None))


def test_all_that_is_dead_goes_back_as_it_was(post: Post, modelloop: Callable[..., Any]) -> None:
    die(post)

    done = modelloop("redrive", "--json")

    assert done.code == 0, done.err
    assert done.json["counts"] == {"sent": 6}
    runs = post.take("RunsQueueUrl")
    assert [json.loads(one["Body"])["run_id"] for one in runs if one["Attributes"]["MessageGroupId"] == "m"] == [
        "r-0", "r-2"
    ]  # fmt: skip
    assert sorted(json.loads(one["Body"])["run_id"] for one in runs) == ["r-0", "r-1", "r-2"]
    (capture,) = post.take("CaptureQueueUrl")
    assert json.loads(capture["Body"]) == CAPTURE
    assert capture["MessageAttributes"] == {"note": {"DataType": "String", "StringValue": "kept"}}
    upload, retrain = sorted(post.invoked, key=len)
    (record,) = upload["Records"]
    assert record["eventTime"] > UPLOAD["eventTime"]
    assert record | {"eventTime": UPLOAD["eventTime"]} == UPLOAD
    assert retrain == RETRAIN
    assert [post.take(route.dead) for route in ROUTES.values()] == [[], [], []]
    assert modelloop("redrive", "--json").json == {"letters": [], "counts": {}}


def test_a_dry_run_lists_what_was_given_up_and_why_and_leaves_it(post: Post, modelloop: Callable[..., Any]) -> None:
    die(post)

    found = modelloop("redrive", "--dry-run", "--json").json

    reasons = {letter["what"]: letter["reason"] for letter in found["letters"]}
    assert found["counts"] == {"listed": 6}
    assert reasons["s3://data/datasets/m/my table.csv"] == (
        "RetriesExhausted after 3 attempts; OSError: the disk is full"
    )
    assert reasons["retrain m"] == "RetriesExhausted after 3 attempts"
    assert "for more: modelloop runs m r-2" in reasons["run m r-2"]
    assert "log of metrics-aggregation" in reasons["s3://capture/captures/2026/11/23/10/1"]
    assert post.invoked == []
    assert [len(post.take(route.dead)) for route in ROUTES.values()] == [3, 1, 2]
    assert (post.take("RunsQueueUrl"), post.take("CaptureQueueUrl")) == ([], [])


def test_one_queue_can_be_named(post: Post, modelloop: Callable[..., Any]) -> None:
    die(post)

    assert modelloop("redrive", "--queue", "captures", "--json").json["counts"] == {"sent": 1}
    assert "retried 3" in modelloop("redrive", "-q", "runs").out
    assert [len(post.take(route.dead)) for route in ROUTES.values()] == [0, 0, 2]
    wrong = modelloop("redrive", "--queue", "letters")
    assert (wrong.code, "runs, captures, uploads" in wrong.err) == (1, True)


@pytest.mark.parametrize(
    "body",
    ["no json", "[]", json.dumps(failed(None)), json.dumps({"requestContext": {"condition": "EventAgeExceeded"}})],
)
def test_a_record_without_its_event_is_kept(post: Post, modelloop: Callable[..., Any], body: str) -> None:
    post.put("TriggerFailuresUrl", body)
    post.put("TriggerFailuresUrl", failed({"Records": [UPLOAD]}))

    assert modelloop("redrive", "--json").json["counts"] == {"kept": 1, "sent": 1}
    assert [one["Body"] for one in post.take("TriggerFailuresUrl")] == [body]
    assert len(post.invoked) == 1


def test_garbage_in_a_queue_of_messages_goes_back_too(post: Post, modelloop: Callable[..., Any]) -> None:
    post.put("CaptureDeadLettersUrl", "garbage [b]")

    (letter,) = modelloop("redrive", "--json").json["letters"]

    assert (letter["what"], letter["reason"], letter["ended"]) == (
        "garbage [b]",
        "this version of Modelloop cannot read the message",
        "sent",
    )
    assert [one["Body"] for one in post.take("CaptureQueueUrl")] == ["garbage [b]"]


def test_more_than_a_batch_is_sent_and_what_dies_again_waits(
    post: Post, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for at in range(23):
        post.put("TriggerFailuresUrl", failed(RETRAIN | {"cause": str(at)}))
    monkeypatch.setattr(post, "_invoke", lambda _: post.put("TriggerFailuresUrl", failed(RETRAIN)))

    assert modelloop("redrive", "--json").json["counts"] == {"sent": 23}
    assert len(post.take("TriggerFailuresUrl")) == 23


def test_a_stack_of_before_says_what_it_lacks(post: Post, modelloop: Callable[..., Any]) -> None:
    post.urls.clear()
    cloudformation = boto3.client("cloudformation", endpoint_url=post.sqs.meta.endpoint_url, region_name="eu-west-1")
    queue = {"Type": "AWS::SQS::Queue", "Properties": {}}
    cloudformation.update_stack(StackName="loop", TemplateBody=json.dumps({"Resources": {"CaptureQueue": queue}}))

    ended = modelloop("redrive")

    assert (ended.code, "no output RunsDeadLettersUrl" in ended.err) == (1, True)


def test_what_was_sent_before_a_refusal_is_shown(
    post: Post, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    die(post)

    def refuse(_: dict[str, Any]) -> None:
        raise ClientError({"Error": {"Code": "AccessDeniedException", "Message": "not you"}}, "Invoke")

    monkeypatch.setattr(post, "_invoke", refuse)
    ended = modelloop("redrive", "--json")

    assert (ended.code, ended.json["counts"]) == (1, {"sent": 4})
    assert "AWS refused Invoke: not you" in ended.err


@pytest.mark.parametrize("step", [7, pytest.param(1, marks=pytest.mark.slow)])
def test_what_was_cut_off_after_any_call_is_finished_by_repeating(
    post: Post, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch, step: int
) -> None:
    monkeypatch.setattr(dead_letters, "HIDDEN_SECONDS", 0)  # what a cut hides is back at once
    die(post)
    post.made = 0
    modelloop("redrive", "--json")
    calls, expected = post.made, _arrived(post)
    assert calls >= 18

    for at in range(1, calls + 1, step):
        die(post)
        post.made, post.last = 0, at
        with pytest.raises(CutError):
            modelloop("redrive", "--json")
        post.last = 0
        while modelloop("redrive", "--json").json["letters"]:
            pass
        assert _arrived(post) == expected, at
        assert [post.take(route.dead) for route in ROUTES.values()] == [[], [], []]


def _arrived(post: Post) -> tuple[set[str], set[str], set[str]]:
    """Take what came home, each once: what was sent twice has one effect there."""
    events = [[record["s3"] for record in one["Records"]] if "Records" in one else one for one in post.invoked]
    post.invoked.clear()
    bodies = [{message["Body"] for message in post.take(home)} for home in ("RunsQueueUrl", "CaptureQueueUrl")]
    return bodies[0], bodies[1], {json.dumps(event) for event in events}
