from __future__ import annotations

import math

import numpy as np
import pytest
from scipy import special, stats
from scipy.spatial import distance

from modelloop.monitoring.drift import histogram_tests

RANDOM = np.random.default_rng(11)
PAIRS = [
    (RANDOM.integers(0, top, bins).tolist(), RANDOM.integers(0, top, bins).tolist())
    for bins in (2, 3, 7, 22)
    for top in (3, 50, 5_000)
    for _ in range(5)
]
PAIRS = [pair for pair in PAIRS if all(map(sum, pair))] + [([5, 0, 0], [0, 0, 9]), ([1, 2, 3], [10, 20, 30])]


@pytest.mark.parametrize("pair", PAIRS)
def test_jensen_shannon_is_that_of_scipy(pair: tuple[list[int], list[int]]) -> None:
    expected = distance.jensenshannon(*pair, base=2)
    assert histogram_tests.jensen_shannon(*pair) == pytest.approx(0 if math.isnan(expected) else expected, abs=1e-7)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_g_test_is_that_of_scipy(pair: tuple[list[int], list[int]]) -> None:
    used = np.asarray([column for column in zip(*pair, strict=True) if sum(column)]).T
    expected = stats.chi2_contingency(used, correction=False, lambda_="log-likelihood")
    statistic, freedom = histogram_tests.g_test(*pair)

    assert freedom == expected.dof
    assert statistic == pytest.approx(expected.statistic, rel=1e-9, abs=1e-9)
    assert histogram_tests.chi_square_tail(statistic, freedom) == pytest.approx(expected.pvalue, rel=1e-8, abs=1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_psi_adds_half_a_row_to_every_bin(pair: tuple[list[int], list[int]]) -> None:
    before, after = (np.asarray(side) + 0.5 for side in pair)
    before, after = before / before.sum(), after / after.sum()
    expected = special.rel_entr(after, before).sum() + special.rel_entr(before, after).sum()

    assert histogram_tests.population_stability(*pair) == pytest.approx(expected, rel=1e-9, abs=1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_cdf_gap_is_the_two_sample_kolmogorov_smirnov_statistic(pair: tuple[list[int], list[int]]) -> None:
    before, after = (np.repeat(np.arange(len(side)), side) for side in pair)
    assert histogram_tests.cdf_gap(*pair) == pytest.approx(stats.ks_2samp(before, after).statistic, abs=1e-12)


@pytest.mark.parametrize("pair", PAIRS)
def test_the_rank_test_is_that_of_scipy(pair: tuple[list[int], list[int]]) -> None:
    before, after = (np.repeat(np.arange(len(side)), side) for side in pair)
    expected = stats.mannwhitneyu(after, before, method="asymptotic", use_continuity=False)
    shift, error = histogram_tests.rank_shift(*pair)

    assert shift == pytest.approx(expected.statistic / len(before) / len(after) - 0.5, abs=1e-12)
    if error:
        assert histogram_tests.normal_tails(shift / error) == pytest.approx(expected.pvalue, rel=1e-7, abs=1e-300)
    else:
        assert len({*before, *after}) == 1


@pytest.mark.parametrize("freedom", [1, 2, 3, 10, 21, 255])
@pytest.mark.parametrize("statistic", [0.0, 1e-9, 0.5, 3.84, 25.0, 300.0, 5_000.0])
def test_the_tail_is_that_of_scipy(statistic: float, freedom: int) -> None:
    assert histogram_tests.chi_square_tail(statistic, freedom) == pytest.approx(
        stats.chi2.sf(statistic, freedom), rel=1e-10, abs=1e-300
    )


@pytest.mark.parametrize("freedom", [1, 2, 19, 21, 255])
def test_the_quantile_is_that_of_scipy(freedom: int) -> None:
    assert histogram_tests.chi_square_quantile(0.01, freedom) == pytest.approx(stats.chi2.isf(0.01, freedom), rel=1e-7)


def test_the_correction_for_many_tests_is_that_of_scipy() -> None:
    chances = RANDOM.random(40) ** 3
    assert histogram_tests.benjamini_hochberg(chances.tolist()) == pytest.approx(stats.false_discovery_control(chances))


def test_an_empty_side_says_nothing() -> None:
    assert histogram_tests.g_test([0, 0], [3, 4]) == (0.0, 0)
    assert histogram_tests.rank_shift([0, 0], [3, 4]) == (0.0, 0.0)
    assert histogram_tests.chi_square_tail(0.0, 0) == 1.0
    assert histogram_tests.benjamini_hochberg([]) == []
