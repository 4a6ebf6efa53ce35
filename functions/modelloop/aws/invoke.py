"""Hand an event to another function without waiting for it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from modelloop.aws.clients import calling, client

if TYPE_CHECKING:
    from collections.abc import Mapping


def send_event(function: str, event: Mapping[str, Any]) -> None:
    """Queue an asynchronous invocation; raise TransientError when the service is busy."""
    with calling(f"the function {function}"):
        client("lambda").invoke(FunctionName=function, InvocationType="Event", Payload=orjson.dumps(event))
