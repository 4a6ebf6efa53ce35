"""The section on drift, and the targets that it is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy import stats

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.drift.run import Measured

    type Flown = Sequence[tuple[str, tuple[int, int, int]]]

ENOUGH_ROWS = 900
LEAST_PRESENT, MOST_ALIKE = 0.5, 0.95


class Unchanged(NamedTuple):
    """Windows of worlds that do not change: their traffic, rows, number and alarms, and the share of repeated rows."""

    traffic: str
    rows: int
    windows: int
    alarms: int
    repeated: float

    @property
    def bound(self) -> float:
        """Return the upper bound of the rate of alarms (Clopper and Pearson, one-sided 95 %)."""
        return float(stats.beta.ppf(0.95, self.alarms + 1, max(self.windows - self.alarms, 1)))


class Season(NamedTuple):
    """A season of three years: windows of the fourth, alarms among them, and the first alarm with a trend on top."""

    cycle: str
    windows: int
    alarms: int
    first: int


class Watched(NamedTuple):
    """Where nothing changes, what comes back, and rising bookings (windows found, of how many)."""

    unchanged: Sequence[Unchanged]
    seasons: Sequence[Season]
    booked: tuple[int, int]


def targets(measured: Sequence[Measured], windows: int, flown: Flown, watched: Watched) -> list[Target]:
    """Return what was promised: the budget of false alarms, the power, and quiet seasons."""
    worst = max(one.false for one in measured)
    large = [one for one in measured if one.rows >= ENOUGH_ROWS]
    quiet = 1 - sum(alarms for _, (_, _, alarms) in flown) / sum(seen for _, (seen, _, _) in flown)
    lowest = {kind: min(_found(one, kind, 1.0) for one in large) for kind in ("number", "text")}
    return [
        Target("exchangeable windows with any drifted column, worst table", 100 * worst / windows, 1, "%"),
        Target("a shift of 0.3 deviations is found in 1,000 rows, worst column", 100 * lowest["number"], 95, "%", True),
        Target(
            "a change of mix of 15 % of rows is found in 1,000 rows, worst column", 100 * lowest["text"], 95, "%", True
        ),
        Target("windows without alarm in a stream with days and weeks", 100 * quiet, 100, "%", True),
        *_watching(watched),
    ]


def _watching(watched: Watched) -> list[Target]:
    usual = [one for one in watched.unchanged if not one.repeated]
    worst = max(watched.seasons, key=lambda one: one.alarms)
    return [
        Target("false alarms where nothing changes, worst size of windows", max(map(_rate, usual)), 1, "%"),
        Target("the same, upper bound", max(100 * one.bound for one in usual), 2, "%"),
        Target("alarms in seasons that come back, worst cycle", 100 * worst.alarms / worst.windows, 1, "%"),
        Target("a trend on top of seasons is found in this window", max(one.first for one in watched.seasons), 3, ""),
        Target("windows of eight months of rising prices that are found", watched.booked[0], 10, "", True),
    ]


def _rate(one: Unchanged) -> float:
    return 100 * one.alarms / one.windows


def _found(one: Measured, kind: str, least: float) -> float:
    return min([least, *(power.found for power in one.powers if power.kind == kind and is_spread(one, power.column))])


def is_spread(one: Measured, column: str) -> bool:
    """Say whether most rows have a value, and not all the same: else a shift moves hardly any row."""
    power = next(power for power in one.powers if power.column == column)
    return power.present > LEAST_PRESENT and one.commonest[column] < MOST_ALIKE


def section(measured: Sequence[Measured], windows: int, flown: Flown, watched: Watched) -> str:
    """Return the section of RESULTS.md."""
    lines = [
        sections.machine(),
        "",
        *table(targets(measured, windows, flown, watched)),
        "",
        "### Real tables",
        "",
        f"Windows of 1,000 rows. *False*: of {windows:,} exchangeable windows, those with any drifted column. *Found*:",
        "how often one column's change was found in the first window (100 windows a column): the mean moved by 0.3",
        "standard deviations, on the column's own values, or 15 % of the rows took another category. *Best*: how often",
        "the best possible test of a known shift of a normal column finds it at that budget. The targets hold for",
        "columns that most rows have, of which fewer than 95 % are alike, at 900 training rows or more.",
        "",
        "| table | columns | training rows | false | best | median column | columns below 95 % |",
        "|---|---:|---:|---:|---:|---:|---|",
        *(_row(one, windows) for one in measured),
        "",
        "### Days and weeks",
        "",
        "A year of real departures, dealt out anew within every hour of the week: seasons stay, the process does not",
        "change. Learned from seven months, watched for five.",
        "",
        "| | windows | with a drifted column | alarms |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {seen} | {drifted} | {alarms} |" for name, (seen, drifted, alarms) in flown),
        "",
        *_unchanged(watched.unchanged),
        "",
        *_seasons(watched),
    ]
    return "\n".join(lines)


def _unchanged(found: Sequence[Unchanged]) -> list[str]:
    return [
        "### Where nothing changes",
        "",
        "Five tables (flights, weather, three made-up ones), 4,000 training rows each, predictions among the columns.",
        "Windows are drawn without replacement from rows that neither fit nor baseline has seen, each with the one",
        "before it; an alarm is a verdict `drift` or `data_fault`. Rows that a caller repeats count as rows, so such",
        "windows alarm; *repeated* is the share of their rows that repeats another one.",
        "",
        "| traffic | rows | windows | alarms | rate | upper bound | repeated |",
        "|---|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {one.traffic} | {one.rows:,} | {one.windows:,} | {one.alarms} | {_rate(one):.1f}% | {one.bound:.1%} | "
            f"{one.repeated:.0%} |"
            for one in found
        ),
    ]


def _seasons(watched: Watched) -> list[str]:
    return [
        "### Years, months and weeks",
        "",
        "Made-up streams of three years with strong seasons (distances up to 0.5), watched over a fourth year; then",
        "the same with a trend of half a deviation a year on top. Bookings: eight months of rising prices are learned,",
        f"{watched.booked[0]} of {watched.booked[1]} windows after them are found.",
        "",
        "| cycle | windows | alarms | first alarm with a trend |",
        "|---|---:|---:|---:|",
        *(f"| {one.cycle} | {one.windows} | {one.alarms} | window {one.first} |" for one in watched.seasons),
    ]


def _row(one: Measured, windows: int) -> str:
    weak = [
        f"{power.column} {power.found:.0%}{_excuse(one, power.column)}" for power in one.powers if power.found < 0.95
    ]
    median = float(np.median([power.found for power in one.powers]))
    return (
        f"| {one.table} | {one.columns} | {one.rows:,} | {one.false / windows:.1%} | {one.best:.0%} | {median:.0%} | "
        f"{', '.join(weak) or 'none'} |"
    )


def _excuse(one: Measured, column: str) -> str:
    power = next(power for power in one.powers if power.column == column)
    if power.present <= LEAST_PRESENT:
        return f" ({power.present:.0%} present)"
    alike = one.commonest[column]
    return f" ({alike:.0%} alike)" if alike >= MOST_ALIKE else ""
