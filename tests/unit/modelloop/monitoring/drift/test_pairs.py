from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop.contracts.baseline import baseline_from_json
from modelloop.contracts.pairs import MAX_GROUPS, cells_of, pairs_of
from modelloop.monitoring.drift import baseline, pairs
from modelloop.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline
    from modelloop.contracts.pairs import Pairs

RANDOM = np.random.default_rng(11)
ROWS = 2_000
MANY = [f"x{at}" for at in range(20)]


def many() -> NDArray[np.float32]:
    """Independent columns, but for x19, which is x0's twin, and x18, which follows x1."""
    matrix = RANDOM.normal(size=(ROWS, 20))
    matrix[:, 19], matrix[:, 18] = 2 * matrix[:, 0] + 1, matrix[:, 1] + RANDOM.normal(size=ROWS)
    return matrix.astype(np.float32)


def learned(
    encoding: Encoding, matrix: NDArray[np.float32], important: list[str], mask: tuple[str, ...] = (), **times: Any
) -> Baseline:
    answers = (np.nan_to_num(matrix[:, 0]) > 0).astype(np.int64)
    known = baseline.build(encoding, matrix, answers, ["no", "yes"], mask)
    rows = pairs.AnsweredRows(matrix, answers, **times)
    return pairs.with_pairs(known, encoding, important, rows, rows)


def paired(known: Baseline) -> Pairs:
    assert known.pairs is not None
    return known.pairs


def test_the_eight_most_important_columns_and_their_twins_are_paired_with_each_other_and_the_predictions() -> None:
    encoding = Encoding([Column(name, "number") for name in MANY])
    known = paired(learned(encoding, many(), MANY[:15]))
    names = [column.shown for column in known.columns]
    assert names[:8] == MANY[:8]
    assert set(names[8:10]) == {"x18", "x19"}
    assert (len(names), names[-1]) == (13, "(prediction)")
    assert len(known.counts) == cells_of(known.columns) <= 78 * MAX_GROUPS**2


def test_what_is_masked_or_raises_no_alarm_or_says_nothing_is_not_paired() -> None:
    encoding = Encoding([
        Column("a", "number"), Column("secret", "number"), Column("when", "date", origin="2026-01-01"),
        Column("same", "number"), Column("id", "number"), Column("b", "number"),
    ])  # fmt: skip
    matrix = RANDOM.normal(size=(ROWS, len(encoding.slots))).astype(np.float32)
    slots = {column.name: slot for column, slot in baseline.first_slots(encoding)}
    matrix[:, slots["same"]] = 3
    answers = np.zeros(ROWS)
    known = baseline.build(encoding, matrix, answers, ["only"], ("secret",))
    known = baseline.without_alarms(known, {"id"})
    rows = pairs.AnsweredRows(matrix, answers)
    found = pairs.with_pairs(known, encoding, ["secret", "b", "id"], rows, rows)
    assert [column.name for column in paired(found).columns] == ["b", "a"]
    assert b"secret" not in orjson.dumps(found.to_json())


def test_a_single_column_makes_no_pairs() -> None:
    encoding = Encoding([Column("a", "number")])
    matrix = RANDOM.normal(size=(ROWS, 1)).astype(np.float32)
    known = baseline.build(encoding, matrix, np.zeros(ROWS), ["only"], ())
    rows = pairs.AnsweredRows(matrix, np.zeros(ROWS))
    assert pairs.with_pairs(known, encoding, [], rows, rows) == known


@pytest.fixture(name="mixed")
def _mixed() -> tuple[Encoding, NDArray[np.float32]]:
    encoding = Encoding([
        Column("a", "number"), Column("b", "text", tuple("pqrstuv")), Column("c", "boolean"),
    ])  # fmt: skip
    numbers = RANDOM.normal(size=ROWS)
    numbers[RANDOM.random(ROWS) < 0.1] = np.nan
    codes = np.minimum(RANDOM.geometric(0.3, ROWS) - 1, 7).astype(float)
    codes[RANDOM.random(ROWS) < 0.05] = np.nan
    return encoding, np.column_stack([numbers, codes, RANDOM.random(ROWS) < 0.3]).astype(np.float32)


