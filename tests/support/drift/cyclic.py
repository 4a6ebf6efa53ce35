"""Made-up streams with strong seasons over years, with and without a trend on top."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline, verdict
from modelloop.tables.encoding import Column, Encoding
from tests.support.drift import lab

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.verdicts import DriftVerdict
    from modelloop.monitoring.windows import Window
    from tests.support.drift.lab import Matrix

    type Times = NDArray[np.float64]

DAY = 86_400.0
YEAR = 365.25 * DAY
START = 1_672_617_600.0  # 2023-01-02T00:00Z, a Monday
KINDS = ("a", "b", "c", "d")
ENCODING = Encoding([Column("load", "number"), Column("steady", "number"), Column("kind", "text", KINDS)])


class Cyclic(NamedTuple):
    """A stream by its season: how far `load` moves at each moment, in standard deviations of its noise."""

    name: str
    season: Callable[[Times], Times]
    years: float = 3.0

    def rows(self, random: np.random.Generator, times: Times, trend: float = 0.0) -> Matrix:
        """Return rows of these times; `trend` is by how much load and kind rise in a year."""
        moved = self.season(times) + trend * (times - START) / YEAR
        load = moved + random.normal(size=len(times))
        odds = np.stack([np.exp(0.6 * step * moved) for step in range(len(KINDS))])
        drawn = random.random(len(times)) * odds.sum(axis=0)
        kind = (np.cumsum(odds, axis=0) < drawn).sum(axis=0)
        return np.column_stack([load, random.normal(size=len(times)), kind]).astype(np.float32)

    def learn(self, random: np.random.Generator, rows: int, trend: float = 0.0) -> Baseline:
        """Return the baseline of that many rows over the years; the last fifth of the answers counts as unseen."""
        times = START + np.sort(random.random(rows)) * self.years * YEAR
        matrix, last = self.rows(random, times, trend), int(0.8 * rows)
        own, unseen = (
            baseline.Answers(matrix[part, 0].astype(np.float64), times[part])
            for part in (slice(last), slice(last, None))
        )
        return baseline.build(ENCODING, matrix[:last], own.predictions, None, (), times=own.times, unseen=unseen)

    def verdicts(
        self, known: Baseline, random: np.random.Generator, windows: int, rows: int, trend: float = 0.0
    ) -> Iterator[DriftVerdict]:
        """Yield the verdicts of windows that follow each other over the year after the training part."""
        starts = START + (self.years + np.arange(windows + 1) / windows) * YEAR
        before: Window | None = None
        for start, end in pairwise(starts.tolist()):
            times = start + np.sort(random.random(rows)) * (end - start)
            matrix = self.rows(random, times, trend)
            found = lab.window(known, matrix, ENCODING)
            prediction = lab.counts(known.prediction, matrix[:, 0].astype(np.float64))
            found = found._replace(counts={**found.counts, "clock": lab.hours(times), "prediction": prediction})
            pair = [found] if before is None else [found, before]
            yield verdict.drift_verdict(
                known, pair, model="m", version=1, min_rows=rows, now="2027-01-01T00:00:00.000Z"
            )
            before = found


def _yearly(times: Times) -> Times:
    """Rise and fall over the year, and a December of its own."""
    year: Any = times.astype("datetime64[s]").astype("datetime64[Y]")
    month = (times.astype("datetime64[s]").astype("datetime64[M]") - year.astype("datetime64[M]")).astype(int)
    return np.asarray(1.2 * np.sin(2 * np.pi * times / YEAR) + 1.5 * (month == 11), np.float64)


def _monthly(times: Times) -> Times:
    """The first days of a month and its last ones are not like the others."""
    days = times.astype("datetime64[s]").astype("datetime64[D]")
    day = (days - days.astype("datetime64[M]").astype("datetime64[D]")).astype(int)
    return np.where(day < 4, 2.0, np.where(day > 24, -1.0, 0.0))


def _weekly(times: Times) -> Times:
    """Weekends are low, days are high, and the night to Sunday has ways of its own."""
    hour = times // 3_600 % 24
    weekday = (times // DAY + 3) % 7
    night = (weekday == 6) & (hour < 4)
    return np.asarray(np.sin(2 * np.pi * hour / 24) - 1.5 * (weekday >= 5) + 2.0 * night, np.float64)


STREAMS = (Cyclic("year", _yearly), Cyclic("month", _monthly), Cyclic("week", _weekly))
