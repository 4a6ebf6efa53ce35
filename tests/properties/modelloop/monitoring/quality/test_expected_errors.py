"""The error to expect of a regression without labels, on real tables: its range holds the truth; seeds fixed."""

from __future__ import annotations

import pytest

from tests.support.drift import together


def test_the_range_holds_what_labels_show() -> None:
    found = together.held(together.seats(), models=3, windows=4, trees=20)
    assert found.given == 12
    assert found.inside >= 11


@pytest.mark.slow
@pytest.mark.parametrize("name", together.MEASURED)
def test_the_range_holds_what_labels_show_nine_times_in_ten_and_is_no_wider_than_it_must(name: str) -> None:
    found = together.held(together.MEASURED[name](), models=50, windows=4)
    assert found.given == 200
    assert 0.9 <= found.inside / found.given <= 0.995
    assert found.half_width <= 0.3
