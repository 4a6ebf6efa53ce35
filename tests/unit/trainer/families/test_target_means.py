"""Values of text as shrunken deviations of the target, and for rows to fit on those that other rows gave."""

from __future__ import annotations

import numpy as np
import pytest

from trainer.families.target_means import FOLDS, InnerFolds, TargetMeans, deviations

ROWS, CODES = 3000, 41  # the last code is for other values
GENERATOR = np.random.default_rng(1)
COLUMN = GENERATOR.integers(0, CODES, ROWS).astype(np.float32)
COLUMN[::50] = np.nan
NOISE = GENERATOR.normal(size=ROWS)
EFFECTS = np.random.default_rng(2).normal(size=CODES)
TARGET = np.where(np.isnan(COLUMN), 0.0, EFFECTS[np.nan_to_num(COLUMN).astype(int)]) + NOISE
ONES = np.ones(ROWS)
MATRIX = np.column_stack([NOISE, COLUMN]).astype(np.float32)


def means() -> TargetMeans:
    return TargetMeans({1: CODES})


def test_deviations_are_those_of_a_random_effects_model() -> None:
    found = deviations(COLUMN, TARGET, ONES, CODES)
    groups = [TARGET[code == COLUMN] for code in range(CODES - 1)]
    counts = np.array([len(group) for group in groups])
    inside = sum(((group - group.mean()) ** 2).sum() for group in groups) / (counts.sum() - len(groups))
    centre = np.concatenate(groups).mean()
    among = sum(len(group) * (group.mean() - centre) ** 2 for group in groups)
    between = (among - (len(groups) - 1) * inside) / (counts.sum() - (counts**2).sum() / counts.sum())
    wanted = [
        len(group) * between / (len(group) * between + inside) * (group.mean() - TARGET.mean()) for group in groups
    ]
    np.testing.assert_allclose(found[:-1], wanted, rtol=1e-3)
    assert found[-1] == 0.0, "rare and unseen values are like the whole"


def test_values_that_tell_nothing_are_like_the_whole() -> None:
    largest = [
        np.abs(deviations(COLUMN, np.random.default_rng(seed).normal(size=ROWS), ONES, CODES)).max()
        for seed in range(20)
    ]
    assert largest.count(0.0) >= 18
    assert max(largest) < 0.15, "raw means of 70 rows would lie up to 0.3 off"


def test_deviations_are_rounded_to_four_digits() -> None:
    found = deviations(COLUMN, 1e6 + TARGET, ONES, CODES)
    assert all(np.float32(f"{value:.4g}") == value for value in found.tolist())
    np.testing.assert_allclose(found, deviations(COLUMN, TARGET, ONES, CODES), atol=2e-3)


def test_rows_of_no_weight_are_as_good_as_absent() -> None:
    kept = NOISE > 0
    found = deviations(COLUMN, np.where(kept, TARGET, 1e9), kept.astype(float), CODES)
    np.testing.assert_array_equal(found, deviations(COLUMN[kept], TARGET[kept], ONES[kept], CODES))


@pytest.mark.parametrize("column", [np.full(ROWS, np.nan), np.full(ROWS, CODES - 1.0), np.zeros(ROWS), np.arange(ROWS)])
def test_columns_without_spread_have_no_deviations(column: np.ndarray) -> None:
    found = deviations(column.astype(np.float32), TARGET, ONES, ROWS + 1)
    np.testing.assert_array_equal(found, np.zeros(ROWS + 1))


def test_a_rows_own_label_says_nothing_about_its_own_encoding() -> None:
    encoded = means().fit_transform(MATRIX, TARGET)
    for row in (1, 2, 3):
        other = TARGET.copy()
        other[row] += 100.0
        assert means().fit_transform(MATRIX, other)[row, 1] == encoded[row, 1]
        assert (means().fit_transform(MATRIX, other)[:, 1] != encoded[:, 1]).any()


def test_everything_else_reads_the_table_of_all_rows() -> None:
    fitted = means()
    encoded = fitted.fit_transform(MATRIX, TARGET)
    read = fitted.transform(MATRIX)
    table = deviations(COLUMN, TARGET, ONES, CODES)
    present = ~np.isnan(COLUMN)
    np.testing.assert_array_equal(read[present, 1], table[COLUMN[present].astype(int)])
    assert (encoded[present, 1] != read[present, 1]).any()
    for matrix in (encoded, read):
        np.testing.assert_array_equal(matrix[:, 0], MATRIX[:, 0])
        assert np.isnan(matrix[~present, 1]).all(), "missing stays missing"
    assert means().fit(MATRIX, TARGET).tables_[1].tolist() == table.tolist()


def test_rows_in_time_learn_from_earlier_ones_only() -> None:
    numbers = np.arange(ROWS) // 300
    encoded = means().fit_transform(MATRIX, TARGET, None, InnerFolds(numbers, ordered=True))
    later = np.where(numbers > 4, TARGET + 5.0, TARGET)
    np.testing.assert_array_equal(
        means().fit_transform(MATRIX, later, None, InnerFolds(numbers, ordered=True))[numbers <= 4],
        encoded[numbers <= 4],
    )
    first = encoded[numbers == 0, 1]
    assert (first[~np.isnan(first)] == 0.0).all(), "nothing lies before the first block"
    assert (encoded[numbers == 5, 1] != 0.0).any()


def test_rows_of_one_fold_say_nothing_of_each_other() -> None:
    numbers = np.arange(ROWS) % FOLDS
    encoded = means().fit_transform(MATRIX, TARGET, None, InnerFolds(numbers))
    changed = means().fit_transform(MATRIX, np.where(numbers == 2, TARGET[::-1], TARGET), None, InnerFolds(numbers))
    np.testing.assert_array_equal(changed[numbers == 2], encoded[numbers == 2])
