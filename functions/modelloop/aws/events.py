"""The event bus: alerts go out, at least once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.aws.clients import calling, client
from modelloop.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Mapping

MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class EventBus:
    """An event bus, by its name."""

    name: str

    def publish(self, alert: Mapping[str, Any]) -> None:
        """Send one alert with at most MAX_REASONS reasons; raise TransientError when the bus did not take it."""
        detail = {**alert["detail"], "reasons": alert["detail"]["reasons"][:MAX_REASONS]}
        entry = {
            "EventBusName": self.name,
            "Source": alert["source"],
            "DetailType": alert["detail-type"],
            "Detail": orjson.dumps(detail).decode(),
        }
        with calling("the event bus"):
            answer = client("events").put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise TransientError(f"the event bus did not take an alert: {answer['Entries'][0].get('ErrorCode')}")
