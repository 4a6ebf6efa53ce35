"""The figures of monitoring as a section: targets first, then the tables behind them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from tests.benchmarks.monitoring.history import Tick
    from tests.benchmarks.monitoring.throughput import Throughput

BATCH = 10  # objects of one invocation, read one after the other
TIMEOUT = 300
MEMORY = 2_048
_HEAD = (
    "rows a request",
    "two at once",
    "lowest, highest",
    "one alone",
    "a processor second",
    "json.loads + Counter",
    "DuckDB",
    "MB at peak",
)


@dataclass(frozen=True, slots=True)
class Shape:
    """Objects of requests of so many rows: our throughput alone and beside another, the yardsticks' rows a second."""

    rows: int
    alone: Throughput
    beside: Throughput
    plain: float
    duckdb: float


@dataclass(frozen=True, slots=True)
class Measured:
    """Everything that was measured; `swollen` is a packed object of more lines than are read."""

    megabytes: int
    shapes: list[Shape]
    swollen: Throughput
    ticks: dict[str, dict[int, Tick]]


def targets(found: Measured) -> list[Target]:
    """Return every target with its figure."""
    slowest = max(shape.beside.slowest for shape in found.shapes)
    return [
        *(
            Target(
                f"rows x 20 columns a second on two cores, {shape.rows} a request",
                shape.beside.typical / 1e3,
                150,
                "thousand",
                at_least=True,
            )
            for shape in found.shapes
        ),
        Target(
            f"peak memory, an object of {found.megabytes} MB",
            max(max(shape.alone.peak, shape.beside.peak) for shape in found.shapes),
            1_024,
            "MB",
        ),
        Target("peak memory, a packed object that swells past what is read", found.swollen.peak, MEMORY, "MB"),
        Target(
            f"the largest batch, {BATCH} such objects, of the function's {TIMEOUT} s", slowest * BATCH, TIMEOUT, "s"
        ),
        *(
            Target(
                f"objects that a verdict reads, 90 days of history against {since}, {kind}",
                _reads(ticks[90]) / _reads(ticks[since]),
                1,
                "times",
            )
            for kind, ticks in found.ticks.items()
            for since in [1 if kind == "busy" else 14]
        ),
    ]


def section(found: Measured) -> str:
    """Return the section in Markdown."""
    return "\n".join([
        sections.machine(),
        "",
        *table(targets(found)),
        "",
        "### From captures to summaries",
        "",
        f"An object of {found.megabytes} MB of lines with 14 numbers, a boolean, a date and 4 categories a row becomes",
        "summaries and index; medians of rows a second. Two cores means two objects side by side, in two processes at",
        "once: so does the queue. The yardsticks read a smaller object of the same lines on one core and only count:",
        "they check nothing, know no repetitions, and keep no index and no quarantine. Ratios are of rows a processor",
        "second; their histograms of numbers are equal to ours.",
        "",
        f"| {' | '.join(_HEAD)} |",
        f"|{'---:|' * len(_HEAD)}",
        *(_shape_row(shape) for shape in found.shapes),
        "",
        f"A packed object of more than 512 MB of lines: {found.swollen.slowest:.1f} s, {found.swollen.peak:,.0f} MB at",
        "peak; what lies beyond is refused as one line of the quarantine.",
        "",
        "### What a verdict reads",
        "",
        "One tick of a model, with 600 rows an hour (a window is one hour) and with 2 (a window reaches over its seven",
        "days): S3 objects read and listings, and processor milliseconds, most of them the emulated S3's own.",
        "",
        "| days of history | busy: objects | listings | ms | quiet: objects | listings | ms |",
        "|---:|---:|---:|---:|---:|---:|---:|",
        *(_history_row(days, [ticks[days] for ticks in found.ticks.values()]) for days in found.ticks["busy"]),
    ])  # fmt: skip


def _shape_row(shape: Shape) -> str:
    rates = shape.beside.rates
    cells = [
        f"{shape.rows}",
        f"**{shape.beside.typical:,.0f}**",
        f"{min(rates):,.0f}, {max(rates):,.0f}",
        f"{shape.alone.typical:,.0f}",
        f"{shape.alone.by_processor:,.0f}",
        *(f"{other:,.0f} (ours {shape.alone.by_processor / other:.1f} times)" for other in (shape.plain, shape.duckdb)),
        f"{max(shape.alone.peak, shape.beside.peak):,.0f}",
    ]
    return f"| {' | '.join(cells)} |"


def _history_row(days: int, ticks: list[Tick]) -> str:
    cells = (f"{_reads(tick)} | {tick.calls['ListObjectsV2']} | {tick.cpu * 1e3:,.0f}" for tick in ticks)
    return f"| {days} | {' | '.join(cells)} |"


def _reads(tick: Tick) -> int:
    return tick.calls["GetObject"]
