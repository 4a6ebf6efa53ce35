"""Samples of what a model's loop has done: runs, retrainings, and the judge's decisions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING

from modelloop.versions.run import ENDED, QUEUED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from control.prometheus.families import MetricSample, ModelState

CAUSES = ("drift", "quality", "request", "upload")
BY_ITSELF = ("drift", "quality")
DECISIONS = ("promote", "reject", "rollback")


def runs_ended(state: ModelState) -> Iterator[MetricSample]:
    """Yield ended runs by cause and state; the usual ones are zero before the first, so that it is a rise."""
    usual = {f"{cause}/{end}": 0 for cause, end in product(CAUSES, sorted(ENDED))}
    for name, count in _sorted(usual, state.activity.totals.runs if state.activity else None):
        cause, _, end = name.partition("/")
        yield "", {"model_name": state.name, "cause": cause, "state": end}, count


def runs_open(state: ModelState) -> Iterator[MetricSample]:
    """Yield runs that have not ended, by state."""
    if state.activity:
        for name in (QUEUED, RUNNING):
            yield "", {"model_name": state.name, "state": name}, state.activity.open.get(name, 0)


def retrainings(state: ModelState) -> Iterator[MetricSample]:
    """Yield retrainings that the loop started by itself, by cause."""
    usual = dict.fromkeys(BY_ITSELF, 0)
    for cause, count in _sorted(usual, state.activity.totals.retrainings if state.activity else None):
        yield "", {"model_name": state.name, "cause": cause}, count


def retrained_at(state: ModelState) -> Iterator[MetricSample]:
    """Yield when the loop last started a retraining; 0 when it never did."""
    if state.activity:
        yield "", {"model_name": state.name}, (state.activity.retrained_at or 0) / 1_000


def judged(state: ModelState) -> Iterator[MetricSample]:
    """Yield what the judge changed, by action."""
    usual = dict.fromkeys(DECISIONS, 0)
    for action, count in _sorted(usual, state.activity.totals.judged if state.activity else None):
        yield "", {"model_name": state.name, "action": action}, count


def _sorted(usual: Mapping[str, int], counts: Mapping[str, int] | None) -> list[tuple[str, int]]:
    """Return counts by name, with zeros for the usual ones; none when nothing is known."""
    return [] if counts is None else sorted({**usual, **counts}.items())
