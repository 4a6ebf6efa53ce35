"""The runs queue: one message, one run, from prepared table to serving version."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from modelloop.aws.settings import settings
from modelloop.contracts.run_message import run_message_from_body
from modelloop.errors import TransientError
from trainer.attempt import ending, take
from trainer.pipeline import train
from trainer.progress import count_delivered, count_ended, metrics
from trainer.services import open_services

if TYPE_CHECKING:
    from modelloop.contracts.run_message import RunMessage

logger = Logger()
MARGIN_SECONDS = 20.0


@metrics.log_metrics
def handler(event: dict[str, Any], context: Any) -> dict[str, list[dict[str, str]]]:
    """Work on every run of the event; what may succeed later is given back to the queue by its message id."""
    failures = []
    records = event.get("Records") or []
    count_delivered(len(records))
    for record in records:
        try:
            work(run_message_from_body(record["body"]), context)
        except TransientError as error:
            logger.warning(error.message, extra={"message_id": record["messageId"]})
            failures.append({"itemIdentifier": record["messageId"]})
    return {"batchItemFailures": failures}


def work(message: RunMessage, context: Any) -> None:
    """Train the run of one message within the time that the context leaves."""
    run_id = message.run_id
    logger.append_keys(model=message.model, run_id=run_id, correlation_id=run_id, request_id=message.request_id)
    services = open_services(settings())
    registry = services.registry
    started, seconds = time.monotonic(), context.get_remaining_time_in_millis() / 1000.0
    run = take(registry, message.model, run_id, seconds)
    if run is None:
        logger.info("nothing to do: the run has ended")
        return
    logger.info("the run is taken", extra={"attempt": run.attempts, "cause": run.cause})
    with ending(registry, run):
        train(services, run, seconds - MARGIN_SECONDS)
    run = registry.get_run(run.model, run.run_id)
    logger.info("the run has ended", extra={"state": run.state, "version": run.version, "reason": run.reason})
    count_ended(run, time.monotonic() - started)
