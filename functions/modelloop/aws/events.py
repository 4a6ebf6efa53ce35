"""The event bus: alerts go out, at least once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from modelloop.aws.clients import calling, client
from modelloop.errors import TransientError
from modelloop.settings import settings

if TYPE_CHECKING:
    from collections.abc import Mapping

TRUNCATED_REASONS = 20


def publish(alert: Mapping[str, Any]) -> None:
    """Send one alert; raise TransientError when the bus did not take it."""
    detail = {**alert["detail"], "reasons": alert["detail"]["reasons"][:TRUNCATED_REASONS]}
    entry = {
        "EventBusName": settings().event_bus,
        "Source": alert["source"],
        "DetailType": alert["detail-type"],
        "Detail": orjson.dumps(detail).decode(),
    }
    with calling("the event bus"):
        answer = client("events").put_events(Entries=[entry])
    if answer.get("FailedEntryCount"):
        raise TransientError(f"the event bus did not take an alert: {answer['Entries'][0].get('ErrorCode')}")
