"""How sure a comparison of losses is: p-values from its bounds, several questions together, and rows that would decide.

The standard error of a difference is read from its one-sided 95 % bounds, of which the wider counts. Small samples have
heavier tails than the normal distribution: the statistic is taken for Student's t with rows - 1 degrees of freedom, by
the approximation 26.7.8 of Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964).
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.versions.evidence import LossComparison

ONE_SIDED_95 = 1.6448536269514722
FAR = 1e6  # standard errors, beyond which nothing is left to tell apart and squares might overflow
MAX_ROWS_TO_DECIDE = 1_000_000_000
MAX_TIMES = 100_000.0  # that bounds have to get narrower; beyond it even one row asks for more than MAX_ROWS_TO_DECIDE


def doubt_of_above(comparison: LossComparison, limit: float) -> float:
    """Return the p-value, 0 to 1, of "the difference is at most the limit": small when it is surely above."""
    return _tail(comparison.difference - limit, comparison)


def doubt_of_below(comparison: LossComparison, limit: float) -> float:
    """Return the p-value, 0 to 1, of "the difference is at least the limit": small when it is surely below."""
    return _tail(limit - comparison.difference, comparison)


def surely(doubts: Sequence[float], chance: float) -> list[bool]:
    """Return which of several findings are sure, when the chance that any of them is false is to be at most that.

    After Holm, "A simple sequentially rejective multiple test procedure" (1979).
    """
    found = [False] * len(doubts)
    for step, place in enumerate(sorted(range(len(doubts)), key=doubts.__getitem__)):
        if not doubts[place] <= chance / (len(doubts) - step):
            break
        found[place] = True
    return found


def rows_to_decide(comparison: LossComparison, allowed: float, normal: float = ONE_SIDED_95) -> int | None:
    """Return how many rows would show that a candidate is within what is allowed; None where nothing tells.

    The bound's width shrinks with the root of the rows. An estimate above zero is taken for equality, so the figure is
    what a candidate needs that is as good as the reference. `normal` is the quantile that the bound asks for.
    """
    width = (comparison.high - comparison.difference) * normal / ONE_SIDED_95
    room = allowed - min(comparison.difference, 0.0)
    if not (math.isfinite(width) and room > 0.0):
        return None
    times = min(max(width / room, 1.0), MAX_TIMES)
    return min(math.ceil(comparison.rows * times**2), MAX_ROWS_TO_DECIDE)


def _tail(excess: float, comparison: LossComparison) -> float:
    """Return the chance of an excess this large where there is none."""
    difference = comparison.difference
    error = max(difference - comparison.low, comparison.high - difference) / ONE_SIDED_95
    if not (math.isfinite(error) and math.isfinite(excess)):
        return 1.0
    if error <= 0.0:
        return 0.0 if excess > 0.0 else 1.0
    statistic, freedom = max(-FAR, min(excess / error, FAR)), max(comparison.rows - 1, 1)
    normal = statistic * (1.0 - 1.0 / (4.0 * freedom)) / math.sqrt(1.0 + statistic**2 / (2.0 * freedom))
    return 0.5 * math.erfc(normal / math.sqrt(2.0))
