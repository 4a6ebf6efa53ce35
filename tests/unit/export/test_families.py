"""What a spec may name, and what a search may draw."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from modelloop.encoding import Column, Encoding
from modelloop.errors import SpecError
from trainer.families import build, families_for

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


def test_a_dotted_name_imports_nothing_outside_scikit_learn() -> None:
    with pytest.raises(SpecError, match="not a public class"):
        build("this.Zen", "regression", ENCODING)
    assert "this" not in sys.modules


def test_a_search_draws_only_what_the_kind_has_and_the_spec_leaves_open() -> None:
    linear = families_for("regression")[0]
    assert "alpha" in linear.open_space({})
    assert linear.open_space({"kind": "poisson", "alpha": 1.0}) == {}
    assert linear.open_space({"kind": "least_squares"}) == {}


def test_large_tables_are_spared_the_families_that_grow_too_fast() -> None:
    assert {family.name for family in families_for("regression", 10**6)} == {
        "linear",
        "hist_gradient_boosting",
        "decision_tree",
    }


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
