from __future__ import annotations

from typing import Any

import pytest

from modelloop.contracts.baseline import Bins
from modelloop.rollout.histograms import align


def labels(*names: str) -> Bins:
    return Bins(None, names)


def numbers(*edges: float) -> Bins:
    return Bins(edges, None)


def counted(*counts: int, missing: int = 0, unseen: int = 0) -> dict[str, Any]:
    return {"counts": list(counts), "missing": missing, "unseen": unseen}


def test_labels_are_matched_by_text() -> None:
    left, right = align(labels("a", "b"), counted(1, 2), labels("b", "c"), counted(3, 4, unseen=5))
    assert (left, right) == ([1, 2, 0, 0], [0, 3, 4, 5])


def test_equal_edges_change_nothing() -> None:
    left, right = align(numbers(0, 1), counted(1, 2, 3), numbers(0, 1), counted(4, 5, 6, missing=7))
    assert (left, right) == ([1, 2, 3, 0], [4, 5, 6, 7])


def test_numbers_are_spread_within_their_bins() -> None:
    _, right = align(numbers(0, 5, 10), counted(1, 1, 1, 1), numbers(0, 10), counted(2, 100, 3))
    assert right == [2, 50, 50, 3, 0]


@pytest.mark.parametrize("edges", [(-100.0, -50.0), (50.0, 100.0), (0.3, 0.7), (-1.0, 0.5, 2.0)])
def test_no_row_is_lost(edges: tuple[float, ...]) -> None:
    _, right = align(numbers(*edges), counted(*[1] * (len(edges) + 1)), numbers(0, 0.5, 1), counted(7, 11, 13, 17))
    assert sum(right) == 48
    assert min(right) >= 0


def test_a_constant_prediction_has_one_bin() -> None:
    assert align(numbers(), counted(5), numbers(1), counted(2, 3)) == ([5, 0], [5, 0])
