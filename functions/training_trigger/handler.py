"""Lambda: S3 tells of an upload, or somebody asks to train again; at most one run a dataset version is queued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from modelloop import keys
from modelloop.aws.registry import Registry
from modelloop.settings import settings
from training_trigger import events
from training_trigger.intake import Outcome, take_table

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training_trigger.events import Arrival

logger = Logger()


@logger.inject_lambda_context
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  the runtime's signature
    """Take in what the event tells of. Unknown failures are raised: redelivery goes on where they stopped."""
    outcomes = [_take(arrival) for arrival in events.arrivals(event)]
    for outcome in outcomes:
        logger.info("intake", extra={"outcome": outcome.what, "model": outcome.model, "run_id": outcome.run_id,
                                     "reason": outcome.reason})  # fmt: skip
    if not outcomes:
        logger.info("nothing to do", extra={"event_source": str(event.get("source") or event.get("Event"))[:80]})
    return {
        "outcomes": [
            {"outcome": outcome.what, "model": outcome.model, "run_id": outcome.run_id} for outcome in outcomes
        ]
    }


def _take(arrival: Arrival) -> Outcome:
    upload = keys.parse_upload(arrival.key)
    if upload is None or not _is_table(upload):
        return Outcome("ignored", reason=arrival.key[:200])
    return take_table(arrival, upload.model, upload.file, Registry(settings().table), settings())


def _is_table(upload: keys.Upload) -> bool:
    name = upload.file.rpartition("/")[2]
    return upload.kind == "dataset" and bool(name) and name != keys.SPEC_NAME and not name.startswith((".", "_"))
