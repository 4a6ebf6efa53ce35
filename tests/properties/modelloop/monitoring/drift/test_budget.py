"""How often drift is found where there is none, and how surely where there is some: by simulation, seeds fixed."""

from __future__ import annotations

from collections import Counter
from typing import Any

import numpy as np
import pytest
from sklearn import datasets

from modelloop.tables.encoding import Column, Encoding
from tests.support.drift import lab, worlds

SIZES = [(300, 500), (2_000, 500), (2_000, 1_000), (10_000, 500)]
MIX_BEFORE, MIX_AFTER = (0.5, 0.25, 0.125, 0.125), (0.35, 0.3, 0.2, 0.15)


def false_windows(baseline_rows: int, window_rows: int, windows: int, seed: int = 0) -> int:
    random = np.random.default_rng(seed)
    found = 0
    for _ in range(windows):
        known = lab.learn(lab.draw(random, baseline_rows))
        found += any(one.drifted for one in lab.compare(known, lab.draw(random, window_rows)).values())
    return found


@pytest.mark.parametrize("sizes", SIZES)
def test_one_exchangeable_window_in_a_hundred_at_most_drifts_over_all_columns(sizes: tuple[int, int]) -> None:
    assert false_windows(*sizes, windows=100) <= 1


@pytest.mark.slow
@pytest.mark.parametrize("sizes", SIZES)
def test_the_budget_holds_over_thousands_of_windows(sizes: tuple[int, int]) -> None:
    assert false_windows(*sizes, windows=2_000, seed=1) <= 20


@pytest.mark.parametrize("baseline_rows", [2_000, 10_000])
def test_small_shifts_are_found_in_the_first_thousand_rows(baseline_rows: int) -> None:
    random = np.random.default_rng(1)
    known = lab.learn(lab.draw(random, baseline_rows))
    shifted = mixed = 0
    for _ in range(40):
        matrix = lab.draw(random, 1_000)
        matrix[:, 1] += 0.3
        matrix[:, 9] = random.choice(4, 1_000, p=MIX_AFTER)
        found = lab.compare(known, matrix)
        shifted += found["smooth1"].drifted
        mixed += found["text3"].drifted
    assert shifted >= 38
    assert mixed >= 36


def real_tables() -> list[Any]:
    digits, cancer = datasets.load_digits(), datasets.load_breast_cancer()
    return [pytest.param(digits.data, id="digits"), pytest.param(cancer.data, id="breast cancer")]


@pytest.mark.parametrize("table", real_tables())
def test_exchangeable_windows_of_real_tables_are_quiet(table: Any) -> None:
    encoding = Encoding([Column(f"x{at}", "number") for at in range(table.shape[1])])
    random = np.random.default_rng(4)
    found = 0
    for _ in range(60):
        order = random.permutation(len(table))
        matrix = table[order].astype(np.float32)
        half = len(table) // 2
        known = lab.learn(matrix[:half], encoding)
        found += any(one.drifted for one in lab.compare(known, matrix[half:], encoding).values())
    assert found <= 1


@pytest.mark.parametrize("table", real_tables())
def test_a_shift_of_half_a_deviation_in_a_real_column_is_found(table: Any) -> None:
    encoding = Encoding([Column(f"x{at}", "number") for at in range(table.shape[1])])
    random = np.random.default_rng(5)
    matrix = table[random.permutation(len(table))].astype(np.float32)
    known = lab.learn(matrix[: len(table) // 2], encoding)
    live = matrix[random.integers(len(table) // 2, len(table), 1_000)]
    column = int(np.argmax([len(set(values)) for values in table.T]))
    live[:, column] += 0.5 * table[:, column].std()
    found = lab.compare(known, live, encoding)
    assert found[f"x{column}"].drifted


@pytest.mark.parametrize("table", [pytest.param(one, id=one.name) for one in worlds.made_up()])
def test_verdicts_of_rows_that_nothing_has_seen_are_quiet(table: Any) -> None:
    assert worlds.statuses(table, rows=500, windows=15) == {"ok": 15}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [500, 1_000, 5_000])
def test_one_verdict_in_a_hundred_is_a_false_alarm_at_most(rows: int) -> None:
    found = sum((worlds.statuses(table, rows, windows=200) for table in worlds.tables()), start=Counter())
    assert found.total() == 1_000
    assert found["ok"] >= 990


def test_rows_that_a_caller_repeats_count_as_rows() -> None:
    table, *_ = worlds.made_up()
    found = worlds.statuses(table, rows=500, windows=4, traffic=worlds.with_repeats)
    assert found["ok"] == 0
