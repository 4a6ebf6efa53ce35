"""The queue of runs: one FIFO group a model, one message a run."""

from __future__ import annotations

import json

from modelloop.aws.clients import calling, client

FORMAT_VERSION = 1


def send_run(queue_url: str, model: str, run_id: str) -> None:
    """Queue a run; a repetition within the queue's de-duplication window is dropped there, later ones by the run."""
    body = {"format_version": FORMAT_VERSION, "model": model, "run_id": run_id}
    with calling(f"queueing run {run_id}"):
        client("sqs").send_message(
            QueueUrl=queue_url,
            MessageBody=json.dumps(body, sort_keys=True),
            MessageGroupId=model,
            MessageDeduplicationId=run_id,
        )
