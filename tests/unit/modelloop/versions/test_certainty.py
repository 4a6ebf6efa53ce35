from __future__ import annotations

from math import inf, nan

import pytest

from modelloop.versions.certainty import doubt_of_above, doubt_of_below, rows_to_decide, surely
from modelloop.versions.evidence import LossComparison


def comparison(difference: float, error: float, rows: int = 10**6) -> LossComparison:
    """Return a comparison whose bounds lie 1.645 standard errors around the difference."""
    return LossComparison(
        "x", "log_loss", rows, 1.0 + difference, 1.0, difference - 1.645 * error, difference + 1.645 * error
    )


@pytest.mark.parametrize(("errors", "p"), [(0.0, 0.5), (1.645, 0.05), (2.326, 0.01), (3.09, 0.001)])
def test_p_values_of_many_rows_are_those_of_the_normal_distribution(errors: float, p: float) -> None:
    assert doubt_of_above(comparison(0.01 + errors * 0.1, 0.1), 0.01) == pytest.approx(p, rel=0.01)
    assert doubt_of_below(comparison(-errors * 0.1, 0.1), 0.0) == pytest.approx(p, rel=0.01)


def test_p_values_of_few_rows_are_those_of_student() -> None:
    """Of t with 19 degrees of freedom, 1 % lies above 2.539."""
    assert doubt_of_above(comparison(0.2539, 0.1, rows=20), 0.0) == pytest.approx(0.01, rel=0.03)


def test_the_wider_side_of_the_bounds_counts() -> None:
    skewed = LossComparison("x", "log_loss", 10**6, 1.2, 1.0, 0.2 - 0.1645, 0.2 + 0.329)
    assert doubt_of_above(skewed, 0.0) == pytest.approx(0.1587, rel=0.01)


def test_a_model_is_neither_better_nor_worse_than_itself_and_nan_tells_nothing() -> None:
    same = comparison(0.0, 0.0)
    assert (doubt_of_above(same, 0.0), doubt_of_below(same, 0.0), doubt_of_below(same, 0.1)) == (1.0, 1.0, 0.0)
    for low in (nan, -inf):
        assert doubt_of_above(LossComparison("x", "m", 9, 2.0, 1.0, low, 1.1), 0.0) == 1.0


@pytest.mark.parametrize(
    ("doubts", "found"),
    [
        ([0.011], [False]),
        ([0.009, 0.2], [False, False]),  # half of the chance each
        ([0.2, 0.004], [False, True]),
        ([0.009, 0.004], [True, True]),  # once one is found, the other has all the chance
        ([], []),
    ],
)
def test_several_findings_share_the_chance_of_a_false_one(doubts: list[float], found: list[bool]) -> None:
    assert surely(doubts, 0.01) == found


def test_rows_that_would_decide_grow_with_the_square_of_the_width() -> None:
    assert rows_to_decide(comparison(0.0, 0.1, rows=400), 0.01645) == pytest.approx(40_000, abs=1)
    assert rows_to_decide(comparison(0.02, 0.1, rows=400), 0.01645) == pytest.approx(40_000, abs=1)
    assert rows_to_decide(comparison(-0.14805, 0.1, rows=400), 0.01645) == pytest.approx(400, abs=1)
    assert rows_to_decide(comparison(0.0, 0.1), 0.0) is None
    assert rows_to_decide(LossComparison("x", "m", 9, 1.0, 1.0, nan, nan), 0.01) is None


def test_bounds_that_nearly_meet_overflow_nothing() -> None:
    exact = LossComparison("x", "log_loss", 5000, 1.0, 1.0 - 1e-9, 1e-9 - 5e-324, 1e-9 + 1e-320)
    for limit in (0.0, 1e-9, 1.0):
        assert 0.0 <= doubt_of_above(exact, limit) <= 1.0
        assert 0.0 <= doubt_of_below(exact, limit) <= 1.0
    wide = LossComparison("x", "log_loss", 5000, 1.0, 1.0, -1e300, 1e300)
    assert rows_to_decide(wide, 5e-324) == 1_000_000_000
