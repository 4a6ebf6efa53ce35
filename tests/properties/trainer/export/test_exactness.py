"""Every family, every loss: the flat form answers as the estimator does."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression

from tests.support.generated_models import compiled, encoding, fitted, prove, replay, vectors
from trainer.export.serving import flatten
from trainer.families.catalogue import build

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding

CLASSIFIERS = [
    ("linear", {}),
    ("linear", {"l1_ratio": 1.0, "solver": "saga", "C": 0.1}),
    ("hist_gradient_boosting", {"max_iter": 12, "min_samples_leaf": 3}),
    ("hist_gradient_boosting", {"max_iter": 4, "max_leaf_nodes": 100, "min_samples_leaf": 1}),
    ("decision_tree", {}),
    ("decision_tree", {"max_leaf_nodes": None, "min_samples_leaf": 1}),
    ("random_forest", {"n_estimators": 8}),
    ("random_forest", {"n_estimators": 8, "class_weight": "balanced", "max_leaf_nodes": 9}),
    ("extra_trees", {"n_estimators": 8, "min_samples_leaf": 1}),
    ("gradient_boosting", {"n_estimators": 12}),
    ("gradient_boosting", {"n_estimators": 5, "init": "zero", "subsample": 0.7}),
]
REGRESSORS = [
    *(("linear", {"kind": kind}) for kind in ("ridge", "least_squares", "lasso", "elastic_net", "huber")),
    *(("linear", {"kind": kind}) for kind in ("poisson", "gamma", "quantile", "log")),
    ("linear", {"kind": "tweedie", "power": 1.5}),
    ("linear", {"kind": "tweedie", "power": 0, "link": "log"}),
    *(("linear", {"kind": "tweedie", "power": power}) for power in (-1.0, 0, 1, 2, 3)),
    ("linear", {"kind": "quantile", "quantile": 0.9, "alpha": 0.01}),
    *(("sklearn.linear_model.SGDRegressor", {"loss": loss}) for loss in ("squared_error", "huber")),
    ("sklearn.svm.LinearSVR", {}),
    ("sklearn.linear_model.TweedieRegressor", {"power": 1.5}),
    ("sklearn.ensemble.HistGradientBoostingRegressor", {"max_iter": 8, "loss": "poisson"}),
    ("sklearn.ensemble.GradientBoostingRegressor", {"n_estimators": 8, "loss": "quantile", "alpha": 0.2}),
    *(
        ("hist_gradient_boosting", {"max_iter": 8, "loss": loss, "min_samples_leaf": 3})
        for loss in ("squared_error", "absolute_error", "gamma", "poisson")
    ),
    ("hist_gradient_boosting", {"max_iter": 8, "loss": "quantile", "quantile": 0.9}),
    *(
        ("hist_gradient_boosting", {"max_iter": 8, "kind": "log", "loss": loss})
        for loss in ("squared_error", "absolute_error")
    ),
    *(("decision_tree", {"criterion": criterion}) for criterion in ("squared_error", "absolute_error", "poisson")),
    *(
        ("random_forest", {"n_estimators": 8, "criterion": one})
        for one in ("squared_error", "absolute_error", "poisson")
    ),
    ("extra_trees", {"n_estimators": 8}),
    *(
        ("gradient_boosting", {"n_estimators": 8, "loss": loss})
        for loss in ("squared_error", "absolute_error", "huber", "quantile")
    ),
    ("gradient_boosting", {"n_estimators": 8, "init": "zero"}),
]


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("name", "params"), CLASSIFIERS)
def test_classifiers_are_reproduced(name: str, params: dict[str, Any], classes: int) -> None:
    enc, model = fitted(name, "classification", params, classes=classes)
    prove(model, enc, seed=1)


@pytest.mark.parametrize(("name", "params"), REGRESSORS)
def test_regressors_are_reproduced(name: str, params: dict[str, Any]) -> None:
    enc, model = fitted(name, "regression", params)
    prove(model, enc, seed=2)


@pytest.mark.parametrize(
    ("name", "params", "link"),
    [
        ("linear", {"kind": "poisson"}, "log"),
        ("linear", {"kind": "gamma"}, "log"),
        ("linear", {"kind": "tweedie", "power": 1.5}, "log"),
        ("linear", {"kind": "tweedie", "power": 0}, "identity"),
        ("linear", {"kind": "tweedie", "power": 1.5, "link": "identity"}, "identity"),
        ("hist_gradient_boosting", {"loss": "poisson"}, "log"),
        ("hist_gradient_boosting", {"loss": "gamma"}, "log"),
        ("hist_gradient_boosting", {"loss": "quantile", "quantile": 0.9}, "identity"),
        ("hist_gradient_boosting", {"kind": "log"}, "log"),
        ("linear", {"kind": "log"}, "log"),
        ("gradient_boosting", {"loss": "quantile"}, "identity"),
        ("random_forest", {"criterion": "poisson"}, "identity"),
    ],
)
def test_each_loss_has_its_link(name: str, params: dict[str, Any], link: str) -> None:
    enc, model = fitted(name, "regression", params, rows=120)
    assert compiled(model, enc)[1].link == link


def test_exponential_loss_has_half_the_logit() -> None:
    enc, model = fitted("gradient_boosting", "classification", {"n_estimators": 6, "loss": "exponential"})
    assert prove(model, enc, seed=3).link == "half_logit"


def test_many_classes_and_blocks_of_trees() -> None:
    enc, model = fitted("hist_gradient_boosting", "classification", {"max_iter": 20}, classes=9, rows=500)
    prove(model, enc, seed=4)


@pytest.mark.parametrize(
    "enc", [encoding(3, ()), encoding(2, (3,)), encoding(3, (254,))], ids=["numbers", "few", "wide"]
)
@pytest.mark.parametrize("name", ["linear", "hist_gradient_boosting", "random_forest"])
def test_vectors_of_every_make(name: str, enc: Encoding) -> None:
    params = {"n_estimators": 5} if name == "random_forest" else {}
    _, model = fitted(name, "classification", params, enc=enc, rows=400)
    prove(model, enc, seed=5)


@pytest.mark.parametrize("name", ["linear", "hist_gradient_boosting", "random_forest", "gradient_boosting"])
def test_values_missing_for_the_first_time_are_answered_as_the_estimator_does(name: str) -> None:
    enc, model = fitted(name, "classification", {}, missing=0.0, rows=200)
    prove(model, enc, seed=6, rows=100)


def test_categories_never_seen_in_training_count_as_missing_in_histogram_boosting() -> None:
    enc = encoding(3, (5, 3))
    matrix = vectors(enc, 300, 7, missing=0.0)
    matrix[:, 1] = np.where(matrix[:, 1] == 2, 4, matrix[:, 1])
    model = build("hist_gradient_boosting", "classification", enc, {"max_iter": 5, "min_samples_leaf": 2})
    model.fit(matrix, (np.isin(matrix[:, 1], [0, 4]) ^ (matrix[:, 0] > 0)).astype(int))
    document, flat = compiled(model, enc)
    assert document["tests"], "the model must split on a category for this test to mean anything"
    rows = vectors(enc, 300, 8)
    rows[:150, 1] = 2
    assert replay(model, flat, rows).ok


def test_early_stopping_takes_the_validation_rows() -> None:
    enc = encoding()
    matrix, held = vectors(enc, 300, 1), vectors(enc, 100, 2)
    noise = np.random.default_rng(0)
    model = build("hist_gradient_boosting", "classification", enc, {"max_iter": 200})
    model.fit(matrix, noise.integers(0, 2, 300), validation=(held, noise.integers(0, 2, 100)))
    assert model.estimator.n_iter_ < 200
    prove(model, enc, seed=9, rows=50)


def test_the_document_is_the_same_for_the_same_fit() -> None:
    documents = []
    for _ in range(2):
        enc, model = fitted("random_forest", "classification", {"n_estimators": 5}, seed=3)
        documents.append(orjson.dumps(flatten(model, enc)))
    assert documents[0] == documents[1]


def test_a_tree_on_other_columns_than_the_slots_has_no_flat_form() -> None:
    enc, model = fitted("sklearn.tree.ExtraTreeRegressor", "regression", {})
    assert flatten(model, enc) is None


def test_what_the_engine_cannot_do_exactly_has_no_flat_form() -> None:
    enc, model = fitted("gradient_boosting", "regression", {"n_estimators": 3, "init": LinearRegression()})
    assert flatten(model, enc) is None
    guess = DummyClassifier(strategy="uniform")
    enc, model = fitted("gradient_boosting", "classification", {"n_estimators": 3, "init": guess})
    assert flatten(model, enc) is None


def test_an_initial_constant_is_kept() -> None:
    guess = DummyClassifier(strategy="constant", constant=1)
    enc, model = fitted("gradient_boosting", "classification", {"n_estimators": 3, "init": guess})
    prove(model, enc, seed=10, rows=50)


@pytest.mark.parametrize(("name", "label"), [("gradient_boosting", 1), ("hist_gradient_boosting", 0)])
def test_a_score_of_exactly_zero_has_the_estimators_label(name: str, label: int) -> None:
    enc = encoding(3, ())
    matrix = np.ones((40, 3), np.float32)
    model = build(name, "classification", enc, {"init": "zero"} if name == "gradient_boosting" else {})
    model.fit(matrix, np.arange(40) % 2)
    _, flat = compiled(model, enc)
    assert flat.raw([1.0, 1.0, 1.0]) == [0.0]
    assert flat.predict([[1.0, 1.0, 1.0]]).predict == model.predict(matrix[:1]).tolist() == [label]


def test_a_split_between_missing_and_all_else_survives_json() -> None:
    enc = encoding(3, ())
    matrix = np.ones((200, 3), np.float32)
    matrix[::3, 0] = np.nan
    model = build("hist_gradient_boosting", "classification", enc, {"max_iter": 3})
    model.fit(matrix, np.isnan(matrix[:, 0]).astype(int))
    document, flat = compiled(model, enc)
    assert max(document["number"]) > 1e300
    largest = np.finfo(np.float32).max
    rows = np.array([[np.nan, 1, 1], [largest, 1, 1], [-largest, 1, 1]], np.float32)
    assert flat.predict(rows.astype(float).tolist()).predict == [1, 0, 0]
    assert replay(model, flat, rows).ok
