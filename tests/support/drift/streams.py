"""A stream of real departures with its days and weeks, around a process that does not change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from modelloop.monitoring.drift import baseline, verdict
from tests.support.drift import lab, trials

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.monitoring.windows import Window
    from tests.support.drift.real import Matrix, Real

    type Change = Callable[[Matrix], None]

HOUR = 3_600.0
WEEK_HOURS = 168
LATE_MINUTES = 15


class Stream(NamedTuple):
    """What a version learned of the first months, and the rows that came after, in the order of their time."""

    table: Real
    known: Baseline
    rows: Matrix
    times: NDArray[np.float64]


def stream(table: Real, *, learned: float, timed: bool = True, seed: int = 0) -> Stream:
    """Deal the rows of every hour of the week out anew over the year, and learn a share of the first seven months.

    What an hour of the week is like stays as it is in the real table; what month it is says nothing any more.
    """
    assert table.times is not None
    random = np.random.default_rng(seed)
    order, week = np.arange(len(table.times)), table.times // HOUR % WEEK_HOURS
    for hour in np.unique(week):
        places = np.flatnonzero(week == hour)
        order[places] = random.permutation(places)
    by_time = np.argsort(table.times, kind="stable")
    rows, times = table.matrix[order][by_time], table.times[by_time]
    late = np.flatnonzero(times >= times[0] + 30 * WEEK_HOURS * HOUR)
    early = np.flatnonzero(times < times[late[0]])
    early = early[random.random(len(early)) < learned]
    told = answers(rows[early])
    known = baseline.build(
        table.encoding, rows[early], told, ["in time", "late"], (), times=times[early] if timed else None
    )
    return Stream(table, known, rows[late], times[late])


def answers(rows: Matrix) -> NDArray[np.int64]:
    """Answer as a model would that is asked whether a departure is late."""
    return (np.nan_to_num(rows[:, 2]) > LATE_MINUTES).astype(np.int64)


def verdicts(live: Stream, *, min_rows: int, change: Change | None = None) -> Iterator[dict[str, Any]]:
    """Yield the verdict of every window of whole hours, each with the one before."""
    before: Window | None = None
    for places in _windows(live.times, min_rows):
        rows = live.rows[places].copy()
        if change:
            change(rows)
        found = trials.counted(live.known, live.table, rows)
        prediction = trials.count(live.known.prediction, answers(rows))
        now = found._replace(counts=found.counts | {"clock": lab.hours(live.times[places]), "prediction": prediction})
        both = [now, *([before] if before else [])]
        yield verdict.drift_verdict(
            live.known, both, model="m", version=1, min_rows=min_rows, now="2026-01-01T00:00:00.000Z"
        ).to_json()
        before = now


def _windows(times: NDArray[np.float64], min_rows: int) -> Iterator[NDArray[np.int64]]:
    hours = np.flatnonzero(np.diff(times // HOUR)) + 1
    gathered: list[NDArray[np.int64]] = []
    for places in np.split(np.arange(len(times)), hours):
        gathered.append(places)
        if sum(map(len, gathered)) >= min_rows:
            yield np.concatenate(gathered)
            gathered = []
