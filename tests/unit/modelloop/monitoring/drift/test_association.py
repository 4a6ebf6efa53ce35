from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from scipy import stats

from modelloop.monitoring.drift import association

if TYPE_CHECKING:
    from numpy.typing import NDArray

RANDOM = np.random.default_rng(5)


def table(rows: int, slope: float, shift: float = 0.0, bins: int = 5) -> list[list[int]]:
    first = RANDOM.normal(size=rows)
    second = slope * first + RANDOM.normal(size=rows)
    edges = stats.norm.ppf(np.arange(1, bins) / bins)
    places = np.digitize(first + shift, edges) * bins + np.digitize(second, edges)
    counts: list[list[int]] = np.bincount(places, minlength=bins * bins).reshape(bins, bins).tolist()
    return counts


def odds_ratios(model: NDArray[np.float64]) -> NDArray[np.float64]:
    return model[:, :-1, :-1] * model[:, 1:, 1:] / (model[:, 1:, :-1] * model[:, :-1, 1:])


def test_the_fit_has_equal_odds_ratios_and_the_margins_of_both_sides() -> None:
    sides = np.array([table(2_000, 0.5), table(1_000, 0.8, shift=0.5)])
    *_, last = association.fits(sides.tolist(), sides.sum(axis=0).tolist())
    model = np.array(last)
    before, after = odds_ratios(model)
    assert after == pytest.approx(before, rel=1e-6)
    for axes in ((1,), (2,), (0,)):
        assert model.sum(axis=axes) == pytest.approx(sides.sum(axis=axes), abs=0.01)


def test_rows_that_only_moved_in_one_column_associate_as_before() -> None:
    usual = np.outer([30, 40, 50, 60], [50, 60, 70]) * np.exp(np.outer([0, 1, 2, 3], [0, 0.2, 0.4]))
    moved = usual * np.array([[4.0], [1.0], [1.0], [0.2]]) * np.array([1.0, 0.3, 2.0])
    found = association.compare(usual.tolist(), moved.tolist())
    assert found.statistic == pytest.approx(0, abs=1e-3)
    assert found.freedom == 6


def test_columns_that_came_apart_are_found() -> None:
    found = association.compare(table(2_000, 0.8), table(1_000, 0.0))
    assert found.freedom == 16
    assert found.statistic > 100
    assert (found.baseline_rows, found.window_rows) == (2_000, 1_000)


def test_without_a_change_the_statistic_is_nearly_chi_square() -> None:
    found = [association.compare(table(2_000, 0.5), table(1_000, 0.5, shift=0.3)).statistic for _ in range(150)]
    assert np.mean(found) == pytest.approx(16, abs=1.5)
    assert np.mean(np.array(found) > stats.chi2.isf(0.05, 16)) < 0.12


@pytest.mark.parametrize("idle", [0.001, 0.05])
def test_a_fit_that_ends_early_is_one_that_shows_nothing(idle: float) -> None:
    for slope in (0.5, 0.6, 0.7, 0.9):
        before, after = table(2_000, 0.5), table(1_000, slope)
        whole, early = association.compare(before, after), association.compare(before, after, idle)
        sure = stats.chi2.sf(whole.statistic, whole.freedom) < idle
        assert early.freedom == whole.freedom
        assert early.statistic >= whole.statistic - 1e-6
        assert sure == (stats.chi2.sf(early.statistic, early.freedom) < idle)
        if sure:
            assert early == whole


def test_bins_of_few_rows_are_merged_with_a_neighbour() -> None:
    few = [[100, 100, 3], [100, 100, 2], [100, 100, 1]]
    found = association.compare([[200, 100, 50]] * 3, few)
    assert found.freedom == 2
    assert found.window_rows == 606


@pytest.mark.parametrize(
    "sides",
    [
        ([[500, 500]], [[500, 500]]),
        ([[500], [500]], [[500], [500]]),
        ([[0, 0], [0, 0]], [[100, 100], [100, 100]]),
        ([[100, 100], [100, 100]], [[0, 0], [0, 0]]),
        ([[400, 0], [0, 400]], [[300, 0], [0, 300]]),
    ],
)
def test_where_there_is_nothing_to_compare_nothing_is_found(sides: tuple[list[list[int]], list[list[int]]]) -> None:
    found = association.compare(*sides)
    assert found.freedom == 0
    assert found.statistic == 0
