"""What is counted of events that ask for training; what they were is in the log lines and in the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_lambda_powertools import Metrics
from aws_lambda_powertools.metrics import MetricUnit

if TYPE_CHECKING:
    from training_trigger.intake import Outcome

_OUTCOMES = {"queued": "RunsQueued", "rejected": "UploadsRejected", "refused": "RetrainingRefused"}

metrics = Metrics(namespace="Modelloop")


def taken() -> None:
    """Count an event, whatever comes of it."""
    metrics.add_metric("EventsTaken", MetricUnit.Count, 1)


def ended(outcome: Outcome) -> None:
    """Count what came of it."""
    if outcome.what in _OUTCOMES:
        metrics.add_metric(_OUTCOMES[outcome.what], MetricUnit.Count, 1)
