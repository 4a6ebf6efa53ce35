"""What a spec may name, and what a search may draw."""

from __future__ import annotations

import sys
from typing import Any

import numpy as np
import pytest

from modelloop.errors import FitRefusedError, SpecError
from modelloop.spec.fields import CONVERTED, FAMILIES
from modelloop.tables.encoding import Column, Encoding
from trainer.families import converted
from trainer.families.catalogue import build, families_for

ENCODING = Encoding([Column("n", "number"), Column("t", "text", categories=("a", "b")), Column("m", "number")])


@pytest.mark.parametrize(
    ("name", "task"),
    [
        ("nonsense", "regression"),
        ("os.system", "regression"),
        ("sklearn.svm.Nonsense", "regression"),
        ("sklearn.nonsense.SVR", "regression"),
        ("sklearn.svm._base.BaseLibSVM", "regression"),
        ("sklearn.svm.SVR", "classification"),
        ("sklearn.svm.LinearSVC", "classification"),
        ("sklearn.ensemble.StackingClassifier", "classification"),
        ("sklearn.preprocessing.StandardScaler", "classification"),
    ],
)
def test_names_that_cannot_be_built_are_refused(name: str, task: str) -> None:
    with pytest.raises(SpecError):
        build(name, task, ENCODING)


@pytest.mark.parametrize(
    ("name", "says"),
    [
        ("sklearn.svm.SVC", "name `svm`"),
        ("sklearn.svm.NuSVC", "name `svm`"),
        ("sklearn.linear_model.SGDClassifier", "with these parameters gives no probabilities"),
        ("sklearn.ensemble.VotingClassifier", "is made of other estimators .* name `stacking`"),
    ],
)
def test_a_classifier_that_cannot_serve_is_refused_with_what_to_name_instead(name: str, says: str) -> None:
    with pytest.raises(SpecError, match=says):
        build(name, "classification", ENCODING)


def test_whether_there_are_probabilities_is_asked_of_the_estimator_as_its_parameters_are() -> None:
    model = build("sklearn.linear_model.SGDClassifier", "classification", ENCODING, {"loss": "log_loss"})
    assert hasattr(model.estimator, "predict_proba")


def test_a_spec_may_name_every_estimator_that_is_made_here() -> None:
    assert list(CONVERTED) == converted.NAMES
    for task in ("classification", "regression"):
        assert {family.name for family in families_for(task)} == set(FAMILIES)


@pytest.mark.parametrize("value", ["abc", True, -1])
def test_a_value_that_no_estimator_takes_is_refused_by_its_name(value: str | float) -> None:
    model = build("gradient_boosting", "regression", ENCODING, {"n_estimators": value})
    matrix = np.zeros((20, len(ENCODING.slots)), np.float32)
    with pytest.raises(FitRefusedError, match="GradientBoostingRegressor cannot be fitted"):
        model.fit(matrix, np.arange(20.0))


def test_a_dotted_name_imports_nothing_outside_scikit_learn() -> None:
    with pytest.raises(SpecError, match="not a public class"):
        build("this.Zen", "regression", ENCODING)
    assert "this" not in sys.modules


def test_a_search_draws_only_what_the_kind_has_and_the_spec_leaves_open() -> None:
    linear = families_for("regression")[0]
    assert "alpha" in linear.open_space({})
    assert linear.open_space({"kind": "poisson", "alpha": 1.0}) == {}
    assert linear.open_space({"kind": "least_squares"}) == {}


@pytest.mark.parametrize("params", [{"nonsense": 1}, {"kind": "nonsense"}])
def test_parameters_that_do_not_exist_are_refused(params: dict[str, Any]) -> None:
    with pytest.raises(SpecError, match="nonsense"):
        build("linear", "regression", ENCODING, params)


@pytest.mark.parametrize("task", ["classification", "regression"])
def test_every_family_is_built_by_its_name_with_one_thread_and_a_seed(task: str) -> None:
    for family in families_for(task):
        params = build(family.name, task, ENCODING, seed=7).estimator.get_params()
        assert params.get("n_jobs") in {None, 1}
        assert params.get("random_state", 7) == 7


def test_category_slots_reach_histogram_boosting_as_sets_while_they_fit_its_bins() -> None:
    assert build("hist_gradient_boosting", "regression", ENCODING).estimator.categorical_features == [1]
    narrow = build("hist_gradient_boosting", "regression", ENCODING, {"max_bins": 2})
    assert narrow.estimator.categorical_features is None


@pytest.mark.parametrize("name", [*FAMILIES, *CONVERTED])
def test_no_family_reweights_rare_classes(name: str) -> None:
    """On average the probability of a rare class is its share, whichever family is asked."""
    generator = np.random.default_rng(4)
    matrix = np.column_stack([generator.normal(size=1200), generator.integers(0, 2, 1200), generator.normal(size=1200)])
    target = (matrix[:, 0] + generator.normal(size=1200) > 2.4).astype(int)
    assert 0.03 < target.mean() < 0.07
    model = build(name, "classification", ENCODING).fit(matrix.astype(np.float32), target)
    said = model.predict_proba(matrix.astype(np.float32))[:, 1].mean()
    assert said == pytest.approx(target.mean(), abs=0.03)
    assert model.estimator.get_params().get("class_weight") is None
