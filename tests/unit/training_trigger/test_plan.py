from __future__ import annotations

import re
from dataclasses import asdict, replace

import pytest

from modelloop.errors import DatasetRejectedError
from modelloop_stack.build.paths import ROOT
from training_trigger.plan import (
    BASE_SECONDS,
    DISK_TIMES,
    FIT_SECONDS_A_CELL,
    LAMBDA_MEMORY_MB,
    LAMBDA_SECONDS,
    MEMORY_HEADROOM,
    Need,
    check_rows,
    check_size,
    make_plan,
)

DEPLOYED = 3_008
MILLION = Need(rows=1_000_000, columns=20, slots=26, classes=2)


def test_needs_grow_with_rows_slots_classes_and_families() -> None:
    for greater in (
        replace(MILLION, rows=2_000_000), replace(MILLION, slots=27), replace(MILLION, classes=3),
    ):  # fmt: skip
        assert greater.memory_mb > MILLION.memory_mb
        assert greater.seconds > MILLION.seconds
    assert replace(MILLION, families=("linear",)).seconds < MILLION.seconds
    assert replace(MILLION, families=("linear",)).memory_mb == MILLION.memory_mb


def test_a_family_that_was_never_measured_is_taken_for_the_slowest_one() -> None:
    slowest = max(FIT_SECONDS_A_CELL, key=lambda name: FIT_SECONDS_A_CELL[name])
    unknown = replace(MILLION, families=("sklearn.svm.SVR",))
    assert unknown.seconds == replace(MILLION, families=(slowest,)).seconds


def test_a_brought_model_fits_nothing() -> None:
    assert replace(MILLION, families=()).seconds < replace(MILLION, families=("decision_tree",)).seconds


def test_a_million_rows_of_twenty_columns_fit_the_default_function() -> None:
    plan = make_plan(MILLION, size=200_000_000, memory_mb=DEPLOYED)
    assert (plan.rows, plan.slots, plan.bytes, plan.classes) == (1_000_000, 26, 200_000_000, 2)
    document = asdict(plan)
    assert document["memory_mb"] == round(MILLION.memory_mb)
    assert document["seconds"] == round(MILLION.seconds)
    assert document["limits"] == {
        "memory_mb": DEPLOYED, "most_memory_mb": LAMBDA_MEMORY_MB, "seconds": LAMBDA_SECONDS,
    }  # fmt: skip


def test_folds_and_a_refit_are_planned_where_they_are_made_and_take_at_most_half_a_minute() -> None:
    def spent_beyond_one_fit(rows: int) -> float:
        return replace(MILLION, rows=rows).seconds - BASE_SECONDS - rows * MILLION._seconds_a_row

    fit = MILLION.slots * (FIT_SECONDS_A_CELL["linear"] + FIT_SECONDS_A_CELL["hist_gradient_boosting"])
    assert spent_beyond_one_fit(10_000) == pytest.approx(10.25 * 10_000 * fit)
    assert spent_beyond_one_fit(100_000) == pytest.approx(2.05 * 100_000 * fit)
    assert spent_beyond_one_fit(1_000_000) == pytest.approx(0.0)
    assert replace(MILLION, rows=200_000, slots=900).seconds - replace(MILLION, rows=300_000, slots=600).seconds < 31.0


def edge(memory_mb: int) -> Need:
    """Return the largest table that a function of so much memory takes."""
    return replace(MILLION, rows=MILLION.max_rows(memory_mb))


@pytest.mark.parametrize("memory_mb", [1_024, DEPLOYED, LAMBDA_MEMORY_MB])
def test_the_last_row_that_fits_is_taken_and_the_next_thousand_is_not(memory_mb: int) -> None:
    largest = edge(memory_mb)
    assert make_plan(largest, size=1, memory_mb=memory_mb).seconds < LAMBDA_SECONDS
    assert largest.memory_mb <= memory_mb * MEMORY_HEADROOM
    with pytest.raises(DatasetRejectedError):
        make_plan(replace(largest, rows=largest.rows + 1_000), size=1, memory_mb=memory_mb)


