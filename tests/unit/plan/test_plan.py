from __future__ import annotations

import pytest

from modelloop.errors import DatasetRejectedError
from modelloop.plan import LAMBDA_MEMORY_MB, LAMBDA_SECONDS, check_rows, make_plan


def test_estimates_grow_with_rows_slots_and_classes() -> None:
    plans = [make_plan(rows=rows, columns=20, slots=20, size=1, classes=0) for rows in (10_000, 100_000, 1_000_000)]
    assert [plan.memory_mb for plan in plans] == sorted({plan.memory_mb for plan in plans})
    assert [plan.seconds for plan in plans] == sorted({plan.seconds for plan in plans})
    few, many = (make_plan(rows=100_000, columns=20, slots=20, size=1, classes=classes) for classes in (2, 50))
    assert few.seconds < many.seconds
    assert few.memory_mb < many.memory_mb


def test_a_million_rows_of_twenty_columns_fit_and_the_plan_is_not_below_what_was_measured() -> None:
    plan = make_plan(rows=1_000_000, columns=20, slots=20, size=200_000_000, classes=2)
    assert 1_125 < plan.memory_mb < 6_000
    assert 19 < plan.seconds < 600
    assert plan.runs_on == "lambda"
    assert plan.to_json()["limits"]["memory_mb"] == LAMBDA_MEMORY_MB


def test_beyond_the_limits_is_refused_with_a_size_that_is_accepted() -> None:
    with pytest.raises(DatasetRejectedError, match=r"random sample of at most ([\d,]+) rows") as caught:
        make_plan(rows=50_000_000, columns=30, slots=30, size=1, classes=0)
    words = caught.value.message.split("at most ")[1].split(" rows")[0]
    advised = make_plan(rows=int(words.replace(",", "")), columns=30, slots=30, size=1, classes=0)
    assert advised.memory_mb <= LAMBDA_MEMORY_MB
    assert advised.seconds <= LAMBDA_SECONDS


def test_rows_that_no_width_could_carry_are_refused_before_anything_is_read() -> None:
    check_rows(100_000_000)
    with pytest.raises(DatasetRejectedError, match="the table has 120,000,000 rows; with a single column 111,000,000"):
        check_rows(120_000_000)
    with pytest.raises(DatasetRejectedError):
        make_plan(rows=120_000_000, columns=1, slots=1, size=1, classes=0)


def test_what_needs_more_than_the_default_memory_says_how_much_to_deploy() -> None:
    plan = make_plan(rows=2_000_000, columns=20, slots=20, size=1, classes=0)
    assert plan.advice is not None
    assert "TrainerMemory" in plan.advice
