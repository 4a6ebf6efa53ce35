"""Joint change: columns that go together otherwise than in training, though each of them may look the same.

Every pair of the version's most important columns and its predictions is tested for a change of association, given the
window's own margins, so a shift of one column alone is no finding. A pair changed when two conditions hold, as for
columns: its distance is above the threshold (effect), and its G test stays significant after Holm's correction for the
number of pairs (evidence). One window in 500 at most has a finding where nothing changed. What only three or more
columns together show is not seen.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from modelloop.contracts.counts import histogram
from modelloop.contracts.pairs import cells_of, pairs_of
from modelloop.monitoring.drift import association, histogram_tests, thresholds

if TYPE_CHECKING:
    from collections.abc import Collection, Iterator, Sequence

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.pairs import Pair, PairedColumn
    from modelloop.monitoring.drift.association import Association
    from modelloop.monitoring.windows import Window

CHANCE = 0.0005  # a quarter of what is promised: far in the tail the approximation is a little too sure
FAR = 0.3
FAR_TIMES = 3.0
MIN_EFFECT = 0.08
OLD_VERSION = "the version was made before pairs of columns were counted, or has fewer than two that can be paired"
OLD_WINDOW = "the window's rows were counted before pairs of columns were"


class PairChange(NamedTuple):
    """One pair of columns of one window against the training part."""

    columns: tuple[PairedColumn, PairedColumn]
    distance: float
    threshold: float
    p_value: float
    changed: bool

    @property
    def names(self) -> tuple[str, str]:
        """Return both columns as people read them."""
        return self.columns[0].shown, self.columns[1].shown

    @property
    def far(self) -> bool:
        """Return whether this one window is enough for an alarm."""
        return self.changed and (self.distance > FAR or self.distance > FAR_TIMES * self.threshold)


class JointChange(NamedTuple):
    """The pairs of a window that changed, worst first; how many were tested, or the reason why none was."""

    tested: int
    pairs: tuple[PairChange, ...] = ()
    reason: str | None = None


def compare(baseline: Baseline, window: Window, drifted: Collection[tuple[str, bool]] = ()) -> JointChange:
    """Return which pairs changed.

    Pairs of columns that drifted by themselves (`drifted`: name, is it the prediction) are left out: these columns are
    found already, and what they do together follows from it.
    """
    known = baseline.pairs
    if known is None:
        return JointChange(0, reason=OLD_VERSION)
    live = histogram(window.counts, "pairs")
    if len(live) != cells_of(known.columns):
        return JointChange(0, reason=OLD_WINDOW)
    apart = {at for at, column in enumerate(known.columns) if (column.name, column.is_prediction) in drifted}
    found: list[PairChange] = []
    tested = 0
    for at, pair in enumerate(pairs_of(known.columns)):
        if apart.isdisjoint((pair.first, pair.second)):
            tested += 1
            columns = known.columns[pair.first], known.columns[pair.second]
            before, after = (_table(side, pair, columns) for side in (known.counts, live))
            compared = association.compare(before, after, CHANCE)
            if compared.freedom:
                found.append(_change(columns, compared, known.seasons[at] if known.seasons else 0.0))
    sure = _holm([change.p_value for change in found])
    changed = [
        change._replace(changed=change.distance > change.threshold)
        for change, is_sure in zip(found, sure, strict=True)
        if is_sure
    ]
    worst = sorted(changed, key=lambda change: (-change.distance / change.threshold, change.names))
    return JointChange(tested, tuple(change for change in worst if change.changed))


def _change(columns: tuple[PairedColumn, PairedColumn], found: Association, season: float) -> PairChange:
    """Return a pair's figures: the statistic as a Jensen-Shannon distance, by the expansion that `thresholds` uses."""
    unit = thresholds.sampling(found.baseline_rows, found.window_rows, 2)
    distance = math.sqrt(found.statistic * unit)
    limit = math.sqrt(MIN_EFFECT**2 + found.freedom * unit + season**2)
    return PairChange(columns, min(distance, 1.0), min(limit, 1.0), _chance(found, season**2 / unit), changed=False)


def _chance(found: Association, shift: float) -> float:
    """Return the p-value; beyond a season, that of a noncentral chi-square variable (Patnaik, 1949)."""
    freedom = found.freedom
    scale = (freedom + 2 * shift) / (freedom + shift)
    matched = round((freedom + shift) ** 2 / (freedom + 2 * shift))
    return histogram_tests.chi_square_tail(found.statistic / scale, matched)


def _holm(chances: Sequence[float]) -> list[bool]:
    """Return which tests stay significant over all of them (Holm, 1979)."""
    sure = [False] * len(chances)
    for rank, at in enumerate(sorted(range(len(chances)), key=chances.__getitem__)):
        if chances[at] * (len(chances) - rank) >= CHANCE:
            break
        sure[at] = True
    return sure


def _table(cells: Sequence[int], pair: Pair, columns: tuple[PairedColumn, PairedColumn]) -> list[Sequence[int]]:
    return list(_rows(cells[pair.cells], columns[1].size))


def _rows(cells: Sequence[int], width: int) -> Iterator[Sequence[int]]:
    for start in range(0, len(cells), width):
        yield cells[start : start + width]
