"""Traffic totals that only rise, from summaries: what a scraper can take rates of.

Closed hours are folded into a base once; open hours are added on top of it at every tick. An object that arrives after
its hour was folded is missed here (summaries, drift and quality do count it).

What a version did as a shadow stands apart, under `shadow`: no caller got it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.captures import quarantine
from modelloop.contracts.loop_state import TrafficTotals
from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring import cost, summary, windows

if TYPE_CHECKING:
    from collections.abc import Iterable

    from modelloop.contracts.counts import Counts
    from modelloop.monitoring.summary import Summary

_COUNTED = ("requests", "rows", "errors", "latency", cost.BUSY, quarantine.COUNTED)


def first_open_hour(previous: TrafficTotals | None, now: str) -> str:
    """Return the first hour that is not folded yet."""
    if previous is None:
        return windows.shift(clock.hour_of(now), -windows.MAX_HOURS)
    return windows.shift(previous.through, 1)


def totals(previous: TrafficTotals | None, summaries: Iterable[Summary], *, model: str, now: str) -> TrafficTotals:
    """Return the next totals from the ones before and the summaries from `first_open_hour` on."""
    through = windows.shift(clock.hour_of(now), -windows.OPEN_HOURS)
    through = max(through, previous.through) if previous else through
    base: Counts = summary.total([previous.base]) if previous else {}
    live: Counts = {}
    for member in summaries:
        key, counts, _ = member
        kept = {name: counts[name] for name in _COUNTED if name in counts} | cost.charged(member)
        of_version: Counts = {SHADOW: kept} if key.variant == SHADOW else kept
        summary.add(base if key.hour <= through else live, {str(key.version): of_version})
    return TrafficTotals(model, through, base, summary.total([base, live]), now)
