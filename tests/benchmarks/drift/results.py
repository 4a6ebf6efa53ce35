"""The section on drift, and the targets that it is held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.drift.run import Measured

    type Flown = Sequence[tuple[str, tuple[int, int, int]]]

ENOUGH_ROWS = 900
LEAST_PRESENT, MOST_ALIKE = 0.5, 0.95


def targets(measured: Sequence[Measured], windows: int, flown: Flown) -> list[Target]:
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
    ]


def _found(one: Measured, kind: str, least: float) -> float:
    return min([least, *(power.found for power in one.powers if power.kind == kind and is_spread(one, power.column))])


def is_spread(one: Measured, column: str) -> bool:
    """Say whether most rows have a value, and not all the same: else a shift moves hardly any row."""
    power = next(power for power in one.powers if power.column == column)
    return power.present > LEAST_PRESENT and one.commonest[column] < MOST_ALIKE


def section(measured: Sequence[Measured], windows: int, flown: Flown) -> str:
    """Return the section of RESULTS.md."""
    lines = [
        sections.machine(),
        "",
        *table(targets(measured, windows, flown)),
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
    ]
    return "\n".join(lines)


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
