"""One window of live traffic against a baseline, column by column: how far apart, and how surely."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, NamedTuple, TypeVar

from modelloop.contracts.counts import branch, histogram, integer, integers
from modelloop.contracts.verdicts import DrawnBins
from modelloop.monitoring.drift import cycles, histogram_tests, thresholds

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins
    from modelloop.contracts.counts import Counts
    from modelloop.monitoring.windows import Window

Count = TypeVar("Count", int, float)
MAX_BINS = 20
RARE = 5
CHANCE = 0.005
FAR = 0.3
FAR_TIMES = 3.0
MIN_ROWS = 30  # of an hour of day, below which it says nothing by itself
NOVELTY_CHANCE = 0.001


class Histograms(NamedTuple):
    """Baseline and window counts over the same bins; the last two bins are missing and unseen."""

    labels: list[str]
    baseline: list[float]
    window: list[int]

    def drawn(self) -> DrawnBins:
        """Return the bins as verdicts and pages show them, in whole rows."""
        return DrawnBins(tuple(self.labels), tuple(map(round, self.baseline)), tuple(self.window))

    def values(self) -> Histograms:
        """Return the bins of values alone, without missing and unseen."""
        return Histograms(self.labels[:-2], self.baseline[:-2], self.window[:-2])

    def gaps(self) -> Histograms:
        """Return three bins: values of all kinds, missing and unseen."""
        sides = ([sum(side[:-2]), *side[-2:]] for side in (self.baseline, self.window))
        return Histograms(["(value)", *self.labels[-2:]], *sides)


class Comparison(NamedTuple):
    """One column of one window against its baseline."""

    column: BaselineColumn
    histograms: Histograms
    distance: float
    threshold: float
    p_value: float
    drifted: bool
    is_prediction: bool

    @property
    def name(self) -> str:
        """Return the column's name."""
        return self.column.name

    @property
    def key(self) -> tuple[str, bool]:
        """Return what identifies it among the others: a feature may be called prediction too."""
        return self.name, self.is_prediction

    @property
    def informational(self) -> bool:
        """Return whether it is shown only: dates move on by themselves."""
        return self.column.kind == "date" or bool(self.column.informational)

    @property
    def far(self) -> bool:
        """Return whether this one window is enough for an alarm."""
        return self.drifted and (self.distance > FAR or self.distance > FAR_TIMES * self.threshold)

    @property
    def cause(self) -> str | None:
        """Return what drifted: missing or unseen, where these did by themselves, else values; None when nothing did.

        A category under a new name, or a value that is left out, changes the mix of the others too.
        """
        if not self.drifted:
            return None
        gaps = self.histograms.gaps()
        if not _is_sure(gaps, thresholds.season(self.column).distance):
            return "values"
        missing, unseen = (share(gaps.window, at) - share(gaps.baseline, at) for at in (-2, -1))
        return "unseen" if unseen > missing else "missing"


def compare(baseline: Baseline, window: Window) -> list[Comparison]:
    """Return every column that the window captured, and the predictions (last), compared with the baseline."""
    clock, live = integers(window.counts, "clock"), branch(window.counts, "columns")
    pairs = [
        (column, histograms(column, branch(live, column.name), clock))
        for column in baseline.columns
        if column.name in live
    ]
    if "prediction" in window.counts:
        answers = branch(window.counts, "prediction")
        pairs.append((baseline.prediction, histograms(baseline.prediction, answers, clock)))
    chances = [_chance(column, both) for column, both in pairs]
    adjusted = histogram_tests.benjamini_hochberg(chances)
    return [
        _comparison(column, both, chance, corrected < CHANCE, column is baseline.prediction)
        for (column, both), chance, corrected in zip(pairs, chances, adjusted, strict=True)
    ]


def histograms(column: BaselineColumn, live: Counts, clock: Mapping[str, int] | None = None) -> Histograms:
    """Return baseline and live counts of a column in at most 20 bins, plus missing and unseen.

    The 19 most frequent categories of the training part stay, unless fewer than 5 rows had them; the others share
    one bin. `clock` has the window's rows by hour (YYYY-MM-DDTHH): what the baseline knows of these hours is mixed
    alike. A column that usually brings new values is expected to have as many as the window has, up to a bound.
    """
    after = folded(column, [*histogram(live, "counts"), integer(live, "missing"), integer(live, "unseen")])
    before = _usual_novelty(column, _expected(column, clock), after)
    return Histograms(_drawn_labels(column), before, after)


def drawn_places(column: BaselineColumn) -> list[int]:
    """Return the drawn bin of each of the column's bins, then those of missing and unseen."""
    bins = len(column.counts)
    kept, rest = _folded(column.counts) if column.bins.categories is not None else ([], [])
    if not rest:
        return list(range(bins + 2))
    places = [len(kept)] * bins + [len(kept) + 1, len(kept) + 2]
    for place, at in enumerate(kept):
        places[at] = place
    return places


def folded(column: BaselineColumn, counts: Sequence[Count]) -> list[Count]:
    """Return the counts of the drawn bins, from those of the column's bins, missing and unseen."""
    places = drawn_places(column)
    drawn: list[Count] = [0] * (max(places) + 1)
    for place, count in zip(places, counts, strict=True):
        drawn[place] += count
    return drawn


