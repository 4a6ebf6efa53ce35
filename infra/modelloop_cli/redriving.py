"""Dead letters go back to where they came from: each is deleted only after its home has accepted it.

Queues are read and written message by message, not by SQS's own move task: that takes no queue that Lambda fills, and
tells nobody why a message was given up.
"""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop_cli import dead_letters
from modelloop_cli.dead_letters import ROUTES
from modelloop_client.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop_cli.dead_letters import Message, Route
    from modelloop_client.target import Stack

HIDDEN_SECONDS = 60  # a batch is dealt with well before, and what was cut off is back after it
BATCH = 10
QUIET_SECONDS = 1  # long polling asks every server of the queue: an empty answer means an empty queue


class Redriven(NamedTuple):
    """A dead message and what became of it: `sent`, `listed` (nothing was to be done) or `kept` (it cannot be sent)."""

    queue: str
    what: str
    reason: str
    ended: str


class Mailroom:
    """One stack's dead-letter queues; every step may be repeated, so what was cut off is simply begun anew."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self._sqs = stack.aws("sqs")
        self._lambda = stack.aws("lambda")

    def redrive(self, name: str, *, dry_run: bool = False) -> Iterator[Redriven]:
        """Send back what lies in a queue now, and yield each message when it is done; a dry run only lists.

        No more are taken than lay there at the start: what dies again meanwhile waits for the next call.
        """
        route = ROUTES[name]
        dead, home = self._output(route.dead), self._output(route.home)
        held: list[str] = []
        try:
            for message in self._take(dead):
                letter = dead_letters.read(name, message)
                lost = route.function and letter.payload is None
                if dry_run or lost:
                    held.append(message["ReceiptHandle"])
                else:
                    self._send(route, home, message, letter.payload)
                    self._sqs.delete_message(QueueUrl=dead, ReceiptHandle=message["ReceiptHandle"])
                yield Redriven(name, letter.what, letter.reason, "kept" if lost else "listed" if dry_run else "sent")
        finally:
            for handle in held:
                self._sqs.change_message_visibility(QueueUrl=dead, ReceiptHandle=handle, VisibilityTimeout=0)

    def _take(self, queue: str) -> Iterator[Message]:
        left = self._waiting(queue)
        while left > 0:
            found = self._sqs.receive_message(
                QueueUrl=queue,
                MaxNumberOfMessages=min(BATCH, left),
                VisibilityTimeout=HIDDEN_SECONDS,
                WaitTimeSeconds=QUIET_SECONDS,
                MessageAttributeNames=["All"],
                MessageSystemAttributeNames=["All"],
            ).get("Messages", [])
            if not found:
                return
            yield from found
            left -= len(found)

    def _waiting(self, queue: str) -> int:
        names = ["ApproximateNumberOfMessages"]
        return int(self._sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=names)["Attributes"][names[0]])

    def _send(self, route: Route, home: str, message: Message, payload: dict[str, Any] | None) -> None:
        if route.function:
            self._lambda.invoke(FunctionName=home, InvocationType="Event", Payload=json.dumps(payload).encode())
            return
        self._sqs.send_message(
            QueueUrl=home,
            MessageBody=message["Body"],
            MessageAttributes=_plain(message.get("MessageAttributes", {})),
            **_ordered(message),
        )

    def _output(self, name: str) -> str:
        try:
            return self._stack.outputs[name]
        except KeyError as error:
            raise CommandError(f"the stack has no output {name}", "Deploy it again: this version needs it") from error


def _plain(attributes: dict[str, dict[str, Any]]) -> dict[str, dict[str, Any]]:
    """Return a message's attributes as they are sent; received ones carry empty lists that are not supported."""
    fields = ("DataType", "StringValue", "BinaryValue")
    return {name: {field: one[field] for field in fields if field in one} for name, one in attributes.items()}


def _ordered(message: Message) -> dict[str, str]:
    """Return the message's place in a FIFO queue: its group, and an id by which the queue drops a second sending."""
    group = message["Attributes"].get("MessageGroupId")
    return {"MessageGroupId": group, "MessageDeduplicationId": message["MessageId"]} if group else {}