def test_missing_and_unseen_are_bins_of_their_own(mixed: tuple[Encoding, NDArray[np.float32]]) -> None:
    encoding, matrix = mixed
    known = learned(encoding, matrix, ["a", "b", "c"])
    number, text, flag, answer = paired(known).columns
    assert [column.size for column in (number, text, flag, answer)] == [6, 6, 4, 4]
    assert number.groups[-2] == 5
    assert text.groups == (0, 1, 2, 3, 3, 3, 3, 4, 5)
    first = next(pairs_of(paired(known).columns))
    cells = np.array(paired(known).counts[first.cells]).reshape(6, 6)
    assert cells.sum() == ROWS
    assert cells[5].sum() == np.isnan(matrix[:, 0]).sum()
    assert cells[:, 4].sum() == np.isnan(matrix[:, 1]).sum()
    assert cells[:, 5].sum() == (matrix[:, 1] == 7).sum()
    assert cells[5, 4] == (np.isnan(matrix[:, 0]) & np.isnan(matrix[:, 1])).sum()


def test_counts_of_parts_add_up_to_those_of_the_whole(mixed: tuple[Encoding, NDArray[np.float32]]) -> None:
    encoding, matrix = mixed
    known = paired(learned(encoding, matrix, ["a", "b", "c"]))
    codes = [RANDOM.integers(-1, column.size, 500).astype(np.int8) for column in known.columns]
    whole = pairs.count(known.columns, codes)
    parts = [pairs.count(known.columns, [own[at::3] for own in codes]) for at in range(3)]
    assert np.sum(parts, axis=0).tolist() == whole
    for pair in pairs_of(known.columns):
        told = (codes[pair.first] >= 0) & (codes[pair.second] >= 0)
        assert sum(whole[pair.cells]) == told.sum()


def test_answers_are_paired_over_the_rows_that_the_version_was_not_fitted_on(
    mixed: tuple[Encoding, NDArray[np.float32]],
) -> None:
    encoding, matrix = mixed
    answers = np.arange(ROWS) % 2
    own, unseen = (
        pairs.AnsweredRows(matrix[:1_500], answers[:1_500]),
        pairs.AnsweredRows(matrix[1_500:], answers[1_500:]),
    )
    known = baseline.build(encoding, own.matrix, own.predictions, ["no", "yes"], ())
    found = paired(pairs.with_pairs(known, encoding, ["a", "b", "c"], own, unseen))
    rows = {pair[:2]: sum(found.counts[pair.cells]) for pair in pairs_of(found.columns)}
    assert rows == {(0, 1): 1_500, (0, 2): 1_500, (1, 2): 1_500, (0, 3): 500, (1, 3): 500, (2, 3): 500}


def test_a_baseline_with_pairs_is_written_back_as_it_was(mixed: tuple[Encoding, NDArray[np.float32]]) -> None:
    known = learned(*mixed, important=["a", "b", "c"], times=np.arange(ROWS, dtype=float))
    assert paired(known).seasons is not None
    document = orjson.loads(orjson.dumps(known.to_json()))
    assert baseline_from_json(document) == known


def test_what_goes_together_otherwise_by_hour_of_day_is_a_season_and_what_does_not_is_none() -> None:
    rows = 6_000
    encoding = Encoding([Column(name, "number") for name in "abc"])
    times = np.arange(rows) * 3_600.0 + 1.7e9
    night = (times // 3_600 % 24) < 8
    matrix = RANDOM.normal(size=(rows, 3))
    matrix[:, 1] = np.where(night, 0.9, 0.1) * matrix[:, 0] + RANDOM.normal(size=rows)
    known = paired(learned(encoding, matrix.astype(np.float32), [], times=times))
    assert known.seasons is not None
    seasons = dict(zip([pair[:2] for pair in pairs_of(known.columns)], known.seasons, strict=True))
    assert seasons[0, 1] > 0.05
    assert seasons[0, 2] == seasons[1, 2] == 0
