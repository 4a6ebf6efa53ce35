"""What was given up on the embedded stack is listed, and goes back to where it came from."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from tests.support.embedded import wait_for

if TYPE_CHECKING:
    from modelloop_stack.info import StackInfo
    from tests.support.embedded import Run

KEY = "captures/2026/11/23/10/garbage-for-the-redrive"


@pytest.fixture(scope="module")
def announcement(stack: StackInfo) -> dict[str, Any]:
    """The event of a capture object of two lines that cannot be read."""
    body = b'garbage\n{"format_version": 99}\n'
    version = stack.client("s3").put_object(Bucket=stack.capture_bucket, Key=KEY, Body=body)["VersionId"]
    place = {"bucket": {"name": stack.capture_bucket}, "object": {"key": KEY, "versionId": version}}
    return {"Records": [{"eventSource": "aws:s3", "eventTime": "2026-11-23T10:00:00.000Z", "s3": place}]}


def put_aside(modelloop: Run) -> dict[str, Any] | None:
    found = json.loads(modelloop("quarantine", "--json").stdout)["quarantine"]
    return next((one for one in found if one["object"].endswith(KEY)), None)


def waiting(stack: StackInfo, output: str) -> int:
    name = "ApproximateNumberOfMessages"
    answer = stack.client("sqs").get_queue_attributes(QueueUrl=stack.outputs[output], AttributeNames=[name])
    return int(answer["Attributes"][name])


def test_a_capture_that_was_given_up_is_counted_after_the_redrive(
    stack: StackInfo, modelloop: Run, announcement: dict[str, Any]
) -> None:
    first = wait_for(lambda: put_aside(modelloop), "what cannot be read")
    assert [(group["kind"], group["lines"]) for group in first["groups"]] == [("not_json", 1), ("other_format", 1)]
    stack.client("s3").delete_object(Bucket=stack.artifacts_bucket, Key=first["quarantine"])
    dead = stack.outputs["CaptureDeadLettersUrl"]
    stack.client("sqs").send_message(QueueUrl=dead, MessageBody=json.dumps(announcement))

    listed = json.loads(modelloop("redrive", "--dry-run", "--json").stdout)
    sent = json.loads(modelloop("redrive", "--queue", "captures", "--json").stdout)

    assert [one["what"] for one in listed["letters"]] == [f"s3://{stack.capture_bucket}/{KEY}"]
    assert sent["counts"] == {"sent": 1}
    again = wait_for(lambda: put_aside(modelloop), "what cannot be read, once more")
    assert (again["quarantine"], again["groups"]) == (first["quarantine"], first["groups"])
    assert waiting(stack, "CaptureDeadLettersUrl") == 0


def test_an_invocation_that_was_given_up_is_made_again(stack: StackInfo, modelloop: Run) -> None:
    event = {"source": "modelloop.retrain", "model": "never-heard-of", "cause": "request"}
    record = {"requestContext": {"condition": "RetriesExhausted", "approximateInvokeCount": 3}, "requestPayload": event}
    stack.client("sqs").send_message(QueueUrl=stack.outputs["TriggerFailuresUrl"], MessageBody=json.dumps(record))

    (letter,) = json.loads(modelloop("redrive", "--queue", "uploads", "--json").stdout)["letters"]

    assert (letter["what"], letter["ended"]) == ("retrain never-heard-of", "sent")
    assert waiting(stack, "TriggerFailuresUrl") == 0
