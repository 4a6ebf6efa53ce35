"""Capture and feedback objects, announced through a queue, become summaries, index entries and labels."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from metrics_aggregation.aggregation import Aggregation
from metrics_aggregation.events import sources
from metrics_aggregation.lines import MOST_BYTES
from metrics_aggregation.version_lookup import StoredKnowledge
from modelloop.aws.storage import Bucket
from modelloop.captures import erasure
from modelloop.errors import NotFoundError, TooLargeError, TransientError
from modelloop.settings import settings

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.batch.base import FailureResponse
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

    from metrics_aggregation.aggregation import Source

LEAST_MS = 30_000  # what the largest object takes, with room to spare
_EMPTY: PartialItemFailureResponse = {"batchItemFailures": []}
_COUNTED = {"rows": "RowsAggregated", "labels": "LabelsReceived", "errors": "ErrorsAggregated",
            "duplicates": "DuplicateRecords", "quarantined": "LinesQuarantined"}  # fmt: skip

logger = Logger()
metrics = Metrics(namespace="Modelloop")


class _LoudProcessor(BatchProcessor):
    """Says why a message failed: the base class only reports which one must be delivered again."""

    def failure_handler(self, record: SQSRecord, exception: Any) -> FailureResponse:
        logger.error("the message failed and will be delivered again", exc_info=exception[1])
        metrics.add_metric("MessagesFailed", MetricUnit.Count, 1)
        return super().failure_handler(record, exception)


_processor = _LoudProcessor(event_type=EventType.SQS, raise_on_entire_batch_failure=False)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Aggregate every announced object; report the messages that must be delivered again."""
    metrics.add_metric("MessagesTaken", MetricUnit.Count, len(event.get("Records") or ()))
    if not event.get("Records"):
        logger.info("nothing to do", keys=sorted(event))
        return _EMPTY
    return process_partial_response(event=event, record_handler=_take_message, processor=_processor, context=context)


def _take_message(record: SQSRecord, lambda_context: LambdaContext) -> None:
    for bucket, source in sources(record.body):
        if lambda_context.get_remaining_time_in_millis() < LEAST_MS:
            raise TransientError("too little time is left for another object")
        logger.append_keys(object_key=source.key, version_id=source.version_id)
        _aggregate(bucket, source)


def _aggregate(bucket: str, source: Source) -> None:
    aggregation = Aggregation(source, _knowledge())
    try:
        body = Bucket(bucket).get(source.key, source.version_id, most=MOST_BYTES)
    except NotFoundError:
        logger.warning("the object, or that version of it, is gone")
        metrics.add_metric("ObjectsGone", MetricUnit.Count, 1)
        return
    except TooLargeError as error:
        aggregation.refuse(error.message)
    else:
        if body.startswith(erasure.MARK):
            logger.info("rewritten to erase a row; what is left was counted before")
            return
        aggregation.read(body)
    for key, output in aggregation.outputs():
        _artifacts().put(key, output)
    for name, metric in _COUNTED.items():
        metrics.add_metric(metric, MetricUnit.Count, aggregation.counted[name])
    logger.info("aggregated", counted=dict(aggregation.counted))


@cache
def _knowledge() -> StoredKnowledge:
    return StoredKnowledge(_artifacts())


@cache
def _artifacts() -> Bucket:
    return Bucket(settings().artifacts_bucket)