def _drawn_labels(column: BaselineColumn) -> list[str]:
    places, ends = drawn_places(column), ["(missing)", "(unseen)"]
    drawn = ["(other)"] * (max(places) + 1)
    for place, label in zip(places, [*_labels(column.bins), *ends], strict=True):
        drawn[place] = label if places.count(place) == 1 else "(other)"
    return drawn


def _expected(column: BaselineColumn, clock: Mapping[str, int] | None) -> list[float]:
    """Return the baseline counts of the drawn bins to expect at the hours of the window."""
    if clock and column.cycles is not None:
        return cycles.expected(column.cycles, column.rows, clock)
    before: list[float] = [*column.counts, column.missing, column.unseen]
    if clock and column.hours is not None:
        before = same_hours(column.hours, clock)
    return folded(column, before)


def _usual_novelty(column: BaselineColumn, before: list[float], after: list[int]) -> list[float]:
    """Return the baseline counts with as many unseen values as the window has, where that many are usual.

    Usual is what a rate as in training exceeds once in a thousand windows; a window of unseen values alone never is.
    """
    novelty, unseen = column.novelty, after[-1]
    rows = sum(after) - after[-2]
    if novelty is None or unseen == rows or unseen * sum(before) <= before[-1] * sum(after):
        return before
    if histogram_tests.binomial_tail(unseen, rows, novelty.new / novelty.rows) < NOVELTY_CHANCE:
        return before
    others = sum(after) - unseen
    return [*before[:-1], sum(before[:-1]) * unseen / others]


def same_hours(hours: Sequence[Sequence[int]], clock: Mapping[str, int]) -> list[float]:
    """Return the baseline counts (bins, missing, unseen) to expect of a window with that many rows by hour.

    `hours` are the baseline's counts by hour of day, mixed as the window mixes them; the result is scaled to the rows
    that such a mix stands on.
    """
    whole = [sum(counts) for counts in zip(*hours, strict=True)]
    rows = sum(clock.values())
    mix, spread = [0.0] * len(whole), 0.0
    by_day: Counter[int] = Counter()
    for hour, amount in clock.items():
        by_day[int(hour[-2:])] += amount
    for hour_of_day, amount in by_day.items():
        weight, counts = amount / rows, hours[hour_of_day]
        usual = counts if sum(counts) >= MIN_ROWS else whole
        spread += weight**2 / sum(usual)
        mix = [before + weight * count / sum(usual) for before, count in zip(mix, usual, strict=True)]
    return [part / spread for part in mix]


def _folded(counts: Sequence[int]) -> tuple[list[int], list[int]]:
    """Return which categories keep a bin of their own and which share one (none, when that would save no bin)."""
    ranked = sorted(range(len(counts)), key=lambda at: (-counts[at], at))
    often = sum(count >= RARE for count in counts)
    cut = often if len(counts) <= MAX_BINS else min(often, MAX_BINS - 1)
    return (ranked, []) if len(counts) - cut < 2 else (ranked[:cut], ranked[cut:])  # noqa: PLR2004  one bin for one


def _chance(column: BaselineColumn, both: Histograms) -> float:
    """Return the p-value of a difference: of any kind, or in ordered bins of a shift, whichever is surer."""
    season = thresholds.season(column)
    shape = thresholds.shape_chance(both.baseline, both.window, season.distance)
    if column.bins.edges is None or season.shift is None:
        return shape
    values = both.values()
    return min(2 * min(shape, thresholds.shift_chance(values.baseline, values.window, season.shift)), 1.0)


def _comparison(
    column: BaselineColumn, both: Histograms, p_value: float, sure: bool, is_prediction: bool
) -> Comparison:
    distance = histogram_tests.jensen_shannon(both.baseline, both.window)
    limit = _threshold(both, thresholds.season(column).distance)
    return Comparison(column, both, distance, limit, p_value, sure and distance > limit, is_prediction)


def _threshold(both: Histograms, season: float) -> float:
    used = sum(1 for before, after in zip(both.baseline, both.window, strict=True) if before + after)
    return thresholds.threshold(sum(both.baseline), sum(both.window), used, season)


def _is_sure(both: Histograms, season: float) -> bool:
    if histogram_tests.jensen_shannon(both.baseline, both.window) <= _threshold(both, season):
        return False
    return thresholds.shape_chance(both.baseline, both.window, season) < CHANCE


def share(counts: Sequence[float], at: int) -> float:
    """Return the share of one bin; 0 when nothing was counted."""
    whole = sum(counts)
    return counts[at] / whole if whole else 0.0


def _labels(bins: Bins) -> list[str]:
    if bins.categories is not None:
        return [str(category) for category in bins.categories]
    edges = bins.edges or ()
    return [_label(edges, at) for at in range(len(edges))] + [f"> {edges[-1]:.6g}" if edges else "any"]


def _label(edges: Sequence[float], at: int) -> str:
    """Return the name of a bin: its upper edge, or its only value when its two edges touch."""
    if at and _touch(edges[at - 1], edges[at]):
        return f"= {edges[at]:.6g}"
    if at + 1 < len(edges) and _touch(edges[at], edges[at + 1]):
        return f"< {edges[at + 1]:.6g}"
    return f"≤ {edges[at]:.6g}"


def _touch(low: float, high: float) -> bool:
    """Return whether there is no 32-bit float between the two."""
    return high - low <= max(abs(high) * 2.0**-23, 2.0**-149)
