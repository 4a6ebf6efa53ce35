"""Made-up bookings of fourteen months: prices rise, weekends are dear, and agents come and go.

The first eight months are learned from, in the order of arrival; windows are of the months after.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline, verdict
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.novelty import Novelty
from tests.support.drift import lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.monitoring.windows import Window

ARRIVALS = 1_467_331_200.0  # 2016-07-01
DAY = 86_400.0
LEARNED, LATER = 8 * 30, 6 * 30  # days
ROWS_A_DAY = 34
WINDOW, WINDOWS = 500, 12


class Bookings(NamedTuple):
    """Rows in the order of arrival: `agents` are numbers that rise as agents come."""

    times: NDArray[np.float64]
    lead: NDArray[np.float64]
    nights: NDArray[np.float64]
    agents: NDArray[np.int64]
    prices: NDArray[np.float64]


def draw(random: np.random.Generator, *, trend: float) -> Bookings:
    """Return bookings whose prices and lead times rise by that many deviations in eight months."""
    days = np.repeat(np.arange(LEARNED + LATER), ROWS_A_DAY)
    rise, weekend = trend * days / LEARNED, (days + 4) % 7 >= 5
    lead = np.exp(random.normal(size=len(days)) + rise)
    nights = random.poisson(np.where(weekend, 3.0, 1.5))
    agents = np.where(random.random(len(days)) < 0.8, random.geometric(0.3, len(days)), 1_000 + days // 5)
    prices = 0.6 * random.normal(size=len(days)) + rise + 0.8 * weekend
    return Bookings(np.asarray(ARRIVALS + DAY * days, np.float64), lead, nights.astype(np.float64), agents, prices)


def verdicts(bookings: Bookings, *, novelty: bool = True) -> Iterator[DriftVerdict]:
    """Learn from eight months, and yield the verdicts of twelve windows after them."""
    learned = LEARNED * ROWS_A_DAY
    trained = int(0.8 * learned)
    counts = dict(zip(*np.unique(bookings.agents[:trained], return_counts=True), strict=True))
    known = [agent for agent, rows in counts.items() if rows >= 10]
    encoding = Encoding([
        Column("lead", "number"), Column("nights", "number"), Column("agent", "text", tuple(map(str, known))),
    ])  # fmt: skip
    codes = np.array([known.index(agent) if agent in known else len(known)
                      for agent in bookings.agents])  # fmt: skip
    matrix = np.column_stack([bookings.lead, bookings.nights, codes]).astype(np.float32)
    parts = [slice(trained), slice(trained, learned)]
    own, unseen = (baseline.Answers(bookings.prices[part], bookings.times[part]) for part in parts)
    built = baseline.build(encoding, matrix[parts[0]], own.predictions, None, (), times=own.times, unseen=unseen)
    if novelty:
        built = baseline.with_novelty(built, {"agent": _novelty(bookings.agents[:trained])})
    yield from _windows(built, encoding, matrix, bookings, learned)


def _windows(
    known: Baseline, encoding: Encoding, matrix: Any, bookings: Bookings, learned: int
) -> Iterator[DriftVerdict]:
    before: Window | None = None
    for start in range(learned, learned + WINDOW * WINDOWS, WINDOW):
        rows = slice(start, start + WINDOW)
        found = lab.window(known, matrix[rows], encoding)
        prediction = lab.counts(known.prediction, bookings.prices[rows])
        clock = lab.hours(bookings.times[rows])
        found = found._replace(counts={**found.counts, "clock": clock, "prediction": prediction})
        both = [found] if before is None else [found, before]
        yield verdict.drift_verdict(known, both, model="m", version=1, min_rows=WINDOW, now="2018-01-01T00:00:00.000Z")
        before = found


def _novelty(agents: NDArray[np.int64]) -> Novelty:
    """Return what intake learns of the later half."""
    half = len(agents) // 2
    values, rows = np.unique(agents[:half], return_counts=True)
    return Novelty(int((~np.isin(agents[half:], values[rows >= 5])).sum()), len(agents) - half)
