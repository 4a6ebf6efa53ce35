"""Folds follow the rule by which a table was split."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import Split
from tests.support.prepared_tables import document_of, table_facts
from trainer.rows import Contents, Part
from trainer.search.folds import FOLDS, Fold, make_folds
from trainer.table import PreparedTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

ENCODING = Encoding([Column("x", "number")])


def table(
    cells: NDArray[np.float32],
    kind: str = split.CONTENT,
    *,
    target: NDArray[np.float64] | None = None,
    times: NDArray[np.float64] | None = None,
    contents: Contents | None = None,
    groups: NDArray[np.int32] | None = None,
) -> PreparedTable:
    rows = len(cells)
    known = Split(kind, None, 0.2, "s", {}, rule="r")
    facts = table_facts(ENCODING, Spec(), task="regression" if target is None else "classification", split=known)
    part = Part(cells[:, None], np.arange(float(rows)) if target is None else target, times, contents)
    return PreparedTable(document_of(facts), ENCODING, part, np.zeros(rows, np.uint8), groups=groups)


def distinct(rows: int) -> NDArray[np.float32]:
    return np.arange(rows, dtype=np.float32)


def check(folds: list[Fold], rows: int) -> None:
    assert len(folds) == FOLDS
    assert np.sort(np.concatenate([fold.held for fold in folds])).tolist() == list(range(rows))
    for fold in folds:
        assert np.sort(np.concatenate([fold.held, fold.rest])).tolist() == list(range(rows))
        assert np.sort(np.concatenate([fold.fitted, fold.stopping])).tolist() == fold.rest.tolist()


def test_each_row_is_held_once_and_a_fifth_of_the_others_stops() -> None:
    folds = make_folds(table(distinct(200)), 200)
    check(folds, 200)
    assert {len(fold.held) for fold in folds} == {40}
    assert sum(len(fold.stopping) for fold in folds) == pytest.approx(160, abs=20)


def test_folds_are_drawn_by_the_seed_and_the_repeat() -> None:
    first, again, other = (make_folds(table(distinct(100)), 100, repeat) for repeat in (0, 0, 1))
    assert [fold.held.tolist() for fold in first] == [fold.held.tolist() for fold in again]
    assert [fold.held.tolist() for fold in first] != [fold.held.tolist() for fold in other]


def test_only_the_first_rows_are_divided() -> None:
    check(make_folds(table(distinct(200)), 150), 150)


@pytest.mark.parametrize("copies", [True, False])
def test_rows_of_one_content_are_in_one_fold(copies: bool) -> None:
    generator = np.random.default_rng(12)
    codes = generator.permutation(np.repeat(np.arange(40), 5)).astype(np.int32)
    folds = make_folds(table(distinct(200), contents=Contents(codes, copies)), 200)
    check(folds, 200)
    for fold in folds:
        assert not set(codes[fold.rest]) & set(codes[fold.held])
        assert not set(codes[fold.fitted]) & set(codes[fold.stopping])


def test_equal_rows_are_in_one_fold_where_few_repeat() -> None:
    cells = np.repeat(distinct(120), 2)
    for fold in make_folds(table(cells), 240):
        assert not set(cells[fold.rest]) & set(cells[fold.held])


def test_rows_of_a_coarse_table_are_divided_one_by_one() -> None:
    codes = np.repeat(np.arange(4), 50).astype(np.int32)
    folds = make_folds(table(codes.astype(np.float32), split.OCCURRENCE, contents=Contents(codes, copies=False)), 200)
    check(folds, 200)
    assert {len(fold.held) for fold in folds} == {40}


def test_groups_are_not_parted_and_without_them_there_are_no_folds() -> None:
    sizes = np.random.default_rng(2).integers(1, 30, 40)
    groups = np.repeat(np.arange(40), sizes).astype(np.int32)
    rows = len(groups)
    folds = make_folds(table(distinct(rows), split.GROUP, groups=groups), rows)
    check(folds, rows)
    for fold in folds:
        assert not set(groups[fold.rest]) & set(groups[fold.held])
        assert not set(groups[fold.fitted]) & set(groups[fold.stopping])
    assert make_folds(table(distinct(rows), split.GROUP), rows) == []


def test_rows_in_time_are_held_after_those_that_are_fitted() -> None:
    generator = np.random.default_rng(3)
    times = generator.permutation(np.repeat(np.arange(120.0), 2))
    times[:6] = np.nan
    rows = table(distinct(240), split.TIME, times=times)
    folds = make_folds(rows, 240)
    assert len(folds) == FOLDS
    for fold in folds:
        assert np.nanmax(times[fold.fitted]) < times[fold.stopping].min()
        assert times[fold.stopping].max() < times[fold.held].min()
        assert set(range(6)) <= set(fold.fitted.tolist())
    assert not any(np.isin(np.argsort(times)[:30], fold.held).any() for fold in folds)
    assert make_folds(rows, 240, repeat=1) == []


def test_classes_are_spread_and_a_class_that_a_fold_lacks_leaves_no_folds() -> None:
    target = (np.arange(200) < 20).astype(float)
    for fold in make_folds(table(distinct(200), target=target), 200):
        assert target[fold.held].sum() == 4
    assert make_folds(table(distinct(200), target=(np.arange(200) < 1).astype(float)), 200) == []


def test_too_few_moments_make_no_folds() -> None:
    assert make_folds(table(distinct(60), split.TIME, times=np.repeat([1.0, 2.0], 30)), 60) == []
    assert make_folds(table(distinct(60), split.TIME, times=np.full(60, np.nan)), 60) == []
