"""Lambda: S3 tells of an upload, or somebody asks to train again; at most one run a dataset version is queued."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger

from modelloop import keys
from modelloop.contracts.retrain_request import retrain_request_from_json
from modelloop.settings import settings
from training_trigger import counts, events
from training_trigger.imported_model import take_model
from training_trigger.intake import Outcome, take_table
from training_trigger.retraining import answer
from training_trigger.services import Services, open_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training_trigger.events import Arrival

logger = Logger()


@logger.inject_lambda_context(clear_state=True)
@counts.metrics.log_metrics
def handler(event: Mapping[str, Any], context: Any) -> dict[str, Any]:  # noqa: ARG001  the runtime's signature
    """Take in what the event tells of. Unknown failures are raised: redelivery goes on where they stopped."""
    counts.taken()
    services = open_services(settings())
    wish = retrain_request_from_json(event)
    if wish is not None:
        logger.append_keys(request_id=wish.request_id)
        outcomes = [answer(wish, services)]
    else:
        outcomes = [_take(arrival, services) for arrival in events.arrivals(event)]
    for outcome in outcomes:
        counts.ended(outcome)
        logger.info("intake", extra={"intake": outcome.to_json(), "correlation_id": outcome.run_id})
    if not outcomes:
        logger.info("nothing to do", extra={"event_source": str(event.get("source") or event.get("Event"))[:80]})
    return {"outcomes": [outcome.to_json() for outcome in outcomes]}


def _take(arrival: Arrival, services: Services) -> Outcome:
    upload = keys.parse_upload(arrival.key)
    name = upload.file.rpartition("/")[2] if upload else ""
    if upload is None or not name or name == keys.SPEC_NAME or name.startswith((".", "_")):
        return Outcome("ignored", reason=arrival.key[:200])
    if upload.kind == "dataset":
        return take_table(arrival, upload.model, upload.file, services)
    if name.endswith(".onnx"):
        return take_model(arrival, upload.model, upload.file, services)
    return Outcome("ignored", reason=arrival.key[:200])
