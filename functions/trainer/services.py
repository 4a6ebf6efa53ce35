"""What the trainer works with: made once by its handler, handed to everything below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.functions import ReplayFunction
from modelloop.aws.stores import StoreServices, open_stores

if TYPE_CHECKING:
    from modelloop.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Services(StoreServices):
    """The stack's stores, and the serving runtime that replays what was exported.

    `label_delay_hours` is how long labels take where `model.yaml` does not say it.
    """

    runtime: ReplayFunction
    label_delay_hours: float = 24.0


def open_services(settings: Settings) -> Services:
    """Return the services of the stack that the settings describe."""
    return Services(open_stores(settings), ReplayFunction(settings.replay_function), settings.label_delay_hours)
