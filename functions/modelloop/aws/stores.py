"""Where versions and their facts are kept: opened once by a handler from its settings, and passed down from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.registry.registry import Registry
from modelloop.aws.storage import Bucket

if TYPE_CHECKING:
    from modelloop.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """The table, and the bucket of versions, summaries and the index."""

    registry: Registry
    artifacts: Bucket


@dataclass(frozen=True, slots=True)
class StoreServices:
    """What the services of every function that uses the stores have in common."""

    stores: Stores

    @property
    def registry(self) -> Registry:
        """The table."""
        return self.stores.registry

    @property
    def artifacts(self) -> Bucket:
        """The bucket of prepared tables, versions, summaries and the index."""
        return self.stores.artifacts


def open_stores(settings: Settings) -> Stores:
    """Return the stores that the settings name; nothing is asked for before the first use."""
    return Stores(Registry(settings.table), Bucket(settings.artifacts_bucket))
