"""The queue of runs: one FIFO group a model, one message a run."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.clients import calling, client

if TYPE_CHECKING:
    from modelloop.versions.run import Run

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class RunsQueue:
    """The queue that the trainer reads, by its URL."""

    url: str

    def send(self, run: Run) -> None:
        """Queue a run. The queue drops a repetition within its de-duplication window, the run itself later ones."""
        named = {"model": run.model, "run_id": run.run_id, "request_id": run.request_id}
        body = {"format_version": FORMAT_VERSION, **named}
        with calling(f"queueing run {run.run_id}"):
            client("sqs").send_message(
                QueueUrl=self.url,
                MessageBody=json.dumps(body, sort_keys=True),
                MessageGroupId=run.model,
                MessageDeduplicationId=run.run_id,
            )
