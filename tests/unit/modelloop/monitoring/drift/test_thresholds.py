from __future__ import annotations

import pytest

from modelloop.contracts.baseline import BaselineColumn, Bins
from modelloop.monitoring.drift import thresholds
from modelloop.monitoring.drift.thresholds import MIN_EFFECT, Season


def test_the_threshold_falls_with_rows_and_rises_with_bins() -> None:
    assert thresholds.threshold(10**8, 10**8, 22) == pytest.approx(MIN_EFFECT, rel=1e-3)
    assert thresholds.threshold(300, 500, 22) > thresholds.threshold(3_000, 500, 22) > MIN_EFFECT
    assert thresholds.threshold(300, 500, 22) > thresholds.threshold(300, 500, 5)
    assert thresholds.threshold(0, 500, 22) == thresholds.threshold(500, 500, 1) == thresholds.noise(500, 0, 22) == 1.0


def test_sampling_exceeds_its_noise_rarely_and_its_threshold_on_average_only_with_an_effect() -> None:
    sizes = (2_000, 1_000, 21)
    assert thresholds.noise(*sizes) == pytest.approx((50.8 * 0.0015 / 8 / 0.6931) ** 0.5, rel=0.01)
    assert thresholds.threshold(*sizes) ** 2 == pytest.approx(0.08**2 + 20 * 0.0015 / 8 / 0.6931, rel=1e-3)


def test_what_seasons_explain_comes_on_top() -> None:
    big = 10**8
    assert thresholds.threshold(big, big, 22, 0.3) == pytest.approx((0.3**2 + 0.08**2) ** 0.5, rel=1e-3)
    two = ([5_000.0, 5_000.0], [300.0, 200.0])
    for chance, season in ((thresholds.shape_chance, 0.1), (thresholds.shift_chance, 0.05)):
        assert chance(*two) < 1e-4
        assert chance(*two, season) > 0.05


def test_all_in_one_bin_shifts_nowhere() -> None:
    assert thresholds.shift_chance([5, 0], [7, 0]) == thresholds.shift_chance([], []) == 1.0


@pytest.mark.parametrize(
    ("known", "season"),
    [
        ({}, Season(0.0, 0.0)),
        ({"season": 0.1, "season_shift": 0.02}, Season(0.1, 0.02)),
        ({"season": 0.1}, Season(0.1, None)),
    ],
)
def test_a_baseline_tells_its_season(known: dict[str, float], season: Season) -> None:
    column = BaselineColumn("a", "number", Bins((), None), None, (1,), 0, 0, **known)  # type: ignore[arg-type]
    assert thresholds.season(column) == season
