"""Dead-letter queues: what Lambda gave up after several attempts, why, and how it is sent again.

A message is deleted only after the place it came from has accepted it. Queues are read and written message by message
instead of by SQS's own move task: that works on no queue that Lambda fills, and does not show why a message was given
up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_plus

from modelloop import clock
from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop_client.stacks import Stack

Message = dict[str, Any]

HIDDEN_SECONDS = 60  # a batch takes far less; what an interrupted command received is visible again after it
BATCH = 10
WAIT_SECONDS = 1  # long polling asks every server of the queue: an empty answer means an empty queue


class Route(NamedTuple):
    """A dead-letter queue and where its messages came from, as names of the template's outputs.

    With `function`, `source` is a function to be invoked; otherwise it is a queue.
    """

    dead: str
    source: str
    function: bool = False


ROUTES = {
    "runs": Route("RunsDeadLettersUrl", "RunsQueueUrl"),
    "captures": Route("CaptureDeadLettersUrl", "CaptureQueueUrl"),
    "uploads": Route("TriggerFailuresUrl", "TriggerFunction", function=True),
}


class DeadLetter(NamedTuple):
    """A dead message as a person reads it; `payload` is what its function is invoked with, None when that is lost."""

    what: str
    reason: str
    payload: dict[str, Any] | None = None


class RetriedLetter(NamedTuple):
    """A dead message and how it ended: `sent`, `listed` (a dry run) or `kept` (it cannot be sent)."""

    queue: str
    what: str
    reason: str
    ended: str


class DeadLetterQueues:
    """One stack's dead-letter queues; every step may be repeated, so an interrupted retry is simply started again."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sqs = stack.aws("sqs")
        self._lambda = stack.aws("lambda")

    def retry(self, name: str, *, dry_run: bool = False) -> Iterator[RetriedLetter]:
        """Send again what is in a queue now, and yield each message when it is done; a dry run only lists.

        No more messages are taken than there were at the start: what is given up again meanwhile waits for the next
        call. Raises CommandError when the stack lacks an output that the route names.
        """
        route = ROUTES[name]
        dead, source = self._output(route.dead), self._output(route.source)
        unsent: list[str] = []
        try:
            for message in self._receive(dead):
                letter = read_letter(name, message)
                lost = route.function and letter.payload is None
                if dry_run or lost:
                    unsent.append(message["ReceiptHandle"])
                else:
                    self._send(route, source, message, letter.payload)
                    self._sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                ended = "kept" if lost else "listed" if dry_run else "sent"
                yield RetriedLetter(name, letter.what, letter.reason, ended)
        finally:
            for handle in unsent:
                self._sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=handle, VisibilityTimeout=0)

    def _receive(self, queue: str) -> Iterator[Message]:
        left = self._count(queue)
        while left > 0:
            batch = self._sqs.receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=min(BATCH, left),
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=WAIT_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            if not batch:
                return
            yield from batch
            left -= len(batch)

    def _count(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        return int(self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"][names[0]])

    def _send(self, route: Route, source: str, message: Message, payload: dict[str, Any] | None) -> None:
        if route.function:
            self._lambda.invoke(FunctionName=source, InvocationType="Event", Payload=json.dumps(payload).encode())
            return
        self._sqs.send_message(
            QueueUrl=source,
            MessageBody=message["Body"],
            MessageAttributes=_sendable(message.get("MessageAttributes", {})),
            **_fifo_place(message),
        )

    def _output(self, name: str) -> str:
        try:
            return self._stack.outputs[name]
        except KeyError as error:
            raise CommandError(f"the stack has no output {name}", "Deploy it again: this version needs it") from error


def read_letter(name: str, message: Message) -> DeadLetter:
    """Return a message of a route's dead-letter queue; one that cannot be read is quoted as it is."""
    try:
        document = json.loads(message["Body"])
        if ROUTES[name].function:
            return _read_invocation(document, clock.from_ms(int(message["Attributes"]["SentTimestamp"])))
        attempts = message.get("Attributes", {}).get("ApproximateReceiveCount", "several")
        given_up = f"failed at every attempt ({attempts} so far, including this listing); "
        if name == "runs":
            run = f"{document['model']} {document['run_id']}"
            return DeadLetter(f"run {run}", f"{given_up}for more: modelloop runs {run}")
        return DeadLetter(_subject(document), f"{given_up}the log of metrics-aggregation says why")
    except (ValueError, KeyError, TypeError, AttributeError):
        return DeadLetter(message["Body"][:200], "not a message that Modelloop sent")


def _read_invocation(record: dict[str, Any], given_up_at: str) -> DeadLetter:
    """Read Lambda's record of an asynchronous invocation that failed, or that was too old before it was tried."""
    payload, context = record.get("requestPayload"), record.get("requestContext") or {}
    answer = record.get("responsePayload") or {}
    error = ": ".join(str(answer[name]) for name in ("errorType", "errorMessage") if answer.get(name))
    reason = f"{context.get('condition', 'failed')} after {context.get('approximateInvokeCount', 'some')} attempts"
    reason = f"{reason}; {error}" if error else reason
    if not isinstance(payload, dict):
        return DeadLetter("an invocation whose event is lost", f"{reason}; upload the table again")
    return DeadLetter(_subject(payload), reason, _with_event_time(payload, given_up_at))


def _with_event_time(event: dict[str, Any], moment: str) -> dict[str, Any]:
    """Return an event whose uploads happened at a moment, because a later upload takes precedence over a failed run.

    The moment at which the event was given up is the same at every retry, and newer uploads stay newer than it.
    """
    if "Records" not in event:
        return event
    return {**event, "Records": [{**record, "eventTime": moment} for record in event["Records"]]}


def _subject(event: dict[str, Any]) -> str:
    """Return what an event is about: the objects that it announces, or the model to be trained again."""
    if "Records" in event:
        objects = (record["s3"] for record in event["Records"])
        return ", ".join(f"s3://{place['bucket']['name']}/{unquote_plus(place['object']['key'])}" for place in objects)
    return f"retrain {event['model']}"


def _sendable(attributes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a message's attributes as they can be sent; received ones carry empty lists that SQS does not accept."""
    fields = ("DataType", "StringValue", "BinaryValue")
    return {
        name: {field: attribute[field] for field in fields if field in attribute}
        for name, attribute in attributes.items()
    }


def _fifo_place(message: Message) -> dict[str, str]:
    """Return the message's group in a FIFO queue, and an id by which the queue drops a second sending."""
    group = message["Attributes"].get("MessageGroupId")
    return {"MessageGroupId": group, "MessageDeduplicationId": message["MessageId"]} if group else {}