def test_what_the_deployed_function_cannot_hold_says_what_to_deploy_and_that_is_enough() -> None:
    wanted = replace(MILLION, rows=edge(DEPLOYED).rows * 2)
    with pytest.raises(DatasetRejectedError) as caught:
        make_plan(wanted, size=1, memory_mb=DEPLOYED)
    found = re.search(r"TrainerMemory of at least ([\d,]+) MB, or .* at most ([\d,]+) rows", caught.value.message)
    assert found is not None, caught.value.message
    memory, rows = (int(number.replace(",", "")) for number in found.groups())
    assert make_plan(wanted, size=1, memory_mb=memory)
    assert make_plan(replace(wanted, rows=rows), size=1, memory_mb=DEPLOYED)


@pytest.mark.parametrize("families", [("linear",), ("gradient_boosting",)])
def test_what_no_function_could_train_is_only_told_how_far_to_cut(families: tuple[str, ...]) -> None:
    wanted = replace(MILLION, rows=80_000_000, families=families)
    with pytest.raises(DatasetRejectedError) as caught:
        make_plan(wanted, size=1, memory_mb=LAMBDA_MEMORY_MB)
    assert "TrainerMemory" not in caught.value.message
    (rows,) = re.findall(r"at most ([\d,]+) rows", caught.value.message)
    assert make_plan(replace(wanted, rows=int(rows.replace(",", ""))), size=1, memory_mb=LAMBDA_MEMORY_MB)


def test_what_lacks_time_is_not_told_to_deploy_more_memory() -> None:
    slow = replace(MILLION, families=("gradient_boosting",), rows=10_000_000)
    with pytest.raises(DatasetRejectedError) as caught:
        make_plan(slow, size=1, memory_mb=DEPLOYED)
    assert "TrainerMemory" not in caught.value.message


def test_what_intake_cannot_hold_is_refused_whatever_the_trainer_has() -> None:
    wanted = replace(MILLION, rows=9_000_000, families=("linear",))
    assert wanted.memory_mb < LAMBDA_MEMORY_MB * MEMORY_HEADROOM
    with pytest.raises(DatasetRejectedError, match=r"preparing them would take 3,084 MB, and intake has 3,008 MB"):
        make_plan(wanted, size=1, memory_mb=LAMBDA_MEMORY_MB)


def test_rows_that_no_width_could_carry_are_refused_before_anything_is_read() -> None:
    most = Need(1_000_000, 1, 1, 0).max_rows(LAMBDA_MEMORY_MB)
    check_rows(most)
    with pytest.raises(DatasetRejectedError, match=r"rows; with a single column [\d,]+ could be trained on"):
        check_rows(most + 1_000_000)


def test_a_file_that_intake_has_no_room_for_is_refused_before_it_is_read() -> None:
    check_size(1_000_000_000, 4_096)
    with pytest.raises(DatasetRejectedError, match="deploy with a larger TrainerStorage"):
        check_size(2_000_000_000, 4_096)


def test_the_documented_sizes_are_those_that_are_taken() -> None:
    text = (ROOT / "infra" / "docs" / "settings.md").read_text()
    rows = re.findall(r"^\| ([\d,]+) \| ([\d,]+) \| ([\d,]+) \|$", text, re.MULTILINE)
    wide = replace(MILLION, columns=100, slots=130)
    assert [[int(cell.replace(",", "")) for cell in row] for row in rows] == [
        [memory, *(need.max_rows(memory) // 1_000 * 1_000 for need in (MILLION, wide))]
        for memory in (1_024, 3_008, 6_144, 10_240)
    ]
    ten = replace(MILLION, classes=10).max_rows(LAMBDA_MEMORY_MB)
    assert f"at ten, {ten // 1_000 * 1_000:,} rows" in text
    for storage, gigabytes in ((4_096, "1.6"), (10_240, "4.1")):
        assert f"{storage / DISK_TIMES / 1_000:.2g}" == gigabytes
        assert f"{gigabytes} GB" in text
