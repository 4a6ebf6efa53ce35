"""What intake works with: made once by its handler, handed to everything below."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.queues import RunsQueue
from modelloop.aws.storage import Bucket
from modelloop.aws.stores import StoreServices, open_stores

if TYPE_CHECKING:
    from modelloop.aws.settings import Settings


@dataclass(frozen=True, slots=True)
class Trainer:
    """The deployed trainer, to which plans are held: its memory and its disk, in MB."""

    memory_mb: int
    storage_mb: int


@dataclass(frozen=True, slots=True)
class Services(StoreServices):
    """The stack's stores, the bucket of uploads, the queue of runs, and the trainer that reads it."""

    data: Bucket
    queue: RunsQueue
    trainer: Trainer


def open_services(settings: Settings) -> Services:
    """Return the services of the stack that the settings describe."""
    trainer = Trainer(settings.trainer_memory, settings.trainer_storage)
    return Services(open_stores(settings), Bucket(settings.data_bucket), RunsQueue(settings.runs_queue_url), trainer)
