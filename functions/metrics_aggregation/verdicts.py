"""Summaries become verdicts, on a schedule and on request."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from aws_lambda_powertools import Logger, Metrics
from aws_lambda_powertools.metrics import MetricUnit

from metrics_aggregation.services import Services, open_services
from metrics_aggregation.verdict_tick import ModelCheck
from modelloop import clock, ids
from modelloop.aws.serving import pointers
from modelloop.aws.settings import METRICS_NAMESPACE, settings
from modelloop.captures.quarantine import UNKNOWN_MODEL

if TYPE_CHECKING:
    from aws_lambda_powertools.utilities.typing import LambdaContext

MIN_MS = 30_000

logger = Logger()
metrics = Metrics(namespace=METRICS_NAMESPACE)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Judge one model (`{"model": name}`) or all; fail loudly at the end when one of them could not be judged."""
    metrics.add_metric("VerdictTicks", MetricUnit.Count, 1)
    asked = event.get("model")
    models = [ids.check_model_name(asked)] if asked else list(pointers.models(_services().artifacts))
    failed: dict[str, Exception] = {}
    statuses = {}
    for model in models:
        logger.append_keys(model=model)
        try:
            statuses[model] = ModelCheck(_services(), model, clock.now(), lambda: _out_of_time(context)).run()
        except Exception as error:  # one broken model must not stop the others; it is raised below
            logger.exception("the model could not be judged")
            failed[model] = error
    if not asked:
        ModelCheck(_services(), UNKNOWN_MODEL, clock.now(), lambda: _out_of_time(context)).count()
    metrics.add_metric("ModelsJudged", MetricUnit.Count, len(statuses))
    metrics.add_metric("VerdictsFailed", MetricUnit.Count, len(failed))
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(models)} models could not be judged", list(failed.values()))
    return {"judged": statuses}


def _out_of_time(context: LambdaContext) -> bool:
    return context.get_remaining_time_in_millis() < MIN_MS


@cache
def _services() -> Services:
    return open_services(settings())
