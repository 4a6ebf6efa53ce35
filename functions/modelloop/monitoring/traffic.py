"""Traffic totals that only rise, from summaries: what a scraper can take rates of.

Closed hours are folded into a base once; open hours are added on top of it at every look. An object that arrives after
its hour was folded is missed here (summaries, drift and quality do count it).

What a version did as a shadow stands apart, under `shadow`: no caller got it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring import cost, quarantine, summary, windows

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from modelloop.contracts.counts import Counts
    from modelloop.monitoring.summary import Summary

OPEN_HOURS = 2
_COUNTED = ("requests", "rows", "errors", "latency", cost.BUSY, quarantine.COUNTED)


def begins(previous: Mapping[str, Any] | None, now: str) -> str:
    """Return the first hour that is not folded yet."""
    if previous is None:
        return windows.shift(windows.hour_of(now), -windows.LONGEST_HOURS)
    return windows.shift(previous["through"], 1)


def totals(previous: Mapping[str, Any] | None, found: Iterable[Summary], *, model: str, now: str) -> dict[str, Any]:
    """Return the next totals from the ones before and the summaries from `begins` on."""
    through = windows.shift(windows.hour_of(now), -OPEN_HOURS)
    through = max(through, previous["through"]) if previous else through
    base: Counts = summary.total([previous["base"]]) if previous else {}
    live: Counts = {}
    for one in found:
        key, counts, _ = one
        kept = {name: counts[name] for name in _COUNTED if name in counts} | cost.charged(one)
        apart = {SHADOW: kept} if key.variant == SHADOW else kept
        summary.add(base if key.hour <= through else live, {str(key.version): apart})
    return {
        "model": model,
        "through": through,
        "base": base,
        "versions": summary.total([base, live]),
        "updated_at": now,
    }
