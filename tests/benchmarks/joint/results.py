"""The section on joint change and on errors without labels, and the targets that it is held to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from scipy import stats

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from tests.support.drift.together import Held

PERMUTED_WINDOWS = 6


@dataclass(frozen=True, slots=True)
class Quiet:
    """Windows in which nothing changed, and how many of them had a joint finding."""

    trained: int
    rows: int
    tables: int
    windows: int
    false: int

    @property
    def bound(self) -> float:
        """Return the upper end of the share's two-sided 95 % interval (Clopper and Pearson, 1934)."""
        return float(stats.beta.ppf(0.975, self.false + 1, self.windows - self.false))


@dataclass(frozen=True, slots=True)
class Cost:
    """A summary of so many rows in bytes without and with pairs, how much longer counting takes, the test's time."""

    rows: int
    plain: int
    paired: int
    ratio: float
    milliseconds: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured, by table; of permuted windows those found as joint change, and by a column."""

    permuted: dict[str, tuple[int, int]]
    quiet: list[Quiet]
    held: dict[str, Held]
    cost: Cost


def targets(found: Measured) -> list[Target]:
    """Return every target with its figure."""
    windows = PERMUTED_WINDOWS * len(found.permuted)
    shares = [100 * one.inside / one.given for one in found.held.values()]
    return [
        Target(
            f"windows of {windows} found, strongest column permuted",
            sum(joint for joint, _ in found.permuted.values()),
            16 / 18 * windows,
            "windows",
            at_least=True,
        ),
        *(
            Target(
                f"joint findings where nothing changed, windows of {one.rows:,} rows",
                100 * one.false / one.windows,
                0.2,
                "%",
            )
            for one in found.quiet
        ),
        Target("the range of the expected error holds the truth, worst table", min(shares), 90, "%", at_least=True),
        Target("the same, table with the widest range", max(shares), 99, "%"),
        Target("its half width at 1,000 rows", 100 * max(one.half_width for one in found.held.values()), 30, "%"),
        Target("summaries of a version, an hour", found.cost.paired / 1_024, 64, "kB"),
        Target("counting captures with pairs against without", found.cost.ratio, 1.15, "times"),
    ]


def section(found: Measured) -> str:
    """Return the section of RESULTS.md."""
    cost = found.cost
    return "\n".join([
        sections.machine(),
        "",
        *table(targets(found)),
        "",
        "### Columns that come apart",
        "",
        "Windows of 1,000 live rows whose strongest column was permuted before the model answered: each column is as",
        "it was. Pairs of columns are seen, and nothing that only three or more columns show together.",
        "",
        "| table | windows | joint change found | a column drifted |",
        "|---|---:|---:|---:|",
        *(f"| {name} | {PERMUTED_WINDOWS} | {joint} | {column} |" for name, (joint, column) in found.permuted.items()),
        "",
        "Where nothing changed; window and training rows are dealt out anew each time, none twice:",
        "",
        "| training rows | window rows | tables | windows | joint findings | at most (95 %) |",
        "|---:|---:|---:|---:|---:|---:|",
        *(
            f"| {one.trained:,} | {one.rows:,} | {one.tables} | {one.windows:,} | {one.false} | {one.bound:.2%} |"
            for one in found.quiet
        ),
        "",
        "### Errors to expect without labels",
        "",
        "Regressions: how often the range held the mean absolute error that labels showed, over models and windows of",
        "1,000 rows without a change.",
        "",
        "| table | ranges | held the truth | half width |",
        "|---|---:|---:|---:|",
        *(
            f"| {name} | {one.given} | {one.inside / one.given:.1%} | {one.half_width:.0%} |"
            for name, one in found.held.items()
        ),
        "",
        "### What it costs",
        "",
        f"Of {cost.rows:,} rows with 20 columns, the summary has {cost.plain:,} bytes without and {cost.paired:,} with",
        f"pairs; counting takes {cost.ratio:.2f} times the processor time. Testing a window takes",
        f"{cost.milliseconds:.0f} ms of it.",
    ])  # fmt: skip
