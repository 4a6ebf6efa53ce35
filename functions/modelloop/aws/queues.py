"""The queue of runs: one FIFO group a model, one message a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop.aws.clients import calling, client
from modelloop.contracts.run_message import RunMessage

if TYPE_CHECKING:
    from modelloop.versions.run import Run


@dataclass(frozen=True, slots=True)
class RunsQueue:
    """The queue that the trainer reads, by its URL."""

    url: str

    def send(self, run: Run) -> None:
        """Queue a run. The queue drops a repetition within its de-duplication window, the run itself later ones."""
        message = RunMessage(run.model, run.run_id, run.request_id)
        with calling(f"queueing run {run.run_id}"):
            client("sqs").send_message(
                QueueUrl=self.url,
                MessageBody=message.to_body(),
                MessageGroupId=run.model,
                MessageDeduplicationId=run.run_id,
            )
