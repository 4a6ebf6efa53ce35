"""One line for each request: a structured log entry that is also its metrics, in CloudWatch's embedded format.

The line is written by hand because it is on the way of every answer; what is rare goes through Powertools' Logger,
which is imported when there is something rare to say.
"""

from __future__ import annotations

import os
import sys
import time
from functools import cache
from typing import TYPE_CHECKING

import orjson

from modelloop.aws.settings import METRICS_NAMESPACE

if TYPE_CHECKING:
    from aws_lambda_powertools import Logger

    from modelloop.json_types import JsonObject

_SERVICE = os.environ.get("POWERTOOLS_SERVICE_NAME", "inference")
_UNITS = {"Latency": "Milliseconds"}


def emit(message: str, metrics: dict[str, float], **facts: str | int | None) -> None:
    """Write one line with metrics (name to number; Latency in ms, the rest counts) and facts that are not metrics."""
    entry = {
        "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [_directive(tuple(metrics))]},
        "level": "INFO",
        "service": _SERVICE,
        "message": message,
        **facts,
        **metrics,
    }
    sys.stdout.write(orjson.dumps(entry).decode() + "\n")


@cache
def _directive(names: tuple[str, ...]) -> JsonObject:
    return {
        "Namespace": METRICS_NAMESPACE,
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": _UNITS.get(name, "Count")} for name in names],
    }


@cache
def logger() -> Logger:
    """Return the Powertools logger, for what is rare."""
    from aws_lambda_powertools import Logger  # noqa: PLC0415  85 ms that no answer should wait for

    return Logger(service=_SERVICE)
