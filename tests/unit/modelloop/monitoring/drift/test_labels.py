"""What the bins of a column are called when a person reads a verdict."""

from __future__ import annotations

import numpy as np

from modelloop.contracts.baseline import Bins
from modelloop.monitoring.drift.baseline import quantile_edges
from modelloop.monitoring.drift.comparison import _labels


def names(values: list[float]) -> list[str]:
    edges = quantile_edges(np.array(values, dtype=np.float64))
    return _labels(Bins(tuple(edges), None))


def test_a_value_with_a_bin_of_its_own_is_named_by_it() -> None:
    shown = names([0.0] * 600 + [8.05546] * 600 + [20.0 + place for place in range(600)])
    assert "= 8.05546" in shown
    assert len(set(shown)) == len(shown)
    assert not any("e-45" in name for name in shown)


def test_bins_are_named_by_their_upper_edge() -> None:
    shown = names([float(place) for place in range(1, 1001)])
    assert all(name.startswith("≤ ") for name in shown[:-1])
    assert shown[-1].startswith("> ")


def test_a_column_without_edges_has_one_bin() -> None:
    assert _labels(Bins((), None)) == ["any"]
