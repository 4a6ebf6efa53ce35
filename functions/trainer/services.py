"""What the trainer works with: made once by its handler, handed to everything below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.functions import ReplayFunction
from modelloop.aws.stores import Stores, open_stores

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.aws.settings import Settings
    from modelloop.aws.storage import Bucket


@dataclass(frozen=True, slots=True)
class Services:
    """The stack's stores, and the serving runtime that replays what was exported."""

    stores: Stores
    runtime: ReplayFunction

    @property
    def registry(self) -> Registry:
        """The table."""
        return self.stores.registry

    @property
    def artifacts(self) -> Bucket:
        """The bucket of prepared tables and versions."""
        return self.stores.artifacts


def open_services(settings: Settings) -> Services:
    """Return the services of the stack that the settings describe."""
    return Services(open_stores(settings), ReplayFunction(settings.replay_function))
