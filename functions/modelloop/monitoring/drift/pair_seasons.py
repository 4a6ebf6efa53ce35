"""How far apart past times of a training part were in how its columns go together: what a window may be too.

The past is cut by hour of day, by weekday, and into at most 20 blocks of neighbours in time. A pair's season is the
largest distance of such a part from the whole that sampling does not explain, and at most 0.1: what changes more than
that with the time is for a person to see.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.pairs import pairs_of
from modelloop.monitoring.drift import association, histogram_tests, thresholds

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.pairs import PairedColumn

    Places = NDArray[np.int64]

MAX_SEASON = 0.1
MAX_BLOCKS = 20
MAX_ROWS = 500_000  # of larger tables every second, third ... row says the same in less time
MIN_ROWS = 200  # of a part, below which it says nothing of pairs
EARLIEST, LATEST = 1e8, 1e10  # seconds since 1970 lie between, other numbers mostly do not
HOUR, DAY = 3_600, 86_400


def seasons(
    columns: Sequence[PairedColumn], codes: Sequence[NDArray[np.int8]], times: NDArray[np.float64]
) -> tuple[float, ...]:
    """Return every pair's season; `codes` are the bins of the training rows, as `pairs.count` takes them."""
    step = len(times) // MAX_ROWS + 1
    codes, times = [own[::step] for own in codes], times[::step]
    cuts = [(cut, int(cut.max(initial=-1)) + 1) for cut in _cuts(times)]
    found = []
    for pair in pairs_of(columns):
        width, cells = columns[pair.second].size, pair.cells.stop - pair.cells.start
        both = codes[pair.first].astype(np.int64) * width + codes[pair.second]
        whole = _table(np.bincount(both, minlength=cells), width)
        parts = (counts for cut, parts in cuts for counts in _counted(cut, parts, both, cells))
        found.append(round(max((_distance(whole, _table(counts, width)) for counts in parts), default=0.0), 6))
    return tuple(found)


def _cuts(times: NDArray[np.float64]) -> Iterator[Places]:
    """Yield every row's part of the past, cut by cut; -1: none."""
    timed = np.flatnonzero(~np.isnan(times))
    if not timed.size:
        return
    blocks = np.full(len(times), -1)
    size = max(timed.size // MAX_BLOCKS, MIN_ROWS)
    blocks[timed[np.argsort(times[timed], kind="stable")]] = np.arange(timed.size) // size
    yield blocks
    present = times[timed]
    if present.min() > EARLIEST and present.max() < LATEST:
        for length, parts in ((HOUR, 24), (DAY, 7)):
            cut = np.full(len(times), -1)
            cut[timed] = present.astype(np.int64) // length % parts
            yield cut


def _counted(cut: Places, parts: int, both: Places, cells: int) -> Iterator[Places]:
    """Yield the cells of every part of enough rows; a part that is nearly the whole is none."""
    placed = cut >= 0
    counts = np.bincount(cut[placed] * cells + both[placed], minlength=parts * cells).reshape(parts, cells)
    rows = counts.sum(axis=1)
    yield from counts[(rows >= MIN_ROWS) & (2 * rows <= len(cut))]


def _distance(whole: list[list[int]], part: list[list[int]]) -> float:
    """Return the distance less what sampling adds to it on average; 0 when sampling alone can explain it."""
    found = association.compare(whole, part)
    if histogram_tests.chi_square_tail(found.statistic, found.freedom) >= thresholds.NOISE_CHANCE:
        return 0.0
    unit = thresholds.sampling(found.baseline_rows, found.window_rows, 2)
    return min(math.sqrt(max(found.statistic - found.freedom, 0.0) * unit), MAX_SEASON)


def _table(counts: Places, width: int) -> list[list[int]]:
    table: list[list[int]] = counts.reshape(-1, width).tolist()
    return table
