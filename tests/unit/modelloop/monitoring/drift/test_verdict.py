from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop.contracts.baseline import Baseline, BaselineColumn, Bins
from modelloop.contracts.counts import branch
from modelloop.contracts.cycles import CyclesSeen
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.monitoring.drift import baseline, comparison, thresholds, verdict
from modelloop.monitoring.windows import Window
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.novelty import Novelty

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts

RANDOM = np.random.default_rng(3)
CATEGORIES = tuple(f"c{code}" for code in range(30))
ENCODING = Encoding(
    [Column("a", "number"), Column("b", "text", CATEGORIES), Column("when", "date", origin="2026-01-01")]
)
NOW = "2026-11-23T12:10:00Z"


def sample(rows: int, *, shift: float = 0.0, missing: float = 0.0, unseen: float = 0.0) -> np.ndarray[Any, Any]:
    codes = np.minimum(RANDOM.geometric(0.2, rows) - 1, 29).astype(np.float32)
    codes[RANDOM.random(rows) < unseen] = 30
    numbers = RANDOM.normal(shift, 1, rows)
    numbers[RANDOM.random(rows) < missing] = np.nan
    days = RANDOM.integers(0, 200, rows)
    return np.column_stack([numbers, codes, days, days % 12, days % 7]).astype(np.float32)


