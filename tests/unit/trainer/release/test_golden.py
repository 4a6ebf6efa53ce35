from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.monitoring.drift import baseline
from modelloop.tables.encoding import Column, Encoding
from tests.support.baselines import baseline_of, numbers
from trainer.release.golden import UNSEEN, cells, golden_rows

if TYPE_CHECKING:
    from modelloop.contracts.baseline import Baseline

ENCODING = Encoding(
    [
        Column("age", "number"),
        Column("member", "boolean"),
        Column("born", "date", origin="2000-01-01"),
        Column("kind", "text", ("red", "green", "rare")),
        Column("secret", "number"),
    ]
)


def profile(rows: int = 400) -> Baseline:
    generator = np.random.default_rng(0)
    kinds = np.where(np.arange(rows) < 5, 2, generator.integers(0, 2, rows))
    matrix = np.column_stack([
        generator.integers(20, 70, rows), generator.integers(0, 2, rows), generator.integers(0, 9000, rows),
        generator.integers(1, 13, rows), generator.integers(0, 7, rows), kinds, generator.normal(size=rows),
    ]).astype(np.float32)  # fmt: skip
    return baseline.build(ENCODING, matrix, kinds, ["a", "b", "c"], {"secret"})


def test_golden_rows_show_every_kind_and_missing_cells() -> None:
    rows = golden_rows(ENCODING, profile(), {"secret"}, rows=24)
    assert {row["member"] for row in rows} == {True, False, None}
    assert {row["kind"] for row in rows} == {"red", "green", UNSEEN, None}
    assert len({row["age"] for row in rows}) > 8
    assert None in {row["born"] for row in rows}


def test_masked_and_rare_values_never_appear() -> None:
    rows = golden_rows(ENCODING, profile(), {"secret"}, rows=40)
    assert {row["secret"] for row in rows} == {None}
    assert "rare" not in {row["kind"] for row in rows}


def test_golden_rows_go_through_the_encoding() -> None:
    rows = golden_rows(ENCODING, profile(), {"secret"})
    read = ENCODING.read(len(rows), cells(rows, ENCODING))
    assert len(read.vectors) == len(rows) == 8
    assert all(len(vector) == len(ENCODING.slots) for vector in read.vectors)


@pytest.mark.parametrize("edges", [[], [1.0], [1e38, 2e38, 3e38], [-1e-30, 1e-30]])
def test_numbers_stay_readable_whatever_the_edges(edges: list[float]) -> None:
    encoding = Encoding([Column("x", "number")])
    rows = golden_rows(encoding, baseline_of(numbers("x", edges)), ())
    encoding.read(len(rows), cells(rows, encoding))


@pytest.mark.parametrize("edges", [[-800_000.0, 4_000_000.0], [0.0, 1.0]])
def test_dates_stay_inside_the_calendar(edges: list[float]) -> None:
    encoding = Encoding([Column("x", "date", origin="2000-01-01")])
    rows = golden_rows(encoding, baseline_of(numbers("x", edges)), ())
    encoding.read(len(rows), cells(rows, encoding))
