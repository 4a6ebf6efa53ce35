"""Windows over summaries: whole hours (UTC), merged backwards until there are rows enough to judge."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import clock
from modelloop.contracts.pointer import SHADOW
from modelloop.monitoring import cost, quarantine, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.monitoring.cost import Rates
    from modelloop.monitoring.summary import Summary, Tallies

HOUR_MS = 3_600_000
LONGEST_HOURS = 7 * 24
MIN_ROWS = 500


class Window(NamedTuple):
    """Tallies of the hours from `start` to `end`, both included (YYYY-MM-DDTHH, UTC)."""

    start: str
    end: str
    tallies: Tallies

    @property
    def rows(self) -> int:
        """Return the rows whose features were captured."""
        return int(self.tallies.get("sampled", 0))

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


def by_hour(summaries: Iterable[Summary]) -> Iterator[tuple[str, Tallies]]:
    """Merge neighbouring summaries of one hour; they come ordered by hour, either way.

    `clock` counts the captured rows by hour of day, for windows that are made of these hours.
    """
    for hour, found in groupby(summaries, key=lambda one: one.place.hour):
        tallies = summary.total(one.tallies for one in found)
        yield hour, tallies | {"clock": {hour[-2:]: tallies.get("sampled", 0)}}


def backwards(hours: Iterable[tuple[str, Tallies]], now: str, min_rows: int, most: int = 2) -> list[Window]:
    """Return up to `most` neighbouring windows, newest first, from hours that come newest first.

    Each window takes hours until it has `min_rows` captured rows; it spans at most seven days. The last one may
    have fewer rows. Hours are read only as far as they are needed.
    """
    windows: list[Window] = []
    end, start = hour_of(now), ""
    tallies: Tallies = {}
    for hour, found in hours:
        if hour > end:
            continue
        if span(hour, end) > LONGEST_HOURS:
            break
        start = hour
        summary.add(tallies, found)
        if tallies.get("sampled", 0) >= min_rows:
            windows.append(Window(start, end, tallies))
            if len(windows) == most:
                return windows
            end, start, tallies = shift(start, -1), "", {}
    return [*windows, Window(start, end, tallies)] if start else windows


def series(summaries: Iterable[Summary]) -> list[dict[str, Any]]:
    """Return what callers got hour by hour, in the summaries' order, without a shadow's answers and idle hours."""
    own = (found for found in summaries if found.place.variant != SHADOW and _plain(found.tallies))
    described = ((hour, summary.describe(tallies)) for hour, tallies in by_hour(own))
    return [{"from": moment(hour), **{name: one[name] for name in ("requests", "rows", "errors")}}
            for hour, one in described]  # fmt: skip


def by_version(summaries: Iterable[Summary], rates: Rates | None = None) -> dict[str, Any]:
    """Return the totals of summaries, over all and by version and variant, as the API answers them; at rates, costs.

    Totals count what callers got. A shadow's answers stand apart: under `shadow`, and as a variant of their version.
    `quarantined` are lines that could not be read, by reason.
    """

    def describe(tallies: Tallies) -> dict[str, Any]:
        return summary.describe(tallies) | ({"cost": rates.describe(tallies)} if rates else {})

    whole: dict[bool, Tallies] = {False: {}, True: {}}
    versions: dict[int, Tallies] = {}
    variants: dict[tuple[int, str], Tallies] = {}
    put_aside: Tallies = {}
    for found in summaries:
        summary.add(put_aside, found.tallies.get(quarantine.COUNTED, {}))
        if not (plain := _plain(found.tallies)):
            continue
        place, tallies = found.place, plain | cost.charged(found)
        apart = place.variant == SHADOW
        summary.add(whole[apart], tallies)
        summary.add(versions.setdefault(place.version, {}), {} if apart else tallies)
        summary.add(variants.setdefault((place.version, place.variant), {}), tallies)
    return describe(whole[False]) | {
        "shadow": describe(whole[True]),
        "quarantined": dict(sorted(put_aside.items())),
        "versions": [
            {
                "version": version or None,
                **describe(tallies),
                "variants": {
                    variant: describe(part) for (owner, variant), part in sorted(variants.items()) if owner == version
                },
            }
            for version, tallies in sorted(versions.items())
        ],
    }


def _plain(tallies: Tallies) -> Tallies:
    """Return what versions have in common: no columns, whose bins differ, and no lines that no version wrote."""
    apart = {"columns", "prediction", quarantine.COUNTED}
    return {name: value for name, value in tallies.items() if name not in apart}
