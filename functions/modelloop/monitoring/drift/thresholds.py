"""When two histograms count as different: how far apart is an effect, and how surely; what a season explains is none.

Two samples of one distribution are apart by chance: 8 ln 2 d^2 / (1/n + 1/m) is nearly chi-square with bins - 1
degrees of freedom (d is the Jensen-Shannon distance; second-order expansion of its square). A season of distance s
makes it nearly noncentral chi-square, which Patnaik (1949) matches with a scaled one.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple

from modelloop.monitoring.drift import histogram_tests

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.baseline import BaselineColumn

MIN_EFFECT = 0.08  # a normal distribution that moves by 0.2 standard deviations
NOISE_CHANCE = 0.0002
LN2 = math.log(2)


class Season(NamedTuple):
    """What seasons alone make of a column: the largest distance and shift of ranks of its past blocks (None: unknown).

    The shift is as in `histogram_tests.rank_shift`.
    """

    distance: float = 0.0
    shift: float | None = 0.0


def season(column: BaselineColumn) -> Season:
    """Return the season of a baseline's column; baselines of text, and old ones, do not know its shift."""
    distance = column.season or 0.0
    if column.season_shift is None:
        return Season(distance, None if distance else 0.0)
    return Season(distance, column.season_shift)


def threshold(baseline_rows: float, window_rows: float, bins: int, season_distance: float = 0.0) -> float:
    """Return the distance that counts: what samples of these sizes show on average when the truth is 0.08 apart.

    What a season explains comes on top. 1 when one side is empty or all is in one bin.
    """
    if min(baseline_rows, window_rows, bins - 1) < 1:
        return 1.0
    added = sampling(baseline_rows, window_rows, bins)
    return min(math.sqrt(MIN_EFFECT**2 + added + season_distance**2), 1.0)


def sampling(baseline_rows: float, window_rows: float, bins: int) -> float:
    """Return what sampling adds on average to the square of the distance."""
    return (bins - 1) * _unit(baseline_rows, window_rows)


def noise(baseline_rows: float, window_rows: float, bins: int) -> float:
    """Return the distance that sampling alone exceeds once in 5,000 windows; 1 when there is nothing to compare."""
    if min(baseline_rows, window_rows, bins - 1) < 1:
        return 1.0
    quantile = histogram_tests.chi_square_quantile(NOISE_CHANCE, bins - 1)
    return min(math.sqrt(quantile * _unit(baseline_rows, window_rows)), 1.0)


def shape_chance(baseline: Sequence[float], window: Sequence[float], season_distance: float = 0.0) -> float:
    """Return the p-value of the G-test, which finds every difference; with a season, of what goes beyond it."""
    statistic, freedom = histogram_tests.g_test(baseline, window)
    if not season_distance or not freedom:
        return histogram_tests.chi_square_tail(statistic, freedom)
    shift = season_distance**2 / _unit(sum(baseline), sum(window))
    scale = (freedom + 2 * shift) / (freedom + shift)
    return histogram_tests.chi_square_tail(statistic / scale, round((freedom + shift) ** 2 / (freedom + 2 * shift)))


def shift_chance(baseline: Sequence[float], window: Sequence[float], season_shift: float = 0.0) -> float:
    """Return the p-value of the rank test, which finds a shift long before the G-test does; beyond that of a season."""
    shift, error = histogram_tests.rank_shift(baseline, window)
    return histogram_tests.normal_tails(max(abs(shift) - season_shift, 0.0) / error) if error else 1.0


def _unit(baseline_rows: float, window_rows: float) -> float:
    """Return what one degree of freedom adds to the squared distance on average."""
    return (1 / baseline_rows + 1 / window_rows) / (8 * LN2)
