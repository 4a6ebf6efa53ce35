"""Large tables are worked on part by part: the answers are those of all rows at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import ensemble

from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import document_of, table_facts
from trainer.evaluation import predictors
from trainer.evaluation.predictors import Estimator
from trainer.families import preparation
from trainer.families.catalogue import build
from trainer.families.model import Model
from trainer.families.preparation import Filled, Native, OneHot
from trainer.rows import Part
from trainer.table import order_rows

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

CODES = [0, 0, 3, 0, 5]
ENCODING = Encoding([
    Column("a", "number"), Column("b", "number"), Column("c", "text", ("x", "y")), Column("d", "number"),
    Column("e", "text", ("p", "q", "r", "s")),
])  # fmt: skip
LEAST = {"n_estimators": 2, "random_state": 0}


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    with predictors.limit_threads(1):
        yield


def rows(many: int) -> NDArray[np.float32]:
    generator = np.random.default_rng(3)
    slots = [generator.integers(0, codes, many) if codes else generator.normal(size=many) for codes in CODES]
    matrix = np.column_stack(slots).astype(np.float32)
    matrix[generator.random(matrix.shape) < 0.1] = np.nan
    return matrix


@pytest.mark.parametrize(
    "made",
    [Filled(CODES), OneHot(CODES), OneHot(CODES, dense=True), OneHot([0] * 5), OneHot([3] * 5)],
    ids=["filled", "sparse", "dense", "numbers", "categories"],
)
def test_preparing_part_by_part_prepares_the_same(made: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = rows(100)
    if made.codes == [3] * 5:
        matrix = np.nan_to_num(matrix[:, [2]]).repeat(5, axis=1)
    whole = made.fit(matrix).transform(matrix)
    monkeypatch.setattr(preparation, "AT_ONCE", 7)
    parts = made.fit(matrix).transform(matrix)
    if hasattr(whole, "toarray"):
        assert (whole.indptr.dtype, whole.nnz) == (parts.indptr.dtype, parts.nnz)
        whole, parts = whole.toarray(), parts.toarray()
    assert parts.dtype == whole.dtype
    assert np.array_equal(parts, whole, equal_nan=True)
    assert not np.isnan(parts).any()


@pytest.mark.parametrize("family", ["hist_gradient_boosting", "linear"])
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_answering_part_by_part_answers_the_same(family: str, task: str, monkeypatch: pytest.MonkeyPatch) -> None:
    matrix = rows(300)
    target = np.nan_to_num(matrix[:, 0]) + np.nan_to_num(matrix[:, 1])
    truth = (target > 0).astype(np.int64) if task == "classification" else target.astype(np.float64)
    params = {"max_iter": 10} if family == "hist_gradient_boosting" else None
    model = build(family, task, ENCODING, params, 0).fit(matrix, truth)
    whole = Estimator(model, task).predict(Part(matrix, truth.astype(np.float64)))
    monkeypatch.setattr(predictors, "AT_ONCE", 64)
    parts = Estimator(model, task).predict(Part(matrix, truth.astype(np.float64)))
    assert np.allclose(parts.predicted, whole.predicted, rtol=1e-13, atol=0)
    if whole.proba is not None:
        assert parts.proba is not None
        assert np.allclose(parts.proba, whole.proba, rtol=1e-13, atol=0)


@pytest.mark.parametrize(
    ("estimator", "tied"),
    [
        (ensemble.HistGradientBoostingClassifier(max_iter=1), True),
        (ensemble.GradientBoostingClassifier(n_estimators=1), True),
        (ensemble.RandomForestClassifier(bootstrap=False, max_features=None, **LEAST), True),
        (ensemble.ExtraTreesClassifier(max_features=None, **LEAST), True),
        (ensemble.HistGradientBoostingClassifier(max_iter=5), False),
    ],
)
@pytest.mark.parametrize("classes", [2, 3])
def test_labels_from_probabilities_are_the_estimators_own(estimator: Any, tied: bool, classes: int) -> None:
    many = 60 * classes
    signal = np.zeros(many) if tied else np.random.default_rng(0).normal(size=many)
    matrix = np.column_stack([signal, signal]).astype(np.float32)
    truth = np.arange(many) % classes if tied else np.digitize(signal, [-0.4, 0.4][: classes - 1])
    model = Model(estimator, Native()).fit(matrix, truth)
    proba = model.predict_proba(matrix)
    assert (np.ptp(proba, axis=1) < 1e-9).all() == tied
    assert model.labels(matrix, proba).tolist() == estimator.predict(matrix).tolist()


def test_rows_lie_in_the_order_of_their_sides_and_sides_share_their_memory() -> None:
    matrix = np.arange(12, dtype=np.float32).reshape(6, 2)
    sides = np.array([HOLDOUT, TRAIN, VALIDATION, TRAIN, HOLDOUT, VALIDATION], np.uint8)
    slices = np.arange(6, dtype=np.int16)[:, None]
    table = order_rows(document_of(table_facts(ENCODING)), Part(matrix, np.arange(6.0)), sides, slices)
    assert [part.target.tolist() for part in (table.train, table.validation, table.holdout)] == [[1, 3], [2, 5], [0, 4]]
    assert table.slices is not None
    assert table.slices[:, 0].tolist() == table.rows.target.tolist() == [1, 3, 2, 5, 0, 4]
    assert np.array_equal(table.holdout.matrix, matrix[[0, 4]])
    assert all(np.shares_memory(part.matrix, table.rows.matrix) for part in (table.train, table.holdout))
