"""Samples of what a model's loop has done: runs, retrainings, and the judge's decisions."""

from __future__ import annotations

from itertools import product
from typing import TYPE_CHECKING, Any

from modelloop.versions.run import ENDED, QUEUED, RUNNING

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from control.prometheus.families import ModelState, Sample

CAUSES = ("drift", "quality", "request", "upload")
BY_ITSELF = ("drift", "quality")
DECISIONS = ("promote", "reject", "rollback")


def runs_ended(state: ModelState) -> Iterator[Sample]:
    """Yield ended runs by cause and state; the usual ones are zero before the first, so that it is a rise."""
    usual = {f"{cause}/{end}": 0 for cause, end in product(CAUSES, sorted(ENDED))}
    for name, count in _counted(state, "runs", usual):
        cause, _, end = name.partition("/")
        yield "", {"model_name": state.name, "cause": cause, "state": end}, count


def runs_open(state: ModelState) -> Iterator[Sample]:
    """Yield runs that have not ended, by state."""
    if state.activity:
        for name in (QUEUED, RUNNING):
            yield "", {"model_name": state.name, "state": name}, state.activity["open"].get(name, 0)


def retrainings(state: ModelState) -> Iterator[Sample]:
    """Yield retrainings that the loop started by itself, by cause."""
    for cause, count in _counted(state, "retrainings", dict.fromkeys(BY_ITSELF, 0)):
        yield "", {"model_name": state.name, "cause": cause}, count


def retrained_at(state: ModelState) -> Iterator[Sample]:
    """Yield when the loop last started a retraining; 0 when it never did."""
    if state.activity:
        yield "", {"model_name": state.name}, (state.activity["retrained_at"] or 0) / 1_000


def judged(state: ModelState) -> Iterator[Sample]:
    """Yield what the judge changed, by action."""
    for action, count in _counted(state, "judged", dict.fromkeys(DECISIONS, 0)):
        yield "", {"model_name": state.name, "action": action}, count


def _counted(state: ModelState, kind: str, usual: Mapping[str, int]) -> list[tuple[str, Any]]:
    return sorted((usual | state.activity["totals"][kind]).items()) if state.activity else []
