"""Summaries become verdicts, on a schedule and on request."""

from __future__ import annotations

from contextlib import contextmanager
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
    from collections.abc import Iterator

    from aws_lambda_powertools.utilities.typing import LambdaContext

MIN_MS = 30_000
MIN_SHARE_MS = 2_000  # of a tick, for what may be left to the next one

logger = Logger()
metrics = Metrics(namespace=METRICS_NAMESPACE)


@logger.inject_lambda_context
@metrics.log_metrics
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    """Judge one model (`{"model": name}`) or all; fail loudly at the end when one of them could not be judged."""
    metrics.add_metric("VerdictTicks", MetricUnit.Count, 1)
    asked = event.get("model")
    models = [ids.check_model_name(asked)] if asked else list(pointers.models(_services().artifacts))
    budget = _Budget(context, len(models))
    checks = {model: ModelCheck(_services(), model, clock.now(), budget.is_spent) for model in models}
    failed: dict[str, Exception] = {}
    for model, check in checks.items():  # rollouts first: no other work of a tick may put a rollback off
        with _failing_alone(model, failed):
            check.judge()
    statuses = {}
    for model, check in checks.items():
        budget.begin_share()
        with _failing_alone(model, failed):
            statuses[model] = check.run()
    if not asked:
        ModelCheck(_services(), UNKNOWN_MODEL, clock.now(), lambda: _out_of_time(context)).count()
    metrics.add_metric("ModelsJudged", MetricUnit.Count, len(statuses))
    metrics.add_metric("VerdictsFailed", MetricUnit.Count, len(failed))
    shares = [share for status in statuses.values() if isinstance(share := status.get("unusable_labels"), float)]
    if shares:
        metrics.add_metric("UnusableLabelShare", MetricUnit.Percent, 100 * max(shares))
    if failed:
        raise ExceptionGroup(f"{len(failed)} of {len(models)} models could not be judged", list(failed.values()))
    return {"judged": statuses}


@contextmanager
def _failing_alone(model: str, failed: dict[str, Exception]) -> Iterator[None]:
    """Note the error of one model: a broken one must not stop the others. The handler raises it at the end."""
    logger.append_keys(model=model)
    try:
        yield
    except Exception as error:
        logger.exception("the model could not be judged")
        failed.setdefault(model, error)


class _Budget:
    """The time of a tick, shared between the models that are left; what one does not use is there for the others."""

    def __init__(self, context: LambdaContext, models: int) -> None:
        self._context = context
        self._left = models
        self._end_ms = MIN_MS  # remaining milliseconds at which the share of the model at work ends

    def begin_share(self) -> None:
        """Begin the share of the next model."""
        remaining = self._context.get_remaining_time_in_millis()
        share = max((remaining - MIN_MS) / max(self._left, 1), MIN_SHARE_MS)
        self._left -= 1
        self._end_ms = max(int(remaining - share), MIN_MS)

    def is_spent(self) -> bool:
        """Return whether the share, or the tick, is used up."""
        return self._context.get_remaining_time_in_millis() < self._end_ms


def _out_of_time(context: LambdaContext) -> bool:
    return context.get_remaining_time_in_millis() < MIN_MS


@cache
def _services() -> Services:
    return open_services(settings())
