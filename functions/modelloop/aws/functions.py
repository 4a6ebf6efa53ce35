"""Other functions of the stack: events for the training trigger, rows for the replay function."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson
from botocore.exceptions import ReadTimeoutError

from modelloop.aws.clients import calling, client
from modelloop.errors import ExportMismatchError, TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

REPLAY_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class TriggerFunction:
    """The training trigger, by its name or ARN."""

    name: str

    def send(self, event: Mapping[str, Any]) -> None:
        """Queue an asynchronous invocation; raise TransientError when the service is busy."""
        with calling(f"the function {self.name}"):
            client("lambda").invoke(FunctionName=self.name, InvocationType="Event", Payload=orjson.dumps(event))


@dataclass(frozen=True, slots=True)
class ReplayFunction:
    """The serving runtime, asked to answer rows with an exported model; by its name or ARN."""

    name: str

    def replay(self, event: Mapping[str, Any]) -> dict[str, Any]:
        """Return the function's answer; raise ExportMismatchError when it failed or hung instead of answering."""
        try:
            with calling("the replay function"):
                answer = client("lambda", read_seconds=REPLAY_SECONDS, attempts=1).invoke(
                    FunctionName=self.name, Payload=orjson.dumps(event)
                )
                body = answer["Payload"].read()
        except TransientError as error:
            if isinstance(error.__cause__, ReadTimeoutError):
                raise ExportMismatchError(
                    f"the serving runtime did not answer within {REPLAY_SECONDS:.0f} s"
                ) from error
            raise
        if answer.get("FunctionError"):
            raise ExportMismatchError(
                f"the serving runtime could not replay the model: {body[:500].decode(errors='replace')}"
            )
        verdict: dict[str, Any] = orjson.loads(body)
        return verdict
