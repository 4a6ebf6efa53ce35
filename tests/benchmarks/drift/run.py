"""How often drift is found on real tables where there is none, and how surely where one column changed."""

from __future__ import annotations

import sys
from collections import Counter
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline
from tests.benchmarks import sections
from tests.benchmarks.drift import results
from tests.support.drift import bookings, cyclic, real, streams, trials, worlds

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.targets import Target
    from tests.support.drift.real import Real

TRAINED = 0.64  # of a small table are its training part
WINDOWS, TRIALS = 1_000, 100
LARGE = (500, 2_000, 10_000)
UNCHANGED_ROWS = (500, 1_000, 5_000)
CYCLIC_ROWS, CYCLIC_WINDOWS, CYCLIC_WINDOW = 30_000, 200, 1_000
TREND = 0.5  # deviations a year


class Measured(NamedTuple):
    """One table at one size of its training part."""

    table: str
    columns: int
    rows: int
    false: int
    best: float
    powers: list[trials.Power]
    commonest: dict[str, float]


def run() -> list[Target]:
    """Simulate, write the section and return the targets."""
    measured = [_measure(table, int(TRAINED * len(table.matrix))) for table in real.small()]
    for table in (real.weather(), real.flights()):
        measured += [_measure(table, rows) for rows in LARGE]
    flown = [(name, _seasons(learned, min_rows)) for name, learned, min_rows in _STREAMS]
    watched = results.Watched(list(_unchanged()), [_cyclic(stream) for stream in cyclic.STREAMS], _booked())
    sections.record("drift", results.section(measured, WINDOWS, flown, watched))
    return results.targets(measured, WINDOWS, flown, watched)


_STREAMS = (
    ("every departure of seven months learned, windows of 1,000 rows", 1.0, 1_000),
    ("one departure in ten learned, windows of 1,000 rows", 0.1, 1_000),
    ("one departure in ten learned, windows of 500 rows", 0.1, 500),
)


def _unchanged() -> Iterator[results.Unchanged]:
    """Yield what is found in worlds that do not change, by the size of windows and the kind of traffic."""
    for rows in UNCHANGED_ROWS:
        for name, traffic, windows in _TRAFFIC:
            print(f"unchanged worlds, windows of {rows} rows, {name}", file=sys.stderr, flush=True)
            counts: Counter[str] = Counter()
            for table in worlds.tables():
                counts += worlds.statuses(table, rows, windows, traffic)
            whole = counts.total()
            yield results.Unchanged(name, rows, whole, whole - counts["ok"], _repeated(rows, traffic))


def _repeated(rows: int, traffic: worlds.Traffic) -> float:
    """Return which share of a window's rows repeats another one, where no two rows are alike by themselves."""
    distinct = np.arange(rows, dtype=np.float32)[:, None]
    return 1 - len(np.unique(traffic(np.random.default_rng(0), distinct))) / rows


_TRAFFIC = (
    ("rows as they come", worlds.as_it_comes, 200),
    ("batches of 100 like rows", worlds.in_batches, 20),
    ("one caller repeats a row 200 times", worlds.with_repeats, 20),
)


def _cyclic(stream: cyclic.Cyclic) -> results.Season:
    """Return how many of 200 windows of a season that comes back alarm, and the first alarm with a trend on top."""
    print(f"seasons of a {stream.name}", file=sys.stderr, flush=True)
    random = np.random.default_rng(1)
    known = stream.learn(random, CYCLIC_ROWS)
    found = [one.status != "ok" for one in stream.verdicts(known, random, CYCLIC_WINDOWS, CYCLIC_WINDOW)]
    rising = stream.learn(random, CYCLIC_ROWS, TREND)
    trend = stream.verdicts(rising, random, CYCLIC_WINDOWS, CYCLIC_WINDOW, TREND)
    first = next((at for at, one in enumerate(trend, 1) if one.status == "drift"), CYCLIC_WINDOWS)
    return results.Season(stream.name, len(found), sum(found), first)


def _booked() -> tuple[int, int]:
    """Return how many windows of rising bookings were found, and of how many."""
    found = [one.status for one in bookings.verdicts(bookings.draw(np.random.default_rng(3), trend=1.0))]
    return found.count("drift"), len(found)


def _measure(table: Real, rows: int) -> Measured:
    print(f"{table.name}, {rows} training rows", file=sys.stderr, flush=True)
    slots = baseline.first_slots(table.encoding)
    return Measured(
        table.name,
        len(slots),
        rows,
        trials.false_windows(table, rows, WINDOWS, seed=1),
        trials.best(table, rows),
        trials.powers(table, rows, TRIALS, seed=0),
        {column.name: _commonest(table.matrix[:, slot]) for column, slot in slots},
    )


def _commonest(values: real.Matrix) -> float:
    """Return the share of the known rows that have the commonest value."""
    known = values[~np.isnan(values)]
    return float(np.unique(known, return_counts=True)[1].max() / len(known))


def _seasons(learned: float, min_rows: int) -> tuple[int, int, int]:
    """Return how many windows there were, in how many a column drifted, and how many alarmed."""
    print(f"seasons, {learned:.0%} learned", file=sys.stderr, flush=True)
    live = streams.stream(real.flights(), learned=learned)
    seen = list(streams.verdicts(live, min_rows=min_rows))
    drifted = sum(any(one["drifted"] and not one["informational"] for one in found["columns"]) for found in seen)
    return len(seen), drifted, sum(found["status"] != "ok" for found in seen)
