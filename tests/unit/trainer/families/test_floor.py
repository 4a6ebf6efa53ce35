"""No regression answers below zero where no target is negative, and none is cut where one is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from tests.support.generated_models import boundary_rows, compiled, encoding, replay, signal, vectors
from trainer.families.catalogue import build
from trainer.families.model import Model

ENCODING = encoding()
MATRIX = vectors(ENCODING, 300, 1)
COUNTS = np.maximum(np.rint(2.0 * signal(MATRIX, 1)), 0.0)
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("linear", {}),
    ("linear", {"kind": "quantile", "quantile": 0.1, "alpha": 0.0}),
    ("linear", {"kind": "tweedie", "power": 0}),
    ("hist_gradient_boosting", {"max_iter": 40, "min_samples_leaf": 3}),
    ("gradient_boosting", {"n_estimators": 40, "learning_rate": 0.5}),
]


def uncut(model: Model, rows: np.ndarray) -> np.ndarray:
    return np.asarray(model.estimator.predict(model.preparation.transform(rows)))


@pytest.mark.parametrize(("name", "params"), FAMILIES)
def test_counts_are_never_negative_and_both_engines_agree(name: str, params: dict[str, Any]) -> None:
    model = build(name, "regression", ENCODING, params, 1).fit(MATRIX, COUNTS)
    document, flat = compiled(model, ENCODING)
    rows = np.vstack([vectors(ENCODING, 300, 2, spread=3.0), boundary_rows(document, ENCODING, 3)])
    assert (uncut(model, rows) < 0).any(), "else nothing has to be cut"
    answers = model.predict(rows)
    assert answers.min() == 0.0
    assert replay(model, flat, rows).ok
    batch = rows[np.argsort(uncut(model, rows))[:50]].astype(float).tolist()
    single = [flat.predict([row]).predict[0] for row in batch]
    assert single == pytest.approx(flat.predict(batch).predict, rel=1e-9), "row by row as in a batch"
    assert min(single) == 0.0


def test_cutting_is_never_worse_for_a_target_that_is_not_negative() -> None:
    model = build("linear", "regression", ENCODING, {}).fit(MATRIX, COUNTS)
    before, after = uncut(model, MATRIX), model.predict(MATRIX)
    assert (np.abs(after - COUNTS) <= np.abs(before - COUNTS)).all()
    assert (np.abs(after - COUNTS) < np.abs(before - COUNTS)).any()


@pytest.mark.parametrize("side", ["fitted", "stopped"])
def test_one_negative_target_is_enough_to_cut_nothing(side: str) -> None:
    fitted, held = COUNTS[:200].copy(), COUNTS[200:].copy()
    (fitted if side == "fitted" else held)[0] = -1.0
    model = build("linear", "regression", ENCODING, {}).fit(MATRIX[:200], fitted, validation=(MATRIX[200:], held))
    document, _ = compiled(model, ENCODING)
    assert "floor" not in document
    np.testing.assert_array_equal(model.predict(MATRIX), uncut(model, MATRIX))


def test_classifiers_and_links_that_cannot_be_negative_carry_no_floor() -> None:
    classifier = build("linear", "classification", ENCODING, {}).fit(MATRIX, (COUNTS > 1).astype(int))
    poisson = build("linear", "regression", ENCODING, {"kind": "poisson", "max_iter": 1000}).fit(MATRIX, COUNTS)
    assert all("floor" not in compiled(model, ENCODING)[0] for model in (classifier, poisson))


def test_a_model_that_was_stored_without_a_floor_answers_as_before() -> None:
    model = build("linear", "regression", ENCODING, {}).fit(MATRIX, COUNTS)
    del model.__dict__["floor"]
    np.testing.assert_array_equal(model.predict(MATRIX), uncut(model, MATRIX))
