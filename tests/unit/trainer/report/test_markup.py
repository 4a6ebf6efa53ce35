from __future__ import annotations

import re

from trainer.report.markup import bars


def heights(drawing: str) -> list[float]:
    return [float(found) for found in re.findall(r' height="([0-9.]+)"/>', drawing)]


def widths(drawing: str) -> list[float]:
    return [float(found) for found in re.findall(r'y="[0-9.]+" width="([0-9.]+)"', drawing)]


def test_bins_of_equal_counts_show_where_the_column_is_dense() -> None:
    drawing = bars([50, 50, 50], [0.0, 1.0, 2.0, 12.0])
    first, second, tail = heights(drawing)
    assert first == second > 5 * tail
    assert widths(drawing)[2] > 5 * widths(drawing)[0]


def test_categories_are_as_high_as_they_are_frequent() -> None:
    high, low = heights(bars([40, 10]))
    assert high == 4 * low


def test_a_bin_without_width_draws_nothing_and_breaks_nothing() -> None:
    assert heights(bars([50, 50], [0.0, 0.0, 1.0])) == [0.0, max(heights(bars([50, 50], [0.0, 0.0, 1.0])))]


def test_nothing_to_show_is_no_drawing() -> None:
    assert bars([]) == bars([0, 0]) == ""
