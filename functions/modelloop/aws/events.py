"""The event bus: alerts go out, at least once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import orjson

from modelloop.aws.clients import calling, client
from modelloop.errors import TransientError
from modelloop.monitoring.alerts import SOURCE

if TYPE_CHECKING:
    from modelloop.monitoring.alerts import Alert

MAX_REASONS = 20


@dataclass(frozen=True, slots=True)
class EventBus:
    """An event bus, by its name."""

    name: str

    def publish(self, alert: Alert) -> None:
        """Send one alert with at most MAX_REASONS reasons; raise TransientError when the bus did not take it."""
        entry = {
            "EventBusName": self.name,
            "Source": SOURCE,
            "DetailType": alert.detail_type,
            "Detail": orjson.dumps(alert.detail(MAX_REASONS)).decode(),
        }
        with calling("the event bus"):
            answer = client("events").put_events(Entries=[entry])
        if answer.get("FailedEntryCount"):
            raise TransientError(f"the event bus did not take an alert: {answer['Entries'][0].get('ErrorCode')}")
