"""The durable stores of a stack: made once by a handler from its settings, and passed down from there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.registry.registry import Registry
from modelloop.aws.storage import Bucket

if TYPE_CHECKING:
    from modelloop.settings import Settings


@dataclass(frozen=True, slots=True)
class Stores:
    """The table and the three buckets; a function has rights to only some of them."""

    registry: Registry
    data: Bucket
    artifacts: Bucket
    captures: Bucket


def open_stores(settings: Settings) -> Stores:
    """Return the stores that the settings name; nothing is asked for before the first use."""
    return Stores(
        Registry(settings.table),
        Bucket(settings.data_bucket),
        Bucket(settings.artifacts_bucket),
        Bucket(settings.capture_bucket),
    )