def predicted(matrix: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    return np.asarray(np.nan_to_num(matrix[:, 0]) > 0, np.int64)


TRAINING = sample(5_000)
BASELINE = baseline.build(ENCODING, TRAINING, predicted(TRAINING), ["no", "yes"], mask=())


def window(matrix: np.ndarray[Any, Any], hour: str = "2026-11-23T12", **counts: Any) -> Window:
    live = baseline.build(ENCODING, TRAINING, predicted(TRAINING), ["no", "yes"], mask=())
    columns: Counts = {}
    for column, (_, slot) in zip(live.columns, baseline.first_slots(ENCODING), strict=True):
        in_bins, missing, unseen = baseline.count(column.bins, matrix[:, slot])
        columns[column.name] = {"counts": in_bins, "missing": missing, "unseen": unseen}
    in_bins, missing, unseen = baseline.count(live.prediction.bins, predicted(matrix))
    found: Counts = {"sampled": len(matrix), "requests": len(matrix), "columns": columns}
    found["prediction"] = {"counts": in_bins, "missing": missing, "unseen": unseen}
    return Window(hour, hour, found | counts)


def live(window: Window, column: str) -> Counts:
    return branch(branch(window.counts, "columns"), column)


def judge(*windows: Window, min_rows: int = 500) -> dict[str, Any]:
    document: dict[str, Any] = verdict.drift_verdict(
        BASELINE, windows, model="m", version=3, min_rows=min_rows, now=NOW
    ).to_json()
    return document


def drifted(document: dict[str, Any]) -> set[str]:
    return {column["name"] for column in document["columns"] if column["drifted"]}


def test_the_same_distribution_is_quiet() -> None:
    document = judge(window(sample(1_000)), window(sample(1_000)))

    assert document["status"] == "ok"
    assert drifted(document) == set()
    assert document["reasons"] == []
    assert document["window"] == {"from": "2026-11-23T12:00:00.000Z", "to": "2026-11-23T13:00:00.000Z"}
    assert (document["model"], document["version"], document["rows"]) == ("m", 3, 1_000)


def test_a_moderate_shift_is_seen_at_once_and_alarms_the_second_time() -> None:
    shifted, usual = window(sample(1_000, shift=0.5)), window(sample(1_000))

    assert drifted(judge(shifted, usual)) == {"a"}
    assert judge(shifted, usual)["status"] == "ok"
    (reason,) = judge(shifted, usual)["reasons"]
    named, _, told = reason.partition(": ")
    assert set(named.split(", ")) == {"a", "the predictions"}
    assert told == "drifted in this window; an alarm when the next one shows it too"
    again = judge(shifted, window(sample(1_000, shift=0.5)))
    assert again["status"] == "drift"
    assert again["prediction"]["drifted"]
    assert any(reason.startswith("a: values drifted") and "two windows" in reason for reason in again["reasons"])


def test_an_earlier_window_of_too_few_rows_confirms_nothing() -> None:
    shifted = window(sample(1_000, shift=0.5))
    assert judge(shifted, window(sample(499, shift=0.5)))["status"] == "ok"
    assert judge(shifted, window(sample(500, shift=0.5)))["status"] == "drift"


def test_a_large_shift_alarms_at_once() -> None:
    document = judge(window(sample(1_000, shift=2.0)))

    assert document["status"] == "drift"
    assert document["columns"][0]["name"] == "a"
    assert document["columns"][0]["distance"] > 0.3


def test_dates_move_on_without_an_alarm() -> None:
    later = sample(1_000)
    later[:, 2] += 400
    document = judge(window(later), window(later))

    assert document["status"] == "ok"
    assert document["reasons"] == ["when: drifted, as dates do by themselves: no alarm"]
    assert next(column for column in document["columns"] if column["name"] == "when")["informational"]


def test_numbers_that_grow_with_the_rows_move_on_without_an_alarm(monkeypatch: pytest.MonkeyPatch) -> None:
    later = sample(1_000, shift=2.0)
    assert judge(window(later))["status"] == "drift"
    monkeypatch.setitem(globals(), "BASELINE", baseline.without_alarms(BASELINE, {"a"}))
    document = judge(window(later))
    assert next(column for column in document["columns"] if column["name"] == "a")["informational"]
    assert not any(reason.startswith("a: values drifted") for reason in document["reasons"])
    assert any(
        reason.startswith("a: drifted, as numbers of the calendar or that grow") for reason in document["reasons"]
    )


@pytest.mark.parametrize(("change", "cause"), [({"missing": 0.4}, "missing"), ({"unseen": 0.5}, "unseen")])
def test_what_missing_values_or_new_categories_cause_is_a_data_fault(change: dict[str, float], cause: str) -> None:
    broken = window(sample(1_000, **change))
    document = judge(broken, broken)

    assert document["status"] == "data_fault"
    assert cause in {column["cause"] for column in document["columns"]}


def test_a_category_under_a_new_name_is_a_data_fault_though_the_mix_of_the_others_changes_too() -> None:
    renamed = sample(1_000)
    renamed[renamed[:, 1] == 0, 1] = 30
    document = judge(window(renamed), window(renamed))

    column = next(column for column in document["columns"] if column["name"] == "b")
    assert (document["status"], column["cause"]) == ("data_fault", "unseen")


def bringing_new_values(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    column = replace(BASELINE.columns[1], novelty=Novelty(round(2_500 * rate), 2_500))
    known = replace(BASELINE, columns=(BASELINE.columns[0], column, BASELINE.columns[2]))
    monkeypatch.setitem(globals(), "BASELINE", known)


def test_a_column_that_always_brings_new_values_is_no_fault_while_it_does(monkeypatch: pytest.MonkeyPatch) -> None:
    usual = window(sample(1_000, unseen=0.1))
    assert judge(usual, usual)["status"] == "data_fault"
    bringing_new_values(monkeypatch, 0.1)
    assert judge(usual, usual)["status"] == "ok"
    more = window(sample(1_000, unseen=0.2))
    assert judge(more, more)["status"] == "data_fault"


@pytest.mark.parametrize("rate", [0.1, 0.7])
def test_renamed_agents_are_a_fault_however_many_are_usual(monkeypatch: pytest.MonkeyPatch, rate: float) -> None:
    renamed = sample(1_000)
    renamed[:, 1] = 30
    bringing_new_values(monkeypatch, rate)
    document = judge(window(renamed))
    column = next(column for column in document["columns"] if column["name"] == "b")
    assert (document["status"], column["cause"], column["unseen"]) == ("data_fault", "unseen", 1.0)


def test_a_change_of_mix_beside_usual_new_values_is_drift(monkeypatch: pytest.MonkeyPatch) -> None:
    moved = sample(1_000, unseen=0.1)
    moved[moved[:, 1] < 2, 1] = 5
    bringing_new_values(monkeypatch, 0.1)
    document = judge(window(moved), window(moved))
    column = next(column for column in document["columns"] if column["name"] == "b")
    assert (document["status"], column["cause"]) == ("drift", "values")


def test_a_verdict_says_which_cycles_are_unknown_and_keeps_its_status(monkeypatch: pytest.MonkeyPatch) -> None:
    far = window(sample(1_000, shift=2.0))
    assert "season" not in judge(far)
    monkeypatch.setitem(globals(), "BASELINE", replace(BASELINE, season=CyclesSeen(("day", "week"), ("month", "year"))))
    document = judge(far)
    assert document["status"] == "drift"
    assert document["season"] == {"known": ["day", "week"], "unknown": ["month", "year"]}
    assert DriftVerdict.from_json(document).to_json() == document
    assert all("may be a season: the training part has not seen two of a year" in one for one in document["reasons"])
    unseen = window(sample(1_000, unseen=0.5))
    (reason,) = [one for one in judge(unseen)["reasons"] if one.startswith("b: unseen")]
    assert "season" not in reason


def test_few_missing_values_more_are_no_excuse_for_a_shift() -> None:
    shifted = window(sample(1_000, shift=2.0, missing=0.004))

    assert judge(shifted)["status"] == "drift"
    assert {column["cause"] for column in judge(shifted)["columns"] if column["name"] == "a"} == {"values"}


def test_a_season_of_unknown_shift_leaves_the_rank_test_out() -> None:
    known, moved = BASELINE.columns[0], live(window(sample(1_000, shift=0.3)), "a")

    def chance(season: float | None = None, season_shift: float | None = None) -> float:
        column = replace(known, season=season, season_shift=season_shift)
        return comparison._chance(column, comparison.histograms(column, moved))

    both = comparison.histograms(known, moved)
    shape = thresholds.shape_chance(both.baseline, both.window, 0.01)
    assert chance() < 1e-9
    assert chance(season=0.01) == shape
    assert chance(season=0.01, season_shift=0.0) < chance(season=0.01, season_shift=0.04) <= 2 * shape


def test_refused_requests_are_a_data_fault_even_with_few_rows() -> None:
    refusing = window(sample(100), errors={"INVALID_PARAMETER_VALUE": 40})

    assert judge(refusing)["status"] == "data_fault"
    assert "29%" in judge(refusing)["reasons"][0]
    assert judge(window(sample(1_000), errors={"INVALID_PARAMETER_VALUE": 60}))["status"] == "data_fault"
    assert judge(window(sample(1_000), errors={"INVALID_PARAMETER_VALUE": 40}))["status"] == "ok"
    assert judge(window(sample(100), errors={"INVALID_PARAMETER_VALUE": 4}))["status"] == "insufficient_data"
    assert judge(window(sample(100), errors={"NOT_FOUND": 40}))["status"] == "insufficient_data"


def test_too_few_rows_say_so_and_never_drift() -> None:
    document = judge(window(sample(499, shift=3)))

    assert document["status"] == "insufficient_data"
    assert drifted(document) == set()
    assert judge()["status"] == "insufficient_data"
    assert judge()["window"] is None


def test_an_effect_must_also_stand_against_the_number_of_columns() -> None:
    bins = Bins(tuple(float(edge) for edge in range(19)), None)
    known = BaselineColumn("prediction", "number", bins, None, (50,) * 20, 0, 0)
    usual: Counts = {"counts": [25] * 20, "missing": 0, "unseen": 0}
    half = [37, 17, 17, 37, 17, 17, 37, 17, 17, 37]
    odd: Counts = {"counts": half + half[::-1], "missing": 0, "unseen": 0}

    def compare(columns: int) -> comparison.Comparison:
        names = [f"x{at}" for at in range(columns)]
        fitted = Baseline(1_000, tuple(replace(known, name=name) for name in names), known)
        counted: Counts = {name: odd if name == "x0" else usual for name in names}
        found = comparison.compare(fitted, Window("h", "h", {"sampled": 500, "columns": counted}))
        return found[0]

    alone, crowded = compare(1), compare(500)
    assert alone.distance == crowded.distance > alone.threshold
    assert alone.drifted
    assert not crowded.drifted


def test_many_categories_share_twenty_bins() -> None:
    both = comparison.histograms(BASELINE.columns[1], live(window(sample(1_000)), "b"))

    assert len(both.labels) == len(both.baseline) == len(both.window) == 22
    assert both.labels[19:] == ["(other)", "(missing)", "(unseen)"]
    assert (sum(both.baseline), sum(both.window)) == (5_000, 1_000)


def test_columns_that_were_not_captured_are_left_out() -> None:
    bare = window(sample(1_000))
    del branch(bare.counts, "columns")["a"]

    assert {column["name"] for column in judge(bare)["columns"]} == {"b", "when"}
