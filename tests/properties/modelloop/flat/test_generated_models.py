"""Generated models of every family: the flat form answers as the estimator does, and explains what it answers."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelloop.flat.batch import batch_of
from tests.support.generated_models import Rows, boundary_rows, compiled, encoding, fitted, prove, replay, vectors

LOSSES = st.sampled_from(["squared_error", "absolute_error", "poisson", "gamma", "quantile"])
HUNDREDTHS = st.integers(1, 99).map(lambda n: n / 100)


def boosting() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "max_iter": st.integers(1, 8),
            "max_leaf_nodes": st.sampled_from([2, 8, 9, 16, 31, 33, 64, 65, 90]),
            "min_samples_leaf": st.integers(1, 20),
            "learning_rate": st.floats(0.01, 1.0),
            "l2_regularization": st.sampled_from([0.0, 1.0]),
            "max_bins": st.sampled_from([16, 255]),
        }
    )


def regression_boosting() -> st.SearchStrategy[dict[str, Any]]:
    return st.builds(
        lambda params, loss, quantile: params | {"loss": loss} | ({"quantile": quantile} if loss == "quantile" else {}),
        boosting(),
        LOSSES,
        HUNDREDTHS,
    )


def forests() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "n_estimators": st.integers(1, 8),
            "max_leaf_nodes": st.sampled_from([2, 8, 17, 64, 65, None]),
            "min_samples_leaf": st.integers(1, 10),
            "max_features": st.sampled_from(["sqrt", None, 0.5]),
        }
    )


def stages() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {
            "n_estimators": st.integers(1, 8),
            "max_depth": st.integers(1, 7),
            "learning_rate": st.floats(0.01, 1.0),
            "subsample": st.sampled_from([0.5, 1.0]),
            "init": st.sampled_from([None, "zero"]),
        }
    )


def trees() -> st.SearchStrategy[dict[str, Any]]:
    return st.fixed_dictionaries(
        {"max_depth": st.integers(1, 20), "max_leaf_nodes": st.none(), "min_samples_leaf": st.integers(1, 9)}
    )


KINDS = st.sampled_from(["ridge", "least_squares", "lasso", "elastic_net", "poisson", "gamma", "tweedie", "huber"])
MODELS = st.one_of(
    st.tuples(st.just("linear"), st.just("classification"), st.fixed_dictionaries({"C": st.floats(1e-3, 1e3)})),
    st.tuples(st.just("linear"), st.just("regression"), st.fixed_dictionaries({"kind": KINDS})),
    st.tuples(st.just("hist_gradient_boosting"), st.just("classification"), boosting()),
    st.tuples(st.just("hist_gradient_boosting"), st.just("regression"), regression_boosting()),
    st.tuples(st.just("decision_tree"), st.sampled_from(["classification", "regression"]), trees()),
    st.tuples(
        st.sampled_from(["random_forest", "extra_trees"]), st.sampled_from(["classification", "regression"]), forests()
    ),
    st.tuples(st.just("gradient_boosting"), st.sampled_from(["classification", "regression"]), stages()),
)
TABLES = st.builds(encoding, st.integers(3, 6), st.sampled_from([(), (2,), (7, 3), (40,), (1,)]))
ROWS = st.integers(0, 2**31)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    chosen=MODELS,
    enc=TABLES,
    classes=st.sampled_from([2, 3, 5, 9]),
    missing=st.sampled_from([0.0, 0.1, 0.5]),
    seed=ROWS,
)
def test_any_model_is_reproduced_and_explained(
    chosen: tuple[str, str, dict[str, Any]], enc: Any, classes: int, missing: float, seed: int
) -> None:
    name, task, params = chosen
    _, model = fitted(name, task, params, classes=classes, enc=enc, missing=missing, seed=seed, rows=150)
    flat = prove(model, enc, seed=seed, rows=60)
    document, _ = compiled(model, enc)
    largest = max(map(abs, document.get("number", [0.0])))
    for vector in vectors(enc, 20, seed + 9, 0.2).astype(float).tolist():
        why = flat.explain(vector, None if task == "regression" else seed % flat.classes)
        room = 1e-9 * (1.0 + largest + sum(map(abs, why.slots)))
        assert why.base + sum(why.slots) == pytest.approx(why.value, abs=room)
        assert sum(why.by_column(enc.slots).values()) == pytest.approx(sum(why.slots), abs=room)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(chosen=MODELS, enc=TABLES, classes=st.sampled_from([2, 4]), seed=ROWS)
def test_many_rows_get_the_scores_of_single_rows(
    chosen: tuple[str, str, dict[str, Any]], enc: Any, classes: int, seed: int
) -> None:
    name, task, params = chosen
    _, model = fitted(name, task, params, classes=classes, enc=enc, seed=seed, rows=150)
    _, flat = compiled(model, enc)
    batch = batch_of(flat._form)
    if batch is None:
        return
    rows = vectors(enc, 60, seed, 0.2, 2.0).astype(np.float64)
    singles = [flat.raw(vector) for vector in rows.tolist()]
    differences = np.abs(batch.raw(rows) - np.array(singles))
    assert (differences <= np.array([flat.rounding(vector) for vector in rows.tolist()])).all()


FULL: list[tuple[str, str, dict[str, Any], int]] = [
    ("linear", "classification", {}, 2),
    ("linear", "classification", {}, 4),
    ("linear", "regression", {"kind": "poisson"}, 2),
    ("hist_gradient_boosting", "classification", {}, 2),
    ("hist_gradient_boosting", "classification", {"max_iter": 50}, 4),
    ("hist_gradient_boosting", "regression", {"loss": "quantile", "quantile": 0.9}, 2),
    ("decision_tree", "classification", {}, 3),
    ("random_forest", "classification", {}, 3),
    ("random_forest", "regression", {}, 2),
    ("extra_trees", "classification", {}, 2),
    ("gradient_boosting", "classification", {}, 3),
    ("gradient_boosting", "regression", {"loss": "huber"}, 2),
]


@pytest.mark.slow
@pytest.mark.parametrize(("name", "task", "params", "classes"), FULL)
def test_a_hundred_thousand_rows_of_a_full_size_model(
    name: str, task: str, params: dict[str, Any], classes: int
) -> None:
    enc, model = fitted(name, task, params, classes=classes, enc=encoding(14, (30, 3)), rows=4000)
    document, flat = compiled(model, enc)
    parts: list[Rows] = [
        vectors(enc, 50_000, seed, missing, spread) for seed, missing, spread in [(1, 0.05, 1), (2, 0.3, 4)]
    ]
    if document["form"] == "trees":
        parts.append(boundary_rows(document, enc, 3, most=10**6))
    parity = replay(model, flat, np.vstack(parts))
    assert parity.ok, parity
    if document["form"] == "linear":
        assert parity.label_ties == 0
    elif task == "classification":
        labels = [label for part in parts for label in flat.predict(part.astype(float).tolist()).predict]
        assert labels == model.predict(np.vstack(parts)).tolist()
