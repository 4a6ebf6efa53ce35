"""Windows over summaries: whole hours (UTC), merged backwards until there are rows enough to judge."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import clock
from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring import cost, quarantine, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.contracts.counts import Counts
    from modelloop.monitoring.cost import Rates
    from modelloop.monitoring.summary import Summary

HOUR_MS = 3_600_000
LONGEST_HOURS = 7 * 24
MIN_ROWS = 500


class Window(NamedTuple):
    """Counts of the hours from `start` to `end`, both included (YYYY-MM-DDTHH, UTC)."""

    start: str
    end: str
    counts: Counts

    @property
    def rows(self) -> int:
        """Return the rows whose features were captured."""
        return int(self.counts.get("sampled", 0))

    def span(self) -> dict[str, str]:
        """Return the moments that it reaches from (included) and to (excluded)."""
        return {"from": moment(self.start), "to": moment(shift(self.end, 1))}


def hour_of(instant: str) -> str:
    """Return the hour of a moment."""
    return clock.from_ms(clock.to_ms(instant))[:13]


def moment(hour: str) -> str:
    """Return the moment at which an hour begins."""
    return f"{hour}:00:00.000Z"


def shift(hour: str, hours: int) -> str:
    """Return the hour that many hours later (earlier when negative)."""
    return clock.from_ms(clock.to_ms(moment(hour)) + hours * HOUR_MS)[:13]


def span(start: str, end: str) -> int:
    """Return how many hours lie from `start` to `end`, both included."""
    return (clock.to_ms(moment(end)) - clock.to_ms(moment(start))) // HOUR_MS + 1


def by_hour(summaries: Iterable[Summary]) -> Iterator[tuple[str, Counts]]:
    """Merge neighbouring summaries of one hour; they come ordered by hour, either way.

    `clock` counts the captured rows by hour of day, for windows that are made of these hours.
    """
    for hour, found in groupby(summaries, key=lambda one: one.key.hour):
        counts = summary.total(one.counts for one in found)
        yield hour, counts | {"clock": {hour[-2:]: counts.get("sampled", 0)}}


def backwards(hours: Iterable[tuple[str, Counts]], now: str, min_rows: int, most: int = 2) -> list[Window]:
    """Return up to `most` neighbouring windows, newest first, from hours that come newest first.

    Each window takes hours until it has `min_rows` captured rows; it spans at most seven days. The last one may
    have fewer rows. Hours are read only as far as they are needed.
    """
    windows: list[Window] = []
    end, start = hour_of(now), ""
    counts: Counts = {}
    for hour, found in hours:
        if hour > end:
            continue
        if span(hour, end) > LONGEST_HOURS:
            break
        start = hour
        summary.add(counts, found)
        if counts.get("sampled", 0) >= min_rows:
            windows.append(Window(start, end, counts))
            if len(windows) == most:
                return windows
            end, start, counts = shift(start, -1), "", {}
    return [*windows, Window(start, end, counts)] if start else windows


def series(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return what callers got hour by hour, in the summaries' order, without a shadow's answers and idle hours."""
    own = (found for found in summaries if found.key.variant != SHADOW and _plain(found.counts))
    described = ((hour, summary.describe(counts)) for hour, counts in by_hour(own))
    return [{"from": moment(hour), **{name: one[name] for name in ("requests", "rows", "errors")}}
            for hour, one in described]  # fmt: skip


def by_version(summaries: Iterable[Summary], rates: Rates | None = None) -> dict[str, Any]:
    """Return the totals of summaries, over all and by version and variant, as the API answers them; at rates, costs.

    Totals count what callers got. A shadow's answers stand apart: under `shadow`, and as a variant of their version.
    `quarantined` are lines that could not be read, by reason.
    """

    def describe(counts: Counts) -> dict[str, Any]:
        return summary.describe(counts) | ({"cost": rates.describe(counts)} if rates else {})

    whole: dict[bool, Counts] = {False: {}, True: {}}
    versions: dict[int, Counts] = {}
    variants: dict[tuple[int, str], Counts] = {}
    put_aside: Counts = {}
    for found in summaries:
        summary.add(put_aside, found.counts.get(quarantine.COUNTED, {}))
        if not (plain := _plain(found.counts)):
            continue
        key, counts = found.key, plain | cost.charged(found)
        apart = key.variant == SHADOW
        summary.add(whole[apart], counts)
        summary.add(versions.setdefault(key.version, {}), {} if apart else counts)
        summary.add(variants.setdefault((key.version, key.variant), {}), counts)
    return describe(whole[False]) | {
        "shadow": describe(whole[True]),
        "quarantined": dict(sorted(put_aside.items())),
        "versions": [
            {
                "version": version or None,
                **describe(counts),
                "variants": {
                    variant: describe(part) for (owner, variant), part in sorted(variants.items()) if owner == version
                },
            }
            for version, counts in sorted(versions.items())
        ],
    }


def _plain(counts: Counts) -> Counts:
    """Return what versions have in common: no columns, whose bins differ, and no lines that no version wrote."""
    apart = {"columns", "prediction", quarantine.COUNTED}
    return {name: value for name, value in counts.items() if name not in apart}
