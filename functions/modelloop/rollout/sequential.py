"""Bounds on the difference of two means that may be looked at again and again while data comes in.

`bounds_always` is an asymptotic confidence sequence: Robbins' normal mixture with estimated variance (Waudby-Smith,
Arbour, Sinha, Kennedy and Ramdas, "Time-uniform central limit theory and asymptotic confidence sequences", 2021). It
covers at all sample sizes at once, so a decision by it stays honest however often it is asked. `bound_once` is the
usual one-sided bound for a single look, tighter by half. `bound_until` is for looks until an end that is known: wide at
first, and at the end little wider than for a single look (O'Brien and Fleming, "A multiple testing procedure for
clinical trials", 1979).
"""

from __future__ import annotations

import math
from typing import NamedTuple

ONE_SIDED_95 = 1.6448536269514722
TWO_SIDED_95 = 1.959963984540054


class MeanSample(NamedTuple):
    """A mean of `size` independent values, and their variance."""

    size: int
    mean: float
    variance: float


class Difference(NamedTuple):
    """candidate - reference: the estimate, and bounds around it."""

    estimate: float
    low: float
    high: float


def share(count: int, hits: int) -> MeanSample:
    """Return the sample of a share; one hit and one miss are added for the variance, so that it is never zero."""
    if count < 1:
        return MeanSample(0, 0.0, 0.25)
    guarded = (hits + 1) / (count + 2)
    return MeanSample(count, hits / count, guarded * (1 - guarded))


def bounds_always(candidate: MeanSample, reference: MeanSample, chance: float, first_look: int) -> Difference:
    """Return the difference with two-sided bounds that hold at every sample size together, but for that chance.

    They are tightest near `first_look` values a side.
    """
    estimate, error = _difference(candidate, reference)
    smaller = min(candidate.size, reference.size)
    if smaller < 1:
        return Difference(0.0, -math.inf, math.inf)
    log_chance = -2 * math.log(chance)
    spread = smaller * (log_chance + math.log(log_chance) + 1) / first_look
    radius = error * math.sqrt((spread + 1) / spread * (math.log(spread + 1) + log_chance))
    return Difference(estimate, estimate - radius, estimate + radius)


def bound_once(candidate: MeanSample, reference: MeanSample) -> float:
    """Return the value that the difference stays below with 95 % confidence, for one look."""
    estimate, error = _difference(candidate, reference)
    if min(candidate.size, reference.size) < 1:
        return math.inf
    return estimate + ONE_SIDED_95 * error


def bound_until(candidate: MeanSample, reference: MeanSample, share: float) -> float:
    """Return the value that the difference stays below, at all looks together with 95 % confidence.

    `share`, above 0 and at most 1, is how much of the data is there that there will be at the end. A Brownian motion
    passes b before time 1 with a chance of 2 (1 - Phi(b)), so the bound is of b / sqrt(share) standard errors, and b is
    that of a two-sided interval.
    """
    estimate, error = _difference(candidate, reference)
    if min(candidate.size, reference.size) < 1 or share <= 0.0:
        return math.inf
    return estimate + TWO_SIDED_95 / math.sqrt(min(share, 1.0)) * error


def _difference(candidate: MeanSample, reference: MeanSample) -> tuple[float, float]:
    variance = sum(side.variance / max(side.size, 1) for side in (candidate, reference))
    return candidate.mean - reference.mean, math.sqrt(variance)
