"""The figures of training as a section: targets first, then the tables behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.training.stage import Spent
    from tests.benchmarks.training.tables import Shape

SMALL, LARGE = 10_000, 1_000_000
MOST_SECONDS, MOST_MB = 600, 6_144
SMALL_SECONDS = 60
MOST_TIMES = 2.5
_HEAD = (
    "rows x columns", "task", "CSV MB", "intake s", "trainer s", "intake MB", "trainer MB", "scratch MB",
    "notebook s", "notebook MB", "planned MB", "planned s",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Measured:
    """One table: both functions, what a notebook takes for it, and the plan that intake had made."""

    shape: Shape
    size: int
    intake: Spent
    trainer: Spent
    plain: Spent | None
    plan: dict[str, Any]

    @property
    def seconds(self) -> float:
        """Return the seconds of both functions by the clock, starts and imports included."""
        return self.intake.whole + self.trainer.whole

    @property
    def peak(self) -> float:
        """Return the MB of the larger function."""
        return max(self.intake.peak_mb, self.trainer.peak_mb)


def _beside(one: Measured) -> list[str]:
    if one.plain is None:
        return ["", ""]
    ours = one.intake.cpu + one.trainer.cpu
    return [
        f"{one.plain.cpu:.1f} (ours {ours / one.plain.cpu:.1f} times)",
        f"{one.plain.peak_mb:,.0f} (ours {one.peak / one.plain.peak_mb:.2f} times)",
    ]


def targets(found: Sequence[Measured]) -> list[Target]:
    """Return every target with its figure."""
    largest = max(found, key=lambda one: one.shape.rows)
    small = max(one.seconds for one in found if one.shape.rows == SMALL)
    large = [one for one in found if one.shape.rows == LARGE]
    memory = [one.plan["memory_mb"] / one.trainer.peak_mb for one in found]
    time = [one.plan["seconds"] / one.trainer.cpu for one in found]
    return [
        Target("10,000 x 20, both functions from a cold start to a serving version", small, SMALL_SECONDS, "s"),
        Target("1,000,000 x 20, both functions", max(one.seconds for one in large), MOST_SECONDS, "s"),
        Target("1,000,000 x 20, peak memory of the larger function", max(one.peak for one in large), MOST_MB, "MB"),
        Target(
            f"{largest.shape.rows:,} x {largest.shape.columns}, the slower function, of 900 s",
            max(largest.intake.whole, largest.trainer.whole),
            900,
            "s",
        ),
        Target(
            f"{largest.shape.rows:,} x {largest.shape.columns}, intake's peak",
            largest.intake.peak_mb,
            3_008 * 1.048576,
            "MB",
        ),
        Target(
            f"{largest.shape.rows:,} x {largest.shape.columns}, the trainer's peak",
            largest.trainer.peak_mb,
            10_240 * 1.048576,
            "MB",
        ),
        Target("planned memory against the trainer's peak, lowest", min(memory), 1, "times", at_least=True),
        Target("planned memory against the trainer's peak, highest", max(memory), MOST_TIMES, "times"),
        Target("planned seconds against the trainer's processor seconds, lowest", min(time), 1, "times", at_least=True),
        Target("planned seconds against the trainer's processor seconds, highest", max(time), MOST_TIMES, "times"),
    ]


def section(found: Sequence[Measured]) -> str:
    """Return the section in Markdown."""
    return "\n".join([
        sections.machine(),
        "",
        *table(targets(found)),
        "",
        "### From an upload to a version that serves",
        "",
        "Generated tables of numbers, texts, dates and booleans with gaps; the two default families. Both functions",
        "run in processes of their own against emulated buckets, table and queue in other processes; every row is",
        "replayed in the serving runtime. Seconds are processor seconds; memory is the highest that was resident;",
        "scratch is what intake had on disk. The notebook reads with pandas, fits the same two families with",
        "scikit-learn and takes one score: it profiles, checks, gates, proves and stores nothing.",
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{'---:|' * len(_HEAD)}",
        *map(_row, found),
    ])  # fmt: skip


def _row(one: Measured) -> str:
    task = f"{one.shape.classes} classes" if one.shape.classes else "regression"
    peaks = (one.intake.peak_mb, one.trainer.peak_mb, one.intake.disk_mb)
    cells = [
        f"{one.shape.rows:,} x {one.shape.columns}",
        task,
        f"{one.size / 1e6:,.0f}",
        f"{one.intake.cpu:.1f}",
        f"{one.trainer.cpu:.1f}",
        *(f"{peak:,.0f}" for peak in peaks),
        *_beside(one),
        f"{one.plan['memory_mb']:,.0f}",
        f"{one.plan['seconds']:,.0f}",
    ]
    return f"| {' | '.join(cells)} |"
