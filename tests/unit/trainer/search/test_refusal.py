"""What an estimator does not take ends in a refusal that names the setting and its line, whenever it shows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from modelloop.errors import FitRefusedError, SpecError
from modelloop.spec.model import Spec, parse_spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part
from trainer.search import estimation, fitting
from trainer.search.candidates import Candidate
from trainer.search.refusal import naming, pointing
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])


def table(spec: Spec, task: str = "classification") -> PreparedTable:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(120, 2)).astype(np.float32)
    target = (matrix[:, 0] > 0).astype(float) if task == "classification" else np.exp(matrix[:, 0].astype(float))
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], 120, p=[0.6, 0.2, 0.2]).astype(np.uint8))
    facts = table_facts(ENCODING, spec, task=task, classes=("n", "y"), target="t")
    return prepared_table(facts, Part(matrix, target), sides)


def fitted(spec: Spec, task: str = "classification") -> fitting.Fitted:
    with pointing(spec):
        return fitting.fit(table(spec, task), 60.0, lambda _: None, [])


@pytest.mark.parametrize(("task", "family", "setting", "says"), [
    ("classification", "knn", "n_jobs: 0", "knn with n_jobs: 0 fails: ValueError: n_jobs == 0"),
    ("classification", "knn", "n_neighbors: null", "knn with n_neighbors: null fails: TypeError"),
    ("regression", "knn", "n_neighbors: true", "knn with n_neighbors: true fails: TypeError"),
    ("classification", "hist_gradient_boosting", "max_bins: auto", "The 'max_bins' parameter of Hist"),
    ("classification", "sklearn.discriminant_analysis.LinearDiscriminantAnalysis", "shrinkage: 0", "not supported wit"),
    ("classification", "linear", "C: -1", "The 'C' parameter of LogisticRegression must be a float in the range"),
    ("classification", "linear", "colour: red", "LogisticRegression has no parameter 'colour'; it has C,"),
    ("regression", "linear", "kind: cubic", "linear for regression has no kind 'cubic'; it has ridge"),
    ("regression", "hist_gradient_boosting", "loss: quantile", "needs `quantile`, a number between 0 and 1"),
    ("regression", "sklearn.linear_model.TweedieRegressor", "power: null", "cannot be fitted with power: None"),
    ("regression", "sklearn.linear_model.QuantileRegressor", "quantile: x", "cannot be fitted with quantile: 'x'"),
])  # fmt: skip
def test_a_refused_setting_is_named_with_its_line(task: str, family: str, setting: str, says: str) -> None:
    spec = parse_spec(f"estimators: [{family}]\nparams:\n  {family}:\n\n    {setting}\n")
    with pytest.raises(SpecError) as refused:
        fitted(spec, task)
    assert refused.value.message.startswith("model.yaml line 5: ")
    assert says in refused.value.message
    assert refused.value.row == 5


def test_one_refused_setting_leaves_the_other_families_to_it() -> None:
    spec = Spec(estimators=("knn", "linear"), params={"knn": {"n_jobs": 0}})
    done = fitted(spec)
    assert done.chosen.family == "linear"
    assert [trial.error for trial in done.trials if trial.family == "knn"] == [
        "knn with n_jobs: 0 fails: ValueError: n_jobs == 0 in Parallel has no meaning"
    ]


def test_a_refusal_that_tells_of_no_setting_stays_what_it_is() -> None:
    with pytest.raises(FitRefusedError, match=r"^too few rows$"), pointing(Spec(params={"linear": {"C": 1}})):
        raise FitRefusedError("too few rows")
    pointed = SpecError("model.yaml line 2: C", row=2)
    with pytest.raises(SpecError) as same, pointing(Spec(params={"linear": {"C": 1}}, lines={"params.linear.C": 9})):
        raise pointed
    assert same.value is pointed


@pytest.mark.parametrize("family", ["linear", "knn"])
def test_a_fault_without_settings_is_loud_in_families_that_are_known(family: str) -> None:
    known = family == "linear"
    with pytest.raises(ZeroDivisionError if known else FitRefusedError), naming(family, {}):
        raise ZeroDivisionError("division by zero")


def test_what_fails_only_when_the_fit_is_scored_is_a_trial_without_a_score(monkeypatch: pytest.MonkeyPatch) -> None:
    def stumble(*_: Any) -> None:
        raise LookupError("nothing near")

    rows = table(Spec(params={"linear": {"C": 2.0}}))
    monkeypatch.setattr(estimation, "plain_metric", stumble)
    trial, estimator = estimation.try_out(rows, Candidate("linear"), rows.train, "log_loss")
    assert estimator is None
    assert math.isnan(trial.score)
    assert trial.error == "linear with C: 2.0 fails: LookupError: nothing near"
    with pytest.raises(LookupError):
        estimation.try_out(table(Spec()), Candidate("linear"), rows.train, "log_loss")
