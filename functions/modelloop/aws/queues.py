"""The queue of runs: one FIFO group a model, one message a run."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from modelloop.aws.clients import calling, client

if TYPE_CHECKING:
    from modelloop.versions.run import Run

FORMAT_VERSION = 1


def send_run(queue_url: str, run: Run) -> None:
    """Queue a run; a repetition within the queue's de-duplication window is dropped there, later ones by the run."""
    named = {"model": run.model, "run_id": run.run_id, "request_id": run.request_id}
    body = {"format_version": FORMAT_VERSION, **named}
    with calling(f"queueing run {run.run_id}"):
        client("sqs").send_message(
            QueueUrl=queue_url,
            MessageBody=json.dumps(body, sort_keys=True),
            MessageGroupId=run.model,
            MessageDeduplicationId=run.run_id,
        )
