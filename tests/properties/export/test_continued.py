"""A model that went on from a fitted one is the function that it claims to be, and is exported as exactly."""

from __future__ import annotations

import warnings
from io import BytesIO
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from modelloop.errors import CannotContinueError
from tests.properties.export.generated import compiled, encoding, fitted, prove, signal, target, vectors
from trainer.families import Model, build
from trainer.families.coefficients import translate
from trainer.families.continuing import Rows, go_on

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding

BOOSTING = [
    ("hist_gradient_boosting", {"max_iter": 8, "min_samples_leaf": 3}),
    ("hist_gradient_boosting", {"max_iter": 8, "min_samples_leaf": 3, "max_features": 0.5}),
    ("gradient_boosting", {"n_estimators": 8}),
    ("gradient_boosting", {"n_estimators": 8, "subsample": 0.6}),
]
FORESTS = [("random_forest", {"n_estimators": 7}), ("extra_trees", {"n_estimators": 7, "min_samples_leaf": 1})]
LINEAR = [("linear", {}), ("linear", {"l1_ratio": 1.0, "solver": "saga", "C": 0.1})]
CONVEX = [
    ("linear", "classification", {"tol": 1e-8}),
    ("linear", "regression", {"kind": "lasso", "alpha": 0.01, "tol": 1e-7}),
    ("linear", "regression", {"kind": "elastic_net", "alpha": 0.01, "tol": 1e-7}),
    ("linear", "regression", {"kind": "huber", "tol": 1e-8, "max_iter": 1000}),
    ("linear", "regression", {"kind": "poisson", "tol": 1e-9, "max_iter": 1000}),
    ("linear", "regression", {"kind": "gamma", "tol": 1e-9, "max_iter": 1000}),
    ("linear", "regression", {"kind": "tweedie", "power": 1.5, "tol": 1e-9, "max_iter": 1000}),
]


def moved(enc: Encoding, rows: int, seed: int, task: str = "classification", classes: int = 2) -> Rows:
    """Rows of another distribution: wider and elsewhere, so that no bin, median or scale is what it was."""
    parts = []
    for place in range(2):
        matrix = vectors(enc, rows, seed + place, spread=1.3)
        numbers = [slot for slot, one in enumerate(enc.slots) if one.kind == "number"]
        matrix[:, numbers] += np.float32(0.5)
        parts.append((matrix, target(signal(matrix, seed), task, classes)))
    return Rows(*parts[0], validation=parts[1])


def resumed(
    name: str, task: str, params: dict[str, Any], *, classes: int = 2, seed: int = 5, rows: Rows | None = None
) -> tuple[Encoding, Model, Model, Rows]:
    """A fitted model as it was kept, the model that went on from it, and the rows that it went on with."""
    enc, earlier = fitted(name, task, params, classes=classes)
    rows = rows or moved(enc, 400, seed, task, classes)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # tiny fits do not converge, and need not
        model, _ = go_on(_kept(earlier), build(name, task, enc, params, seed=9), rows, 9)
    return enc, earlier, _kept(model), rows


def _kept(model: Model) -> Model:
    buffer = BytesIO()
    joblib.dump(model, buffer)
    buffer.seek(0)
    loaded: Model = joblib.load(buffer)
    return loaded


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("name", "params"), [*BOOSTING, *FORESTS, *LINEAR])
def test_continued_classifiers_are_reproduced(name: str, params: dict[str, Any], classes: int) -> None:
    enc, _, model, _ = resumed(name, "classification", params, classes=classes)
    prove(model, enc, seed=21)


@pytest.mark.parametrize(("name", "params"), [
    *BOOSTING, *FORESTS, *((name, params) for name, task, params in CONVEX if task == "regression"),
    ("hist_gradient_boosting", {"max_iter": 8, "loss": "poisson", "min_samples_leaf": 3}),
    ("hist_gradient_boosting", {"max_iter": 8, "loss": "absolute_error", "min_samples_leaf": 3}),
    ("gradient_boosting", {"n_estimators": 8, "loss": "huber"}),
])  # fmt: skip
def test_continued_regressors_are_reproduced(name: str, params: dict[str, Any]) -> None:
    enc, _, model, _ = resumed(name, "regression", params)
    prove(model, enc, seed=22)


@pytest.mark.parametrize(("name", "params"), BOOSTING)
def test_boosting_keeps_its_trees_and_adds_some(name: str, params: dict[str, Any]) -> None:
    enc, earlier, model, _ = resumed(name, "classification", params)
    (before, _), (after, _) = compiled(earlier, enc), compiled(model, enc)
    for array in ("feature", "number", "sizes", "cover"):
        assert after[array][: len(before[array])] == before[array]
    assert after["base"] == before["base"]
    assert len(before["sizes"]) < len(after["sizes"]) <= len(before["sizes"]) * 3 // 2
    assert model.estimator.get_params()["warm_start"] is False


