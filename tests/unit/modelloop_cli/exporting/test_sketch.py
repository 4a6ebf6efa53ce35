from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelloop.monitoring.drift import baseline
from modelloop.tables.encoding import Column, Encoding
from modelloop_cli.exporting import baseline as export_baseline
from modelloop_cli.exporting.sketch import SIZE, Bin, sketch
from tests.support.manifests import manifest_of

ROWS = 50_000


def exported(values: np.ndarray) -> dict[str, Any]:
    matrix = values.astype(np.float32).reshape(-1, 1)
    known = baseline.build(Encoding([Column("x", "number")]), matrix, values, None, mask=())
    (feature, _) = export_baseline.statistics(manifest_of(baseline=known))["features"]
    return dict(feature["numerical_statistics"]["distribution"]["kll"]["sketch"])


def weighted(found: dict[str, Any]) -> tuple[np.ndarray, np.ndarray]:
    """Return the items of a sketch, rising, and the share of rows up to each, as Deequ's quantile sketch reads it."""
    items = np.concatenate([np.asarray(level, np.float64) for level in found["data"]])
    weights = np.concatenate([np.full(len(level), 2**height) for height, level in enumerate(found["data"])])
    order = np.argsort(items, kind="stable")
    return items[order], np.cumsum(weights[order])


def distance(found: dict[str, Any], values: np.ndarray) -> float:
    """Return the greatest difference between both distribution functions (Kolmogorov-Smirnov)."""
    items, ranks = weighted(found)
    present = np.sort(values.astype(np.float32).astype(np.float64))
    places = np.unique(np.concatenate([items, present]))
    reached = np.searchsorted(items, places, side="right")
    theirs = np.concatenate([[0], ranks])[reached] / ranks[-1]
    return float(np.abs(theirs - np.searchsorted(present, places, side="right") / present.shape[0]).max())


RANDOM = np.random.default_rng(5)
TABLES = {
    "normal": RANDOM.normal(20, 3, ROWS),
    "skewed": RANDOM.lognormal(0, 1, ROWS),
    "counts": RANDOM.poisson(4, ROWS).astype(float),
    "zero inflated": np.where(RANDOM.random(ROWS) < 0.6, 0.0, RANDOM.gamma(2, 3, ROWS)),
    "rates": RANDOM.choice([0.1, 0.25, 0.5, 0.7], ROWS),
    "few": RANDOM.normal(0, 1, 60),
}


@pytest.mark.parametrize("name", TABLES)
def test_a_sketch_tells_the_training_part_within_less_than_a_bin(name: str) -> None:
    values = TABLES[name]
    found = exported(values)
    bins = min(max(values.shape[0] // baseline.ROWS_A_BIN, baseline.MIN_BINS), baseline.MAX_BINS)
    assert weighted(found)[1][-1] == values.shape[0]
    assert distance(found, values) < 0.9 / bins


def test_a_sketch_keeps_to_the_size_that_it_names() -> None:
    found = exported(TABLES["normal"])
    assert found["parameters"] == {"c": 0.64, "k": SIZE}
    assert SIZE / 2 < sum(map(len, found["data"])) < 1.2 * SIZE


def test_whole_columns_have_whole_items_and_mass_points_stand_alone() -> None:
    assert {item % 1 for level in exported(TABLES["counts"])["data"] for item in level} == {0.0}
    rates = {item for level in exported(TABLES["rates"])["data"] for item in level}
    assert rates == {float(np.float32(rate)) for rate in (0.1, 0.25, 0.5, 0.7)}
    assert 0.0 in exported(TABLES["zero inflated"])["data"][-1]


def test_a_bin_is_spread_evenly_and_its_odd_rows_are_not_lost() -> None:
    found = sketch([Bin(0.0, 10.0, 5 * SIZE + 3)], whole=False)
    items, ranks = weighted(found)
    assert len(found["data"]) == 4
    assert ranks[-1] == 5 * SIZE + 3
    assert items == pytest.approx(10 * ranks / ranks[-1])
    assert items[-1] == 10.0
