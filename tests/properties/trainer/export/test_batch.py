"""Many rows at once: the numpy engine gives the very scores of the row-by-row engine."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from modelloop.flat import batch_scorer
from modelloop.flat.batch import batch_of
from modelloop.tables.block import Block
from tests.support.generated_models import boundary_rows, compiled, fitted, vectors

FUNCTIONS = Path(__file__).parents[4] / "functions"
MODELS: list[tuple[str, str, dict[str, Any], int]] = [
    ("hist_gradient_boosting", "classification", {"max_iter": 9, "max_leaf_nodes": 8, "min_samples_leaf": 2}, 2),
    ("hist_gradient_boosting", "classification", {"max_iter": 5, "max_leaf_nodes": 40, "min_samples_leaf": 2}, 3),
    ("hist_gradient_boosting", "regression", {"max_iter": 5}, 2),
    ("decision_tree", "classification", {"max_leaf_nodes": 64, "min_samples_leaf": 1}, 2),
    ("random_forest", "classification", {"n_estimators": 7, "min_samples_leaf": 1}, 3),
    ("random_forest", "regression", {"n_estimators": 7, "min_samples_leaf": 1}, 2),
    ("extra_trees", "classification", {"n_estimators": 5, "max_leaf_nodes": 12}, 2),
    ("gradient_boosting", "classification", {"n_estimators": 9}, 3),
    ("gradient_boosting", "regression", {"n_estimators": 9, "max_depth": 8}, 2),
]


@pytest.mark.parametrize(("name", "task", "params", "classes"), MODELS)
def test_tree_scores_are_the_same_bits(name: str, task: str, params: dict[str, Any], classes: int) -> None:
    enc, model = fitted(name, task, params, classes=classes, rows=400)
    document, flat = compiled(model, enc)
    rows = np.vstack([vectors(enc, 300, 3, 0.2, 3.0), boundary_rows(document, enc, 4)])
    plain = rows.astype(float).tolist()
    batch = batch_of(flat._form)
    assert batch is not None
    assert batch.raw(rows.astype(np.float64)).tolist() == [flat.raw(vector) for vector in plain]


def test_missing_values_go_their_way_in_large_trees() -> None:
    params = {"max_iter": 3, "max_leaf_nodes": 100, "min_samples_leaf": 1, "categorical_features": None}
    enc, model = fitted("hist_gradient_boosting", "regression", params, missing=0.3, rows=400)
    document, flat = compiled(model, enc)
    assert max(document["sizes"]) > 64
    assert document["missing_left"]
    rows = vectors(enc, 300, 3, 0.4, 3.0)
    batch = batch_of(flat._form)
    assert batch is not None
    assert batch.raw(rows.astype(np.float64)).tolist() == [flat.raw(vector) for vector in rows.astype(float).tolist()]


@pytest.mark.parametrize("classes", [2, 3])
def test_linear_scores_agree_within_rounding(classes: int) -> None:
    enc, model = fitted("linear", "classification", {}, classes=classes)
    _, flat = compiled(model, enc)
    rows = vectors(enc, 200, 3, 0.2, 3.0)
    plain = rows.astype(float).tolist()
    batch = batch_of(flat._form)
    assert batch is not None
    differences = np.abs(batch.raw(rows.astype(np.float64)) - [flat.raw(vector) for vector in plain])
    assert (differences <= [flat.rounding(vector) for vector in plain]).all()


def test_large_trees_with_categories_are_walked_row_by_row() -> None:
    params = {"max_iter": 2, "max_leaf_nodes": 100, "min_samples_leaf": 1}
    enc, model = fitted("hist_gradient_boosting", "regression", params, rows=400)
    _, flat = compiled(model, enc)
    assert batch_of(flat._form) is None


def test_numpy_is_imported_once_scoring_row_by_row_took_as_long(monkeypatch: pytest.MonkeyPatch) -> None:
    enc, model = fitted("gradient_boosting", "regression", {"n_estimators": 5})
    _, flat = compiled(model, enc)
    plain = vectors(enc, 100, 3).astype(float).tolist()
    before = flat.predict(plain)
    monkeypatch.setattr(batch_scorer, "_BUILD_SECONDS", 0.0)
    bought = flat.predict(plain)
    assert flat._batch_scorer._batch is not None
    assert flat.predict(plain[:40]).predict == bought.predict[:40] == before.predict[:40]


@pytest.mark.parametrize(("name", "task", "params", "classes"), [*MODELS, ("linear", "classification", {}, 3)])
def test_slots_in_a_block_give_the_bits_of_rows_in_lists(
    name: str, task: str, params: dict[str, Any], classes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    enc, model = fitted(name, task, params, classes=classes)
    _, flat = compiled(model, enc)
    rows = vectors(enc, 100, 3, 0.2, 3.0)
    block = Block(len(rows), [column.astype(np.float32).tobytes() for column in rows.T])
    few = flat.predict(block[:10])
    monkeypatch.setattr(batch_scorer, "_BUILD_SECONDS", -1.0)
    plain = flat.predict(rows.astype(float).tolist())
    assert flat._batch_scorer._batch is not None
    assert flat.predict(block) == flat.predict(block[:]) == flat.predict(rows.astype(float).tolist())
    assert few.predict == plain.predict[:10]


def test_answering_few_rows_imports_nothing_but_the_standard_library() -> None:
    program = (
        "import sys; from modelloop.flat import load\n"
        "model = load({'format_version': 1, 'form': 'linear', 'task': 'regression', 'classes': 0, 'slots': 1,"
        " 'link': 'identity', 'inclusive': False, 'by_eights': False,"
        " 'intercept': [1.0], 'numbers': [0], 'weights': [[2.0]],"
        " 'missing': [[0.0]], 'categories': [], 'tables': [[]]})\n"
        "assert model.predict([[2.0]] * 1000).predict[0] == 5.0\n"
        "known = {'modelloop', *sys.stdlib_module_names}\n"
        "print(sorted(name for name in sys.modules if name.split('.')[0] not in known and not name.startswith('_')))\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=FUNCTIONS
    )
    assert ran.stdout.strip() == "[]"
