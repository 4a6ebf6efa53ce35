"""Intervals whose width follows the row: where they are offered, that they hold, and that they stay short."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import orjson
import pytest

from modelloop.flat.intervals import IntervalRule, Intervals, interval_rule_from_json
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import Split
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation import interval_calibration
from trainer.evaluation.interval_calibration import calibrate, coverage
from trainer.rows import Contents, Part, Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("kind", "text", ("red", "green", "blue"))])
SIDES = (0, 0.5, 0.75)  # where training, validation and holdout begin


def made(rows: int, seed: int, *, growing: bool = True, time: bool = False) -> PreparedTable:
    """A target 10 a whose noise grows with a and that is cut off at zero, or one of even noise."""
    generator = np.random.default_rng(seed)
    matrix = np.column_stack([generator.random(rows), generator.integers(0, 4, rows)]).astype(np.float32)
    spread = 0.2 + 3.0 * matrix[:, 0] if growing else 1.0
    target = 10.0 * matrix[:, 0] + spread * generator.normal(size=rows)
    if growing:
        target = np.maximum(0.0, target)
    sides = np.searchsorted([share * rows for share in SIDES[1:]], np.arange(rows), side="right").astype(np.uint8)
    rule = Split(split.TIME, "t", rule="r") if time else Split(split.CONTENT, None, 0.2, "s", {}, rule="r")
    facts = table_facts(ENCODING, task="regression", split=rule, salt=str(seed))
    return prepared_table(facts, Part(matrix, target), sides)


def answers(part: Part) -> Predictions:
    return Predictions(part.target, 10.0 * part.matrix[:, 0].astype(np.float64), None, part.contents)


def bounds(rule: IntervalRule, part: Part) -> NDArray[np.float64]:
    """Lower and upper ends as serving makes them of what is stored, [2, rows]."""
    served = Intervals(interval_rule_from_json(orjson.loads(orjson.dumps(rule.to_json()))))
    half = served.half_width(0.9)
    assert half is not None
    rows = served.around(half, part.matrix.astype(np.float64).tolist(), answers(part).predicted.tolist())
    return np.array(rows).T


def test_intervals_hold_in_every_fifth_where_a_constant_width_does_not() -> None:
    found, constant, widths = [], [], []
    for seed in range(4):
        table = made(4_000, seed)
        part = table.holdout
        calibrated = calibrate(table, table.validation, answers(table.validation), "rmse")
        assert calibrated.reason is None
        residuals = np.abs(table.validation.target - answers(table.validation).predicted)
        half = np.quantile(residuals, 0.9)
        low, high = bounds(calibrated.rule, part)
        held = (part.target >= low) & (part.target <= high)
        plain = np.abs(part.target - answers(part).predicted) <= half
        fifths = np.array_split(np.argsort(part.matrix[:, 0]), 5)
        found.append([held[rows].mean() for rows in fifths])
        constant.append([plain[rows].mean() for rows in fifths])
        widths.append((high - low).mean() / (2.0 * half))
    assert np.mean(found, axis=0) == pytest.approx([0.9] * 5, abs=0.05)
    assert np.mean(found) == pytest.approx(0.9, abs=0.02)
    assert np.mean(widths) < 0.95
    assert np.mean(constant, axis=0)[0] > 0.99
    assert np.mean(constant, axis=0)[-1] < 0.8


class Memory:
    """A model of residuals that refuses rows which it was fitted on."""

    def __init__(self, rows: NDArray[np.float32]) -> None:
        self._seen = {row.tobytes() for row in rows}

    def predict(self, rows: NDArray[np.float32]) -> NDArray[np.float64]:
        assert not any(row.tobytes() in self._seen for row in rows)
        return np.ones(len(rows))


def test_the_model_of_the_residuals_is_calibrated_on_rows_that_it_has_not_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    fitted: list[int] = []

    def fit(_encoding: Encoding, matrix: NDArray[np.float32], residuals: NDArray[np.float64], _seed: int) -> Memory:
        fitted.append(len(residuals))
        return Memory(matrix)

    monkeypatch.setattr(interval_calibration, "_fit", fit)
    monkeypatch.setattr(interval_calibration, "_flat", lambda _model, _encoding: {})
    table = made(1_000, 1)
    calibrate(table, table.validation, answers(table.validation), "rmse")
    assert fitted == [200] * 5 + [250]


def test_below_200_rows_all_intervals_are_equally_wide() -> None:
    table = made(796, 1)
    calibrated = calibrate(table, table.validation, answers(table.validation), "rmse")
    assert (calibrated.rows, calibrated.rule.scale) == (199, None)
    assert calibrated.reason == "fewer than 200 rows calibrate them"
    few = table.validation.take(slice(0, 9))
    assert list(calibrate(table, few, answers(few), "rmse").rule.quantiles) == ["0.5", "0.8", "0.9"]


def test_widths_that_are_no_better_are_not_used() -> None:
    table = made(8_000, 2, growing=False)
    calibrated = calibrate(table, table.validation, answers(table.validation), "rmse")
    assert calibrated.rule.scale is None
    assert "no better" in str(calibrated.reason)


@pytest.mark.parametrize(("wider", "used"), [(0.9, True), (1.04, True), (1.06, False)])
def test_widths_that_are_fairer_than_an_unfair_one_may_be_a_little_longer(wider: float, used: bool) -> None:
    residuals = np.tile(np.linspace(0.01, 1.0, 100), 5) * np.repeat([1.0, 1.0, 1.0, 1.0, 3.0], 100)
    predicted = np.repeat(np.arange(5.0), 100)
    constant = float(np.quantile(residuals, 0.9))
    fair = 0.905 * np.repeat([1.0, 1.0, 1.0, 1.0, 3.0], 100)
    widths = np.maximum(fair, fair / fair.mean() * constant * wider)
    assert interval_calibration._is_better(residuals, predicted, widths, constant) is used
    unfair = widths[::-1] * constant * wider / widths.mean()
    assert interval_calibration._is_better(residuals, predicted, unfair, constant) is (wider < 1.0)


def test_predictions_without_an_error_have_intervals_without_a_width() -> None:
    table = made(1_200, 3)
    exact = Predictions(table.validation.target, table.validation.target, None)
    calibrated = calibrate(table, table.validation, exact, "rmse")
    assert calibrated.rule.scale is None
    assert set(calibrated.rule.quantiles.values()) == {0.0}


def test_copies_of_a_row_count_once() -> None:
    table = made(1_200, 4)
    once = calibrate(table, table.validation, answers(table.validation), "rmse")
    rows = np.repeat(np.arange(table.validation.rows), 3)
    copies = table.validation.take(rows)
    many = Part(copies.matrix, copies.target, contents=Contents(rows.astype(np.int32), copies=True))
    assert calibrate(table, many, answers(many), "rmse") == once


def test_a_model_of_a_quantile_has_no_intervals() -> None:
    table = made(1_200, 5)
    calibrated = calibrate(table, table.validation, answers(table.validation), "pinball_0.9")
    assert not calibrated.rule.quantiles
    assert "predicts the 0.9 quantile" in str(calibrated.reason)
    assert calibrate(table, table.validation, answers(table.validation), "mae").rule.quantiles


def test_intervals_end_where_the_targets_do() -> None:
    table = made(1_200, 6)
    rule = calibrate(table, table.validation, answers(table.validation), "rmse").rule
    known = table.rows.target[table.membership != split.HOLDOUT]
    assert (rule.low, rule.high) == (0.0, known.max())
    low, high = bounds(rule, table.holdout)
    assert low.min() == 0.0
    assert high.max() <= known.max()
    later = calibrate(made(1_200, 6, time=True), table.validation, answers(table.validation), "rmse").rule
    assert (later.low, later.high) == (0.0, None)


def test_an_interval_holds_its_prediction_beyond_the_ends_of_the_target() -> None:
    (below,), (above,) = (
        Intervals(IntervalRule({"0.9": 1.0}, low=0.0, high=5.0)).around(1.0, [[0.0]], [number])
        for number in (-2.0, 7.0)
    )
    assert below == (-2.0, 0.0 - 1.0)
    assert above == (6.0, 7.0)


def test_the_model_of_the_residuals_is_small_and_has_a_floor() -> None:
    table = made(4_000, 7)
    rule = calibrate(table, table.validation, answers(table.validation), "rmse").rule
    assert rule.scale is not None
    assert sum(rule.scale["sizes"]) <= 64  # type: ignore[arg-type]
    low, high = bounds(rule._replace(floor=1e6, low=None, high=None), table.holdout)
    assert np.ptp(high - low) == pytest.approx(0.0, abs=1e-6)
    scales = Intervals(rule).scales(table.holdout.matrix.tolist(), answers(table.holdout).predicted.tolist())
    assert rule.floor == pytest.approx(0.1 * np.median(scales), rel=0.1)


def test_the_report_is_told_how_often_they_held_by_fifth() -> None:
    table = made(4_000, 8)
    part = table.holdout
    calibrated = calibrate(table, table.validation, answers(table.validation), "rmse")
    told = coverage(calibrated, part, answers(part), table.seed)
    low, high = bounds(calibrated.rule, part)
    held = (part.target >= low) & (part.target <= high)
    assert (told.level, told.adaptive, told.calibrated_on) == (0.9, True, 1_000)
    assert told.coverage == pytest.approx(held.mean())
    assert [one.rows for one in told.parts] == [200] * 5
    assert np.mean([one.coverage for one in told.parts]) == pytest.approx(held.mean())
    assert [one.low for one in told.parts] == sorted(one.low for one in told.parts)
    assert told.parts[0].width < told.parts[-1].width
