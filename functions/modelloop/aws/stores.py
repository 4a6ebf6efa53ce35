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


def open_stores(settings: Settings) -> Stores:
    """Return the stores that the settings name; nothing is asked for before the first use."""
    return Stores(Registry(settings.table), Bucket(settings.artifacts_bucket))
