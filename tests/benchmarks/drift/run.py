"""How often drift is found on real tables where there is none, and how surely where one column changed."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline
from tests.benchmarks import sections
from tests.benchmarks.drift import results
from tests.support.drift import real, streams, trials

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target
    from tests.support.drift.real import Real

TRAINED = 0.64  # of a small table are its training part
WINDOWS, TRIALS = 1_000, 100
LARGE = (500, 2_000, 10_000)


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
    sections.record("drift", results.section(measured, WINDOWS, flown))
    return results.targets(measured, WINDOWS, flown)


_STREAMS = (
    ("every departure of seven months learned, windows of 1,000 rows", 1.0, 1_000),
    ("one departure in ten learned, windows of 1,000 rows", 0.1, 1_000),
    ("one departure in ten learned, windows of 500 rows", 0.1, 500),
)


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
