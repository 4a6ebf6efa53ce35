"""Lambda: S3 announces an upload, or someone asks to train again; each dataset version gets at most one run."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from modelloop import keys
from modelloop.aws.settings import METRICS_NAMESPACE, settings
from modelloop.contracts.retrain_request import retrain_request_from_json
from training_trigger.events import upload_events
from training_trigger.folder_upload import take_folder, wait_for_marker
from training_trigger.imported_model import take_model
from training_trigger.intake import Outcome, take_table
from training_trigger.part_files import is_marker
from training_trigger.retraining import answer
from training_trigger.services import Services, open_services

if TYPE_CHECKING:
    from collections.abc import Mapping

    from training_trigger.events import UploadEvent

logger = Logger()
metrics = Metrics(namespace=METRICS_NAMESPACE)

_COUNTED = {"queued": "RunsQueued", "rejected": "UploadsRejected", "refused": "RetrainingRefused"}


@logger.inject_lambda_context(clear_state=True)
@metrics.log_metrics
def handler(event: Mapping[str, Any], context: Any) -> dict[str, list[dict[str, str | None]]]:  # noqa: ARG001  the runtime's signature
    """Take in what the event announces; return each outcome.

    Unknown errors are raised, so that the event is delivered again and continues where it stopped.
    """
    metrics.add_metric("EventsTaken", MetricUnit.Count, 1)
    services = open_services(settings())
    request = retrain_request_from_json(event)
    if request is not None:
        logger.append_keys(request_id=request.request_id)
        outcomes = [answer(request, services)]
    else:
        outcomes = [_take(upload, services) for upload in _uploads(event)]
    for outcome in outcomes:
        if outcome.what in _COUNTED:
            metrics.add_metric(_COUNTED[outcome.what], MetricUnit.Count, 1)
        logger.info("intake", extra={"intake": outcome.to_json(), "correlation_id": outcome.run_id})
    if not outcomes:
        logger.info("nothing to do", extra={"event_source": str(event.get("source") or event.get("Event"))[:80]})
    return {"outcomes": [outcome.to_json() for outcome in outcomes]}


def _uploads(event: Mapping[str, Any]) -> list[UploadEvent]:
    return list(upload_events(event.get("Records")))


def _take(upload: UploadEvent, services: Services) -> Outcome:
    place = keys.parse_upload(upload.key)
    name = place.file.rpartition("/")[2] if place else ""
    if place is not None and place.kind == "dataset" and is_marker(place.file):
        return take_folder(upload, place.model, place.file, services)
    if place is None or not name or name == keys.SPEC_NAME or name.startswith((".", "_")):
        return Outcome("ignored", reason=upload.key[:200])
    if place.kind == "dataset":
        waiting = wait_for_marker(upload, place.model, place.file, services)
        return waiting or take_table(upload, place.model, place.file, services)
    if name.endswith(keys.MODEL_SUFFIX):
        return take_model(upload, place.model, place.file, services)
    return Outcome("ignored", reason=upload.key[:200])
