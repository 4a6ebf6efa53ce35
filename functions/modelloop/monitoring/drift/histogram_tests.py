"""How far two histograms are apart, and how surely: distances, the G-test and the rank test, in plain floats.

No scientific library is needed for it, so the control plane and the verdicts can afford it. For whole and half
arguments the regularised incomplete gamma function is a finite sum of positive terms (DLMF 8.8.6 and 8.4), so the
chi-square tail below is exact to rounding.
"""

from __future__ import annotations

import math
from functools import cache
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

PSI_PSEUDOCOUNT = 0.5
VANISHING = 1e-15  # what rounding leaves of a variance that is none


def jensen_shannon(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the Jensen-Shannon distance (base 2, 0 to 1) of two histograms over the same bins."""
    divergence = 0.0
    for p, q in zip(_shares(left), _shares(right), strict=True):
        middle = (p + q) / 2
        divergence += (p * math.log2(p / middle) if p else 0.0) + (q * math.log2(q / middle) if q else 0.0)
    return math.sqrt(min(max(divergence / 2, 0.0), 1.0))


def population_stability(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the population stability index (natural log), with 0.5 added to every bin of both sides."""
    expected = _shares([count + PSI_PSEUDOCOUNT for count in left])
    actual = _shares([count + PSI_PSEUDOCOUNT for count in right])
    return math.fsum((q - p) * math.log(q / p) for p, q in zip(expected, actual, strict=True))


def cdf_gap(left: Sequence[float], right: Sequence[float]) -> float:
    """Return the largest gap between the cumulative shares of two histograms, in the order of their bins."""
    gap = below_left = below_right = 0.0
    for p, q in zip(_shares(left), _shares(right), strict=True):
        below_left, below_right = below_left + p, below_right + q
        gap = max(gap, abs(below_left - below_right))
    return gap


def g_test(left: Sequence[float], right: Sequence[float]) -> tuple[float, int]:
    """Return the two-sample G statistic of two histograms and its degrees of freedom; (0, 0) when one is empty."""
    sums = sum(left), sum(right)
    if not all(sums):
        return 0.0, 0
    used = [(p, q) for p, q in zip(left, right, strict=True) if p + q]
    parts = (
        observed * math.log(observed * sum(sums) / ((p + q) * side))
        for p, q in used
        for observed, side in ((p, sums[0]), (q, sums[1]))
        if observed
    )
    return max(2 * math.fsum(parts), 0.0), len(used) - 1


def rank_shift(left: Sequence[float], right: Sequence[float]) -> tuple[float, float]:
    """Return how far the right side's values rank higher, and the standard error of that when nothing differs.

    The bins are in order. The shift is the chance that a value of the right side exceeds one of the left side, equal
    bins counting half, less 1/2: Mann and Whitney's U, so from -0.5 to 0.5. The error has the correction for ties
    (Lehmann, 1975). (0, 0) when one side is empty or all is in one bin.
    """
    rows = sum(left), sum(right)
    whole = sum(rows)
    if not all(rows) or whole <= 1:
        return 0.0, 0.0
    below = won = ties = 0.0
    for p, q in zip(left, right, strict=True):
        won += q * (below + p / 2)
        below += p
        ties += (p + q) ** 3 - (p + q)
    pairs = rows[0] * rows[1]
    variance = (whole + 1 - ties / (whole * (whole - 1))) / (12 * pairs)
    return (won / pairs - 0.5, math.sqrt(variance)) if variance > VANISHING else (0.0, 0.0)


def normal_tails(deviation: float) -> float:
    """Return the chance that a normal variable is at least that many standard deviations off, either way."""
    return math.erfc(abs(deviation) / math.sqrt(2))


def chi_square_tail(statistic: float, freedom: int) -> float:
    """Return the chance that a chi-square variable of that many degrees of freedom is at least the statistic."""
    if freedom < 1:
        return 1.0
    x = max(statistic, 0.0) / 2
    shape = 0.5 if freedom % 2 else 1.0
    tail = math.erfc(math.sqrt(x)) if freedom % 2 else math.exp(-x)
    while shape < freedom / 2:
        tail += math.exp(shape * math.log(x) - x - math.lgamma(shape + 1)) if x else 0.0
        shape += 1
    return min(tail, 1.0)


@cache
def chi_square_quantile(chance: float, freedom: int) -> float:
    """Return the value that a chi-square variable exceeds with that chance, by bisection."""
    low, high = 0.0, 10.0 * freedom + 100.0
    while high - low > 1e-9 * high:
        middle = (low + high) / 2
        low, high = (middle, high) if chi_square_tail(middle, freedom) > chance else (low, middle)
    return (low + high) / 2


def binomial_tail(count: int, rows: int, chance: float) -> float:
    """Return the chance of at least `count` successes in that many rows; up to the mean, 1."""
    if count <= rows * chance:
        return 1.0
    if count > rows or not chance:
        return 0.0
    logarithm = math.lgamma(rows + 1) - math.lgamma(count + 1) - math.lgamma(rows - count + 1)
    term = math.exp(logarithm + count * math.log(chance) + (rows - count) * math.log1p(-chance)) if chance < 1 else 1.0
    tail = 0.0
    while count <= rows and term > tail * VANISHING:
        tail += term
        term *= (rows - count) / (count + 1) * chance / (1 - chance) if chance < 1 else 0.0
        count += 1
    return min(tail, 1.0)


def benjamini_hochberg(chances: Sequence[float]) -> list[float]:
    """Return p-values adjusted for the number of tests, in the given order (Benjamini and Hochberg, 1995)."""
    adjusted, lowest = [1.0] * len(chances), 1.0
    for rank, position in sorted(enumerate(sorted(range(len(chances)), key=chances.__getitem__), 1), reverse=True):
        lowest = min(lowest, chances[position] * len(chances) / rank)
        adjusted[position] = lowest
    return adjusted


def _shares(counts: Sequence[float]) -> list[float]:
    whole = sum(counts)
    return [count / whole for count in counts] if whole else [0.0] * len(counts)
