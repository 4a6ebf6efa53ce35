"""What a verdict reads, by how long its model has been watched: summaries of a bounded window, never rows.

One tick in the steady state, over an S3 in this process: the second of two, an hour apart.
"""

from __future__ import annotations

import os
import time
from collections import Counter
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from moto import mock_aws

from metrics_aggregation.aggregation import Aggregation, Source
from metrics_aggregation.services import open_services
from metrics_aggregation.verdict_tick import ModelCheck
from modelloop import clock, keys
from modelloop.aws import clients
from modelloop.aws.settings import settings
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.monitoring import summary, windows
from modelloop.monitoring.summary import Summary
from tests.benchmarks.monitoring.corpus import MODEL, START, Known, lines, manifest
from tests.support import capture_world as world
from tests.support.aggregation_fixtures import ENVIRONMENT, forget, provision

if TYPE_CHECKING:
    from collections.abc import Sequence

DAYS = (1, 7, 14, 30, 90)
HOURLY = {"busy": 600, "quiet": 2}  # rows an hour: enough for a window, and too few even in a week


@dataclass(frozen=True, slots=True)
class Tick:
    """One look at a model: S3 calls by name, processor seconds (the S3's own included), rows of the window."""

    calls: Counter[str]
    cpu: float
    rows: int


def measure(rows: int, days: Sequence[int] = DAYS) -> dict[int, Tick]:
    """Return the tick of a model that got so many rows an hour, by days of history."""
    return {history: _tick(rows, history) for history in days}


def _tick(rows: int, days: int) -> Tick:
    os.environ |= ENVIRONMENT
    forget()
    with mock_aws():
        provision()
        stack = world.World()
        stack.publish(replace(manifest(), spec=world.manifest().spec))
        _fill(stack, rows, days * 24)
        _take(START)
        calls: Counter[str] = Counter()
        clients.client("s3").meta.events.register("before-call.s3", lambda model, **_: calls.update([model.name]))
        start = time.process_time()
        found = _take(START + windows.HOUR_MS)
        seconds = time.process_time() - start
    forget()
    return Tick(calls, seconds, found)


def _take(at: int) -> int:
    services = open_services(settings())
    ModelCheck(services, MODEL, clock.from_ms(at), lambda: False).run()
    verdict = services.registry.latest_verdict(DriftVerdict, MODEL)
    assert verdict is not None
    return verdict.rows


def _fill(stack: world.World, rows: int, hours: int) -> None:
    """Store the same summary for every hour."""
    aggregation = Aggregation(Source("k", None, "d", "2026-11-23T10"), Known())
    aggregation.read(next(lines(rows)))
    body = next(body for key, body in aggregation.outputs() if key.startswith("summaries/"))
    one = summary.from_bytes(body)
    for back in range(hours):
        key = one.key._replace(hour=windows.shift(one.key.hour, -back))
        stack.store(keys.summary(*key, "d"), summary.to_bytes(Summary(key, one.counts)))
