"""Capture and feedback objects, announced through a queue, become summaries, index entries and labels."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from hashlib import sha256
from itertools import batched, groupby
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_plus

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response

from metrics_aggregation.aggregation import Aggregation, Source
from metrics_aggregation.watched import VersionLookup
from modelloop import clock
from modelloop.aws.settings import METRICS_NAMESPACE, settings
from modelloop.aws.storage import Bucket
from modelloop.captures.object_lines import MAX_BYTES, is_rewritten
from modelloop.errors import NotFoundError, TooLargeError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from aws_lambda_powertools.utilities.batch.base import FailureResponse
    from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
    from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
    from aws_lambda_powertools.utilities.typing import LambdaContext

MIN_MS = 30_000  # what the largest object takes, with room to spare
PARALLEL_WRITES = 8
BATCHED_WRITES = 64  # outputs in memory at a time
_EMPTY: PartialItemFailureResponse = {"batchItemFailures": []}
_COUNTED = {"rows": "RowsAggregated", "labels": "LabelsReceived", "errors": "ErrorsAggregated",
            "duplicates": "DuplicateRecords", "quarantined": "LinesQuarantined"}  # fmt: skip

logger = Logger()
metrics = Metrics(namespace=METRICS_NAMESPACE)


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
        if lambda_context.get_remaining_time_in_millis() < MIN_MS:
            raise TransientError("too little time is left for another object")
        logger.append_keys(object_key=source.key, version_id=source.version_id)
        _aggregate(bucket, source)


def sources(body: str) -> Iterator[tuple[str, Source]]:
    """Yield bucket and source of every object that a message announces; none for test events and unknown senders.

    Raises ValueError when the message is not JSON, so that it ends in the dead-letter queue for a person to see.
    """
    message = json.loads(body)
    for record in (message.get("Records") or ()) if isinstance(message, dict) else ():
        if record.get("eventSource") not in {"aws:s3", None} or "s3" not in record:
            continue
        bucket = record["s3"]["bucket"]["name"]
        key = unquote_plus(record["s3"]["object"]["key"])
        version_id = record["s3"]["object"].get("versionId")
        digest = sha256(f"{key}\n{version_id or ''}".encode()).hexdigest()
        yield bucket, Source(key, version_id, digest, clock.hour_of(record["eventTime"]))


def _aggregate(bucket: str, source: Source) -> None:
    aggregation = Aggregation(source, _lookup(), settings().retention_days)
    try:
        body = Bucket(bucket).get(source.key, source.version_id, most=MAX_BYTES)
    except NotFoundError:
        logger.warning("the object, or that version of it, is gone")
        metrics.add_metric("ObjectsGone", MetricUnit.Count, 1)
        return
    except TooLargeError as error:
        aggregation.refuse(error.message)
    else:
        if is_rewritten(body):
            logger.info("rewritten to erase a row; what is left was counted before")
            return
        aggregation.read(body)
    store(_artifacts(), aggregation.outputs())
    for name, metric in _COUNTED.items():
        metrics.add_metric(metric, MetricUnit.Count, aggregation.counted[name])
    logger.info("aggregated", counted=dict(aggregation.counted))


def store(artifacts: Bucket, outputs: Iterable[tuple[str, bytes]]) -> None:
    """Write outputs, many of them side by side: the labels of one object may be of any hour that is kept.

    A mark, which is empty, is written only when all that it announces is there.
    """
    with ThreadPoolExecutor(PARALLEL_WRITES) as pool:
        for _, same in groupby(outputs, key=lambda output: bool(output[1])):
            for part in batched(same, BATCHED_WRITES, strict=False):
                write = map if len(part) < PARALLEL_WRITES else pool.map
                for _ in write(artifacts.put, *zip(*part, strict=True)):
                    pass


@cache
def _lookup() -> VersionLookup:
    return VersionLookup(_artifacts())


@cache
def _artifacts() -> Bucket:
    return Bucket(settings().artifacts_bucket)
