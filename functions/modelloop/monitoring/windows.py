"""Windows over summaries: whole hours (UTC), merged backwards until there are rows enough to judge."""

from __future__ import annotations

from itertools import groupby
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock
from modelloop.captures import quarantine
from modelloop.contracts.counts import branch, integer
from modelloop.contracts.pointer import CHALLENGER, CHAMPION, SHADOW
from modelloop.contracts.verdicts import Span
from modelloop.monitoring import cost, summary

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.contracts.counts import Counts
    from modelloop.json_types import JsonValue
    from modelloop.monitoring.cost import Rates
    from modelloop.monitoring.summary import Summary

HOUR_MS = 3_600_000
MAX_HOURS = 7 * 24
OPEN_HOURS = 2  # after these, captures of an hour hardly arrive any more
LIVE_VARIANTS = frozenset({CHAMPION, CHALLENGER})  # a shadow repeats the champion's rows, a pinned version is a test


class Window(NamedTuple):
    """Counts of the hours from `start` to `end`, both included (YYYY-MM-DDTHH, UTC)."""

    start: str
    end: str
    counts: Counts

    @property
    def rows(self) -> int:
        """Return the rows whose features were captured."""
        return integer(self.counts, "sampled")

    def span(self) -> Span:
        """Return the moments that it reaches from (included) and to (excluded)."""
        return Span(moment(self.start), moment(shift(self.end, 1)))


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
    """Yield hours with the merged counts of their summaries, which come ordered by hour, either way.

    `clock` counts the captured rows by hour, for windows that are made of these hours.
    """
    for hour, members in groupby(summaries, key=lambda member: member.key.hour):
        counts = summary.total(member.counts for member in members)
        yield hour, counts | {"clock": {hour: integer(counts, "sampled")}}


def backwards(hours: Iterable[tuple[str, Counts]], now: str, min_rows: int, max_windows: int = 2) -> list[Window]:
    """Return up to `max_windows` neighbouring windows, newest first, from hours that come newest first.

    Each window takes hours until it has `min_rows` captured rows; it spans at most seven days. The last one may
    have fewer rows. Hours are read only as far as they are needed.
    """
    windows: list[Window] = []
    end, start = clock.hour_of(now), ""
    counts: Counts = {}
    for hour, counts_of_hour in hours:
        if hour > end:
            continue
        if span(hour, end) > MAX_HOURS:
            break
        start = hour
        summary.add(counts, counts_of_hour)
        if integer(counts, "sampled") >= min_rows:
            windows.append(Window(start, end, counts))
            if len(windows) == max_windows:
                return windows
            end, start, counts = shift(start, -1), "", {}
    return [*windows, Window(start, end, counts)] if start else windows


def series(summaries: Iterable[Summary]) -> list[dict[str, JsonValue]]:
    """Return what callers got hour by hour, in the summaries' order, without a shadow's answers and idle hours."""
    own = (member for member in summaries if member.key.variant != SHADOW and _comparable(member.counts))
    described = ((hour, summary.describe(counts)) for hour, counts in by_hour(own))
    return [{"from": moment(hour), **{name: figures[name] for name in ("requests", "rows", "errors")}}
            for hour, figures in described]  # fmt: skip


def by_version(summaries: Iterable[Summary], rates: Rates | None = None) -> dict[str, JsonValue]:
    """Return the totals of summaries, over all and by version and variant, as the API answers them; at rates, costs.

    Totals count what callers got. A shadow's answers stand apart: under `shadow`, and as a variant of their version.
    `quarantined` are lines that could not be read, by reason.
    """

    def describe(counts: Counts) -> dict[str, JsonValue]:
        return summary.describe(counts) | ({"cost": rates.describe(counts)} if rates else {})

    whole: dict[bool, Counts] = {False: {}, True: {}}
    versions: dict[int, Counts] = {}
    variants: dict[tuple[int, str], Counts] = {}
    quarantined: Counts = {}
    for member in summaries:
        summary.add(quarantined, branch(member.counts, quarantine.COUNTED))
        if not (comparable := _comparable(member.counts)):
            continue
        key, counts = member.key, comparable | cost.charged(member)
        is_shadow = key.variant == SHADOW
        summary.add(whole[is_shadow], counts)
        summary.add(versions.setdefault(key.version, {}), {} if is_shadow else counts)
        summary.add(variants.setdefault((key.version, key.variant), {}), counts)
    return describe(whole[False]) | {
        "shadow": describe(whole[True]),
        "quarantined": dict(sorted(quarantined.items())),
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


def _comparable(counts: Counts) -> Counts:
    """Return what versions have in common: no columns, whose bins differ, and no lines that no version wrote."""
    apart = {"columns", "prediction", quarantine.COUNTED}
    return {name: value for name, value in counts.items() if name not in apart}
