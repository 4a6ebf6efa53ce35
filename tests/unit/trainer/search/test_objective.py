"""By what trials are chosen and versions compared: the loss of the estimators, found before anything is fitted."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelloop.errors import DatasetRejectedError, SpecError
from modelloop.spec.model import Spec
from modelloop.spec.sections import Search
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.families.catalogue import build
from trainer.families.losses import loss_of
from trainer.rows import Part
from trainer.search import candidates, fitting, selecting
from trainer.search.objective import Objective, settle
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])
HGB, GB, TWEEDIE = "hist_gradient_boosting", "gradient_boosting", "sklearn.linear_model.TweedieRegressor"


def table(target: Any = None, task: str = "regression", **spec: Any) -> PreparedTable:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(400, 2)).astype(np.float32)
    if target is None:
        target = np.exp(matrix[:, 0] + 0.3 * generator.normal(size=400))
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], 400, p=[0.6, 0.2, 0.2]).astype(np.uint8))
    facts = table_facts(ENCODING, Spec(**spec), task=task, classes=("n", "y"), target="price")
    return prepared_table(facts, Part(matrix, np.asarray(target, np.float64)), sides)


def settled(rows: PreparedTable) -> Objective:
    return settle(rows, candidates.candidates(rows))


@pytest.mark.parametrize(
    ("name", "params", "loss"),
    [
        ("linear", {}, "rmse"),
        ("linear", {"kind": "lasso"}, "rmse"),
        ("linear", {"kind": "huber"}, "mae"),
        ("linear", {"kind": "poisson"}, "poisson_deviance"),
        ("linear", {"kind": "gamma"}, "gamma_deviance"),
        ("linear", {"kind": "tweedie"}, "tweedie_deviance_1.5"),
        ("linear", {"kind": "tweedie", "power": 1.7}, "tweedie_deviance_1.7"),
        ("linear", {"kind": "tweedie", "power": 2}, "gamma_deviance"),
        ("linear", {"kind": "quantile", "quantile": 0.9}, "pinball_0.9"),
        ("linear", {"kind": "quantile"}, "mae"),
        (HGB, {}, "rmse"),
        (HGB, {"loss": "absolute_error"}, "mae"),
        (HGB, {"loss": "poisson"}, "poisson_deviance"),
        (HGB, {"loss": "gamma"}, "gamma_deviance"),
        (HGB, {"loss": "quantile", "quantile": 0.1}, "pinball_0.1"),
        (GB, {"loss": "quantile"}, "pinball_0.9"),
        (GB, {"loss": "quantile", "alpha": 0.25}, "pinball_0.25"),
        (GB, {"loss": "huber", "alpha": 0.25}, "mae"),
        ("decision_tree", {"criterion": "absolute_error"}, "mae"),
        ("random_forest", {"criterion": "poisson"}, "poisson_deviance"),
        ("extra_trees", {}, "rmse"),
        (TWEEDIE, {}, "rmse"),
        (TWEEDIE, {"power": 1.2}, "tweedie_deviance_1.2"),
        ("sklearn.linear_model.QuantileRegressor", {"quantile": 0.75}, "pinball_0.75"),
        ("sklearn.linear_model.SGDRegressor", {}, "rmse"),
        ("sklearn.linear_model.SGDRegressor", {"loss": "huber"}, "mae"),
        ("sklearn.svm.LinearSVR", {}, "mae"),
        ("sklearn.svm.LinearSVR", {"loss": "squared_epsilon_insensitive"}, "rmse"),
        ("sklearn.svm.SVR", {}, "mae"),
        ("sklearn.neural_network.MLPRegressor", {"loss": "poisson"}, "poisson_deviance"),
        ("sklearn.linear_model.RANSACRegressor", {"loss": "absolute_error"}, "rmse"),  # tells outliers, fits squares
        ("sklearn.ensemble.AdaBoostRegressor", {}, "rmse"),
    ],
)
def test_an_estimator_has_the_loss_that_it_is_fitted_by(name: str, params: dict[str, Any], loss: str) -> None:
    assert loss_of(build(name, "regression", ENCODING, params).estimator) == loss


def test_a_shared_loss_chooses_and_is_compared_by_without_being_named() -> None:
    params = {"linear": {"kind": "poisson"}, HGB: {"loss": "poisson"}}
    for metric in (None, "deviance"):
        rows = table(estimators=("linear", HGB), params=params, metric=metric)
        assert settled(rows) == Objective("poisson_deviance", "poisson_deviance")
    named = table(estimators=("linear", HGB), params=params, metric="mae")
    assert settled(named) == Objective("mae", "poisson_deviance")


def test_different_losses_are_compared_by_squared_error_and_none_is_the_deviance() -> None:
    mixed: dict[str, Any] = {"estimators": ("linear", HGB), "params": {HGB: {"loss": "gamma"}}}
    assert settled(table(**mixed)) == Objective("rmse", "rmse")
    assert settled(table(**mixed, metric="gamma_deviance")) == Objective("gamma_deviance", "rmse")
    with pytest.raises(SpecError, match=r"different losses \(gamma_deviance, rmse\).*name one of them") as refused:
        settled(table(**mixed, metric="deviance"))
    assert refused.value.field == "metric"


@pytest.mark.parametrize(("params", "says"), [
    ({HGB: {"loss": "quantile"}}, "needs `quantile`"),
    ({HGB: {"loss": "quantile", "quantile": 1.0}}, "a quantile lies between 0 and 1, not at 1"),
    ({"linear": {"kind": "tweedie", "power": 0.5}}, "no Tweedie distribution has the power 0.5"),
    ({"linear": {"kind": "tweedie", "power": "high"}}, "TweedieRegressor cannot be fitted"),
])  # fmt: skip
def test_a_loss_that_does_not_exist_is_refused(params: dict[str, Any], says: str) -> None:
    with pytest.raises(SpecError, match=says):
        settled(table(estimators=tuple(params), params=params))


@pytest.mark.parametrize(("params", "low", "says"), [
    ({"kind": "poisson"}, 0.0, None),
    ({"kind": "poisson"}, -1.0, "is not zero or more, as poisson deviance needs it"),
    ({"kind": "tweedie"}, 0.0, None),
    ({"kind": "gamma"}, 0.0, "is not above zero, as gamma deviance needs it"),
    ({"kind": "tweedie", "power": 3}, 0.0, "is not above zero, as tweedie deviance 3 needs it"),
    ({"kind": "quantile", "quantile": 0.9}, -1.0, None),
])  # fmt: skip
@pytest.mark.parametrize("place", [TRAIN, HOLDOUT])
def test_targets_outside_of_a_losss_domain_are_refused_before_fitting(
    monkeypatch: pytest.MonkeyPatch, params: dict[str, Any], low: float, says: str | None, place: int
) -> None:
    rows = table(estimators=("linear",), params={"linear": params})
    rows.rows.target[np.flatnonzero(rows.membership == place)[0]] = low
    if says is None:
        settled(rows)
        return
    monkeypatch.setattr(selecting, "halving_round", None)
    monkeypatch.setattr(selecting, "try_out", None)
    with pytest.raises(DatasetRejectedError, match=f"1 of 400 rows have a target 'price' that {says}") as refused:
        fitting.fit(rows, 60.0, lambda _: None, [])
    assert refused.value.field == "price"


def test_a_named_metric_has_a_domain_too() -> None:
    with pytest.raises(DatasetRejectedError, match="gamma deviance"):
        settled(table(np.arange(400.0), metric="gamma_deviance"))


def test_classes_are_compared_by_log_loss_whatever_chooses() -> None:
    target = np.arange(400) % 2
    assert settled(table(target, "classification")) == Objective("log_loss", "log_loss")
    assert settled(table(target, "classification", metric="f1")) == Objective("f1", "log_loss")


def test_the_search_chooses_by_the_deviance() -> None:
    generator = np.random.default_rng(0)
    rows = table(generator.exponential(size=400), estimators=(HGB,), metric="deviance",
                 params={HGB: {"loss": "quantile", "quantile": 0.9}}, search=Search(trials=6))  # fmt: skip
    fitted = fitting.fit(rows, 60.0, lambda _: None, [])
    assert fitted.objective == Objective("pinball_0.9", "pinball_0.9")
    scores = [done.score for done in fitted.trials if done.rows == fitted.chosen.rows]
    assert len(scores) > 1
    assert fitted.chosen.score == min(scores)
    outcome = fitted.estimator.predict(rows.validation)
    short = outcome.target - outcome.predicted
    assert fitted.chosen.score == pytest.approx(np.maximum(0.9 * short, -0.1 * short).mean())
