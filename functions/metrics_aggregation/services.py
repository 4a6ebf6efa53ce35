"""What a verdict tick works with: made once by its handler, handed to everything below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.events import EventBus
from modelloop.aws.functions import TriggerFunction
from modelloop.aws.storage import Bucket
from modelloop.aws.stores import StoreServices, open_stores

if TYPE_CHECKING:
    from modelloop.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Services(StoreServices):
    """The stack's stores, the bucket of captures, where alerts go, and the function that trains again.

    `label_delay_hours` is how long labels take where `model.yaml` does not say it.
    """

    captures: Bucket
    bus: EventBus
    trigger: TriggerFunction
    label_delay_hours: float


def open_services(settings: Settings) -> Services:
    """Return the services of the stack that the settings describe."""
    return Services(
        open_stores(settings),
        Bucket(settings.capture_bucket),
        EventBus(settings.event_bus),
        TriggerFunction(settings.trigger_function),
        settings.label_delay_hours,
    )