@pytest.mark.parametrize("name", ["hist_gradient_boosting", "gradient_boosting"])
def test_the_first_new_tree_learns_from_what_the_earlier_model_really_says(name: str) -> None:
    size = "max_iter" if name == "hist_gradient_boosting" else "n_estimators"
    params = {size: 3, "learning_rate": 0.5}
    _, earlier, model, rows = resumed(name, "regression", params)
    assert model.estimator.get_params()[size] == 3
    said, now = earlier.predict(rows.matrix), model.predict(rows.matrix)
    step, residual = now - said, rows.target - said
    leaves = np.unique(step.round(9), return_inverse=True)[1]
    assert leaves.max() > 2
    for leaf in range(leaves.max() + 1):
        here = leaves == leaf
        assert step[here].mean() == pytest.approx(0.5 * residual[here].mean(), rel=1e-5, abs=1e-7)


@pytest.mark.parametrize(("name", "params"), BOOSTING)
def test_going_on_with_the_same_rows_is_one_long_fit(name: str, params: dict[str, Any]) -> None:
    enc = encoding()
    matrix = vectors(enc, 300, 0)
    wanted = target(signal(matrix, 0), "classification", 2)
    rows = Rows(matrix, wanted, (matrix, wanted))
    size = "max_iter" if name == "hist_gradient_boosting" else "n_estimators"
    long = build(name, "classification", enc, params | {size: 12}).fit(matrix, wanted, validation=rows.validation)
    short = build(name, "classification", enc, params).fit(matrix, wanted, validation=rows.validation)
    model, told = go_on(_kept(short), build(name, "classification", enc, params), rows, 1)
    assert compiled(model, enc)[0] == compiled(long, enc)[0]
    assert told == "8 rounds of its trees and 4 more"


def test_early_stopping_looks_back_on_these_rows_alone() -> None:
    enc, params = encoding(3, ()), {"max_iter": 60, "learning_rate": 0.3, "min_samples_leaf": 3}
    easy, hard = (vectors(enc, 400, seed) for seed in (1, 2))
    clear, noisy = easy[:, 0] > 0, (hard[:, 1] > 0) ^ (np.random.default_rng(3).random(400) < 0.25)
    model = build("hist_gradient_boosting", "classification", enc, params)
    model.fit(easy, clear.astype(int), validation=(easy, clear.astype(int)))
    have, best = model.estimator.n_iter_, model.estimator.validation_score_.max()
    rows = Rows(hard, noisy.astype(int), (hard, noisy.astype(int)))
    model, _ = go_on(model, build("hist_gradient_boosting", "classification", enc, params), rows, 1)
    scores = model.estimator.validation_score_
    assert scores.max() < best
    assert len(scores) == model.estimator.n_iter_ - have > 5


@pytest.mark.parametrize(("name", "params"), FORESTS)
@pytest.mark.parametrize("again", [False, True], ids=["other rows", "the same rows and seed"])
def test_a_forest_keeps_its_newer_half_and_grows_no_tree_twice(name: str, params: dict[str, Any], again: bool) -> None:
    enc = encoding()
    matrix = vectors(enc, 300, 0)
    rows = Rows(matrix, target(signal(matrix, 0), "classification", 2), (matrix, matrix[:, 0]))
    params = params | {"random_state": 4} if again else params
    enc, earlier, model, _ = resumed(name, "classification", params, rows=rows if again else None)
    kept = [tree.tree_.threshold.tolist() for tree in earlier.estimator.estimators_[3:]]
    now = [tree.tree_.threshold.tolist() for tree in model.estimator.estimators_]
    assert now[:4] == kept
    assert len(now) == len({str(thresholds) for thresholds in now}) == 7


@pytest.mark.parametrize(("name", "task", "params"), CONVEX)
def test_linear_models_reach_the_optimum_of_a_cold_fit_sooner(name: str, task: str, params: dict[str, Any]) -> None:
    enc, _, model, rows = resumed(name, task, params)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")
        cold = build(name, task, enc, params, seed=9).fit(rows.matrix, rows.target)
        again, _ = go_on(_kept(cold), build(name, task, enc, params, seed=9), rows, 9)
    found, wanted = (
        one.predict_proba(rows.matrix) if task == "classification" else one.predict(rows.matrix)
        for one in (model, cold)
    )
    np.testing.assert_allclose(found, wanted, rtol=5e-3, atol=5e-4)
    assert np.max(again.estimator.n_iter_) < np.max(cold.estimator.n_iter_) / 2


@given(st.integers(0, 2**32 - 1))
@settings(max_examples=40, deadline=None)
def test_coefficients_mean_the_same_in_another_standardisation(seed: int) -> None:
    enc = encoding()
    old, new = (build("linear", "classification", enc).preparation for _ in range(2))
    old.fit(vectors(enc, 200, seed, missing=0.2))
    new.fit(moved(enc, 200, seed).matrix)
    coefficients = np.random.default_rng(seed).normal(size=(3, old.transform(vectors(enc, 1, 0)).shape[1]))
    translated, shift = translate(coefficients, old, new)
    rows = vectors(enc, 50, seed + 1, missing=0.2)
    before, after = old.transform(rows) @ coefficients.T, new.transform(rows) @ translated.T + shift
    np.testing.assert_allclose(after, before, rtol=1e-9, atol=1e-9)


