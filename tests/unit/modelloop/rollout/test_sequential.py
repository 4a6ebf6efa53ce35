"""Bounds against the formula as its paper writes it, and what is said where nothing is known."""

from __future__ import annotations

import math

import pytest
from scipy.stats import norm

from modelloop.rollout.sequential import Difference, MeanSample, bound_once, bounds_always, share


@pytest.mark.parametrize(
    ("count", "hits", "expected"),
    [
        (0, 0, MeanSample(0, 0.0, 0.25)),
        (1, 1, MeanSample(1, 1.0, 2 / 9)),
        (8, 1, MeanSample(8, 0.125, 0.16)),  # one of eight, guarded as two of ten
        (98, 0, MeanSample(98, 0.0, 0.0099)),
    ],
)
def test_a_share_has_one_hit_and_one_miss_more_for_its_variance(count: int, hits: int, expected: MeanSample) -> None:
    found = share(count, hits)
    assert (found.size, found.mean) == (expected.size, expected.mean)
    assert found.variance == pytest.approx(expected.variance)


@pytest.mark.parametrize(("rows", "others"), [(1, 1), (50, 400), (200, 200), (5000, 300)])
@pytest.mark.parametrize(("chance", "first_look"), [(0.05, 200), (0.002, 200), (0.01, 1000)])
def test_bounds_at_all_times_are_robbins_normal_mixture(rows: int, others: int, chance: float, first_look: int) -> None:
    candidate, reference = MeanSample(rows, 0.7, 0.21), MeanSample(others, 0.4, 0.24)

    found = bounds_always(candidate, reference, chance, first_look)

    time = min(rows, others)
    tuned = (-2 * math.log(chance) + math.log(-2 * math.log(chance)) + 1) / first_look  # rho squared
    mixed = time * tuned + 1
    boundary = math.sqrt(2 * mixed / (time**2 * tuned) * math.log(math.sqrt(mixed) / chance))
    radius = boundary * math.sqrt(time * (0.21 / rows + 0.24 / others))
    assert found == pytest.approx((0.3, 0.3 - radius, 0.3 + radius))


@pytest.mark.parametrize(("rows", "others"), [(1, 1), (50, 400)])
def test_a_bound_for_one_look_is_the_normal_95_percent(rows: int, others: int) -> None:
    error = math.sqrt(0.21 / rows + 0.24 / others)
    found = bound_once(MeanSample(rows, 0.7, 0.21), MeanSample(others, 0.4, 0.24))
    assert found == pytest.approx(norm.ppf(0.95, 0.3, error))


@pytest.mark.parametrize("sizes", [(0, 0), (0, 9), (9, 0)])
def test_nothing_on_one_side_bounds_nothing(sizes: tuple[int, int]) -> None:
    candidate, reference = (MeanSample(size, 0.5, 0.25) for size in sizes)
    assert bounds_always(candidate, reference, 0.05, 200) == Difference(0.0, -math.inf, math.inf)
    assert bound_once(candidate, reference) == math.inf
