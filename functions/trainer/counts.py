"""What is counted of runs; which run it was is in the log lines and in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

from modelloop.versions.run import FAILED, REJECTED, SUCCEEDED

if TYPE_CHECKING:
    from modelloop.versions.run import Run

_ENDS = {SUCCEEDED: "RunsSucceeded", REJECTED: "RunsRejected", FAILED: "RunsFailed"}

metrics = Metrics(namespace="Modelloop")


def taken(amount: int) -> None:
    """Count deliveries, repeated ones too."""
    metrics.add_metric("RunsDelivered", MetricUnit.Count, amount)


def ended(run: Run, seconds: float) -> None:
    """Count a run by its end, and how long this attempt worked on it."""
    if run.state in _ENDS:
        metrics.add_metric(_ENDS[run.state], MetricUnit.Count, 1)
        metrics.add_metric("RunSeconds", MetricUnit.Seconds, seconds)
