from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins
from modelloop.monitoring.drift import baseline, seasons
from modelloop.tables.encoding import Column, Encoding

ENCODING = Encoding([
    Column("a", "number"),
    Column("d", "date", origin="2020-01-01", with_time=True),
    Column("b", "boolean"),
    Column("t", "text", ("x", "y")),
])  # fmt: skip
RANDOM = np.random.default_rng(0)


def matrix(rows: int = 1_000) -> np.ndarray[Any, Any]:
    built = np.column_stack([
        RANDOM.normal(size=rows), RANDOM.integers(0, 400, rows), np.ones(rows), np.ones(rows), np.ones(rows),
        RANDOM.integers(0, 2, rows), RANDOM.integers(0, 3, rows),
    ]).astype(np.float32)  # fmt: skip
    built[::10, :] = np.nan
    return built


def column(built: Baseline, name: str) -> BaselineColumn:
    found = built.column(name)
    assert found is not None
    return found


def test_every_row_of_every_column_is_counted_once() -> None:
    built = baseline.build(ENCODING, matrix(), RANDOM.integers(0, 2, 1_000), ["u", True], mask=("b",))

    assert [found.name for found in built.columns] == ["a", "d", "t"]
    for found in [*built.columns, built.prediction]:
        assert found.rows == sum(found.counts) + found.missing + found.unseen == built.rows == 1_000
    assert column(built, "a").missing == 100
    assert len(column(built, "a").counts) == 900 // baseline.ROWS_A_BIN
    assert column(built, "d").origin == "2020-01-01"
    assert column(built, "t").bins.categories == ("x", "y")
    assert column(built, "t").unseen > 0
    assert built.prediction.bins.categories == ("u", "true")


def test_bins_hold_equal_shares_of_smooth_columns() -> None:
    counts = column(baseline.build(ENCODING, matrix(), np.zeros(1_000), None, ()), "a").counts
    assert max(counts) - min(counts) <= 1


def test_a_mass_point_stands_alone() -> None:
    values = np.concatenate([np.zeros(500), RANDOM.normal(size=500)]).astype(np.float32)
    edges = baseline.quantile_edges(values)
    counts, _, _ = baseline.count(Bins(tuple(edges), None), np.asarray([0.0, 1e-30, -1e-30], np.float32))

    assert 0.0 in edges
    assert sum(amount > 0 for amount in counts) == 3


def test_a_constant_column_sees_values_on_either_side() -> None:
    edges = baseline.quantile_edges(np.full(50, 5, np.float32))
    counts, _, _ = baseline.count(Bins(tuple(edges), None), np.asarray([4, 5, 6], np.float32))
    assert counts == [1, 1, 1]


@pytest.mark.parametrize("values", [[], [np.nan], [1.0], [1.0, 2.0], [-3.4028235e38] * 3, [0.0, -0.0]])
def test_edges_of_tiny_columns_are_finite_and_rise(values: list[float]) -> None:
    edges = baseline.quantile_edges(np.asarray(values, np.float32))
    assert edges == sorted(set(edges))
    assert np.isfinite(edges).all()


def test_no_more_than_twenty_bins_for_any_mix_of_ties() -> None:
    for top in (2, 5, 19, 20, 21, 40, 1_000):
        edges = baseline.quantile_edges(RANDOM.integers(0, top, 2_000).astype(np.float32))
        assert len(edges) <= baseline.MAX_BINS - 1


def test_regression_predictions_keep_their_double_precision() -> None:
    predictions = RANDOM.normal(size=1_000)
    answers = baseline.build(ENCODING, matrix(), predictions, None, ()).prediction
    counts, _, _ = baseline.count(answers.bins, predictions)

    assert tuple(counts) == answers.counts
    assert max(counts) - min(counts) <= 1


@pytest.mark.parametrize("at", range(len(ENCODING.columns)))
def test_places_are_where_values_are_counted(at: int) -> None:
    bins = baseline.build(ENCODING, matrix(), np.zeros(1_000), None, ()).columns[at].bins
    slot = baseline.first_slots(ENCODING)[at][1]
    values = np.append(matrix()[:, slot], [np.nan, 1e9, 250, -5 if bins.edges else 0]).astype(np.float32)
    counts, missing, unseen = baseline.count(bins, values)
    assert np.bincount(baseline.places(bins, values), minlength=len(counts) + 2).tolist() == [*counts, missing, unseen]


def test_answers_to_unseen_rows_stand_for_the_predictions_and_all_answers_for_the_season() -> None:
    own = RANDOM.normal(size=1_000)
    times = 1.8e9 + 3_600.0 * np.arange(1_000, dtype=np.float64)
    unseen = baseline.Answers(RANDOM.normal(5, 1, 400), times[-1] + 3_600 * np.arange(400))
    answers = baseline.build(ENCODING, matrix(), own, None, (), times=times, unseen=unseen).prediction
    assert answers.season == seasons.OF_PREDICTIONS.distance
    untimed = replace(answers, season=None, season_shift=None, cycles=None)
    assert untimed == baseline._counted_prediction(unseen.predictions, None)
