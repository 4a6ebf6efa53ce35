"""What was given up: where it lies, where it came from, and what a person reads of it."""

from __future__ import annotations

import json
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from modelloop import clock

Message = dict[str, Any]


class Route(NamedTuple):
    """A dead-letter queue and its way back, as names of the template's outputs; `function` is invoked, not sent to."""

    dead: str
    home: str
    function: bool = False


ROUTES = {
    "runs": Route("RunsDeadLettersUrl", "RunsQueueUrl"),
    "captures": Route("CaptureDeadLettersUrl", "CaptureQueueUrl"),
    "uploads": Route("TriggerFailuresUrl", "TriggerFunction", function=True),
}


class Letter(NamedTuple):
    """A dead message as a person reads it; `payload` is what its function is invoked with, None when that is lost."""

    what: str
    reason: str
    payload: dict[str, Any] | None = None


def read(name: str, message: Message) -> Letter:
    """Read a message of a route's dead-letter queue; one that cannot be read is told as it stands."""
    try:
        document = json.loads(message["Body"])
        if ROUTES[name].function:
            return _invocation(document, clock.from_ms(int(message["Attributes"]["SentTimestamp"])))
        taken = message.get("Attributes", {}).get("ApproximateReceiveCount", "several")
        given_up = f"failed at every delivery ({taken} so far, this look included); "
        if name == "runs":
            words = f"{document['model']} {document['run_id']}"
            return Letter(f"run {words}", f"{given_up}modelloop runs {words} says more")
        return Letter(_subject(document), f"{given_up}the log of metrics-aggregation says why")
    except (ValueError, KeyError, TypeError, AttributeError):
        return Letter(message["Body"][:200], "not a message of ours")


def _invocation(record: dict[str, Any], given_up_at: str) -> Letter:
    """Read Lambda's record of an asynchronous invocation that failed, or that was too old before it was tried."""
    payload, context = record.get("requestPayload"), record.get("requestContext") or {}
    answer = record.get("responsePayload") or {}
    told = ": ".join(str(answer[name]) for name in ("errorType", "errorMessage") if answer.get(name))
    reason = f"{context.get('condition', 'failed')} after {context.get('approximateInvokeCount', 'some')} attempts"
    reason = f"{reason}; {told}" if told else reason
    if not isinstance(payload, dict):
        return Letter("an invocation without its event", f"{reason}; upload again")
    return Letter(_subject(payload), reason, _later(payload, given_up_at))


def _later(event: dict[str, Any], moment: str) -> dict[str, Any]:
    """Return an event whose uploads happened at a moment: a run that failed gives way to later uploads alone.

    The moment at which it was given up is the same at every sending, and newer uploads keep their place after it.
    """
    if "Records" not in event:
        return event
    return {**event, "Records": [{**record, "eventTime": moment} for record in event["Records"]]}


def _subject(event: dict[str, Any]) -> str:
    """Say what an event is about: the objects that it announces, or the model to be trained again."""
    if "Records" in event:
        places = (record["s3"] for record in event["Records"])
        return ", ".join(f"s3://{one['bucket']['name']}/{unquote_plus(one['object']['key'])}" for one in places)
    return f"retrain {event['model']}"