def test_a_network_goes_on_instead_of_stopping_by_what_other_rows_lost() -> None:
    params = {"early_stopping": False, "max_iter": 30, "n_iter_no_change": 3}
    _, earlier, model, rows = resumed("mlp", "regression", params)
    assert model.estimator.n_iter_ > 4
    losses = [np.mean((one.predict(rows.matrix) - rows.target) ** 2) for one in (earlier, model)]
    assert losses[1] < losses[0]


@pytest.mark.parametrize(("name", "params", "reason"), [
    ("decision_tree", {}, "DecisionTreeClassifier cannot go on"),
    ("knn", {}, "KNeighborsClassifier cannot go on"),
    ("gradient_boosting", {"n_iter_no_change": 3}, "rows of its own choice"),
    ("mlp", {"max_iter": 5, "early_stopping": True}, "rows of its own choice"),
    ("hist_gradient_boosting", {"scoring": "accuracy"}, "another score"),
    ("random_forest", {"n_estimators": 4, "class_weight": "balanced"}, "class weights"),
    ("random_forest", {"n_estimators": 1}, "one tree"),
    ("linear", {"solver": "liblinear"}, "liblinear"),
])  # fmt: skip
def test_what_cannot_go_on_says_why(name: str, params: dict[str, Any], reason: str) -> None:
    with pytest.raises(CannotContinueError, match=reason):
        resumed(name, "classification", params)


def test_a_regressor_without_intercept_that_would_get_one_does_not_go_on() -> None:
    with pytest.raises(CannotContinueError, match="intercept"):
        resumed("linear", "regression", {"kind": "huber", "fit_intercept": False})


@pytest.mark.parametrize(("name", "params", "other", "reason"), [
    ("gradient_boosting", {"n_estimators": 5}, {"n_estimators": 5, "max_depth": 2}, "max_depth 3 instead of 2"),
    ("hist_gradient_boosting", {"max_iter": 5}, {"max_iter": 9}, "max_iter 5 instead of 9"),
])  # fmt: skip
def test_other_parameters_are_another_model(
    name: str, params: dict[str, Any], other: dict[str, Any], reason: str
) -> None:
    enc, earlier = fitted(name, "classification", params)
    with pytest.raises(CannotContinueError, match=reason):
        go_on(earlier, build(name, "classification", enc, other), moved(enc, 100, 1), 9)


@pytest.mark.parametrize("name", ["random_forest", "gradient_boosting", "hist_gradient_boosting", "linear"])
def test_values_missing_for_the_first_time_need_a_flag(name: str) -> None:
    enc, earlier = fitted(name, "classification", {}, missing=0.0)
    asked, rows = build(name, "classification", enc, {}), moved(enc, 200, 1)
    if name in {"linear", "hist_gradient_boosting"}:
        prove(go_on(earlier, asked, rows, 9)[0], enc, seed=23, rows=50)
    else:
        with pytest.raises(CannotContinueError, match="missing for the first time, in slot 0"):
            go_on(earlier, asked, rows, 9)


def test_histogram_boosting_knows_the_categories_that_it_knew() -> None:
    name = "hist_gradient_boosting"
    enc, earlier = fitted(name, "classification", {"max_iter": 5})
    rows = moved(enc, 300, 1)
    rows.matrix[rows.matrix[:, 1] == 2, 1] = 3
    with pytest.raises(CannotContinueError, match="slot 1 holds other categories"):
        go_on(earlier, build(name, "classification", enc, {"max_iter": 5}), rows, 9)


@pytest.mark.parametrize(("name", "size"), [
    ("hist_gradient_boosting", "max_iter"), ("gradient_boosting", "n_estimators"),
])  # fmt: skip
def test_trees_do_not_grow_without_end(name: str, size: str) -> None:
    params = {size: 4, "learning_rate": 0.5}
    enc, model = fitted(name, "classification", params)
    for trees in (6, 8):
        model, _ = go_on(model, build(name, "classification", enc, params), moved(enc, 300, trees), 9)
        assert len(compiled(model, enc)[0]["sizes"]) == trees
    with pytest.raises(CannotContinueError, match="it has 8 rounds of trees, and 8 are the most"):
        go_on(model, build(name, "classification", enc, params), moved(enc, 300, 9), 9)


def test_a_continuation_is_the_same_each_time() -> None:
    documents = [compiled(resumed("random_forest", "classification", {"n_estimators": 4})[2], encoding())[0]
                 for _ in range(2)]  # fmt: skip
    assert documents[0] == documents[1]
