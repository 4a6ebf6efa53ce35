"""Counts and positive amounts are also fitted through a log link, where model.yaml leaves that open."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelloop.contracts.manifest_parts import Predecessor, TrialRecord
from modelloop.spec.model import Spec
from modelloop.spec.sections import Search
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part
from trainer.search import candidates, fitting, log_links
from trainer.search.candidates import Candidate
from trainer.search.log_links import ways_of
from trainer.search.objective import Objective, expected_seconds, settle
from trainer.search.predecessor import FittedVersion
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])
HGB = "hist_gradient_boosting"
ROWS = 900
GENERATOR = np.random.default_rng(1)
MATRIX = GENERATOR.normal(size=(ROWS, 2)).astype(np.float32)
MEAN = np.exp(0.5 + 0.9 * MATRIX[:, 0].astype(np.float64) + 0.5 * MATRIX[:, 1])
TARGETS: dict[str, Any] = {
    "counts": GENERATOR.poisson(MEAN),
    "claims": GENERATOR.poisson(MEAN) * GENERATOR.gamma(2.0, 1.0, ROWS),
    "amounts": 500.0 + 10.0 * MATRIX[:, 0] + GENERATOR.normal(size=ROWS),
    "skewed": MEAN * GENERATOR.gamma(3.0, 1 / 3, ROWS),
    "prices": np.ceil(1e5 * MEAN),
    "numbers": MATRIX[:, 0].astype(np.float64),
    "nothing": np.zeros(ROWS),
}


def table(kind: str = "counts", task: str = "regression", **spec: Any) -> PreparedTable:
    sides = np.sort(np.random.default_rng(2).choice([TRAIN, VALIDATION, HOLDOUT], ROWS, p=[0.6, 0.2, 0.2]))
    facts = table_facts(ENCODING, Spec(**spec), task=task, classes=("n", "y"), target="sold")
    return prepared_table(facts, Part(MATRIX, np.asarray(TARGETS[kind], np.float64)), sides.astype(np.uint8))


def offered(rows: PreparedTable) -> list[tuple[str, str]]:
    """Return families with the kind or loss that the target offers them."""
    found = candidates.candidates(rows)
    return [
        (one.family, str(one.params.get("kind", one.params.get("loss")))) for one in found if one.origin == "target"
    ]


@pytest.mark.parametrize(
    ("kind", "ways"),
    [
        ("counts", ["poisson"]),
        ("claims", ["poisson"]),
        ("amounts", ["gamma"]),
        ("skewed", ["gamma", "log"]),
        ("prices", ["poisson", "log"]),
        ("numbers", []),
        ("nothing", []),
    ],
)
def test_the_kind_of_the_target_says_what_it_may_be_fitted_as(kind: str, ways: list[str]) -> None:
    assert ways_of(np.asarray(TARGETS[kind], np.float64)) == ways
    assert offered(table(kind)) == [(HGB, way) for way in ways]
    assert offered(table(kind, estimators=("linear", "random_forest"))) == []


def test_what_is_offered_comes_after_the_defaults_and_changes_no_metric() -> None:
    rows = table("skewed")
    found = candidates.candidates(rows)
    assert [one.origin for one in found] == ["spec", "spec", "target", "target"]
    assert settle(rows, found) == Objective("rmse", "rmse")


@pytest.mark.parametrize(
    ("spec", "left"),
    [
        ({"metric": "rmse"}, []),
        ({"metric": "mae"}, []),
        ({"params": {HGB: {"kind": "regressor"}}}, []),
        ({"params": {HGB: {"loss": "poisson"}}}, []),
        ({"params": {HGB: {"loss": "squared_error"}}}, ["log"]),
        ({"params": {HGB: {"loss": "absolute_error"}}}, ["log"]),
        ({"params": {HGB: {"loss": "quantile", "quantile": 0.9}}, "estimators": (HGB,)}, ["log"]),
        ({"params": {"linear": {"kind": "huber"}}}, ["gamma", "log"]),
        ({"params": {HGB: {"max_iter": 50}}}, ["gamma", "log"]),
    ],
)
def test_what_a_spec_names_is_not_replaced(spec: dict[str, Any], left: list[str]) -> None:
    assert offered(table("skewed", **spec)) == [(HGB, way) for way in left]


def test_settings_of_the_spec_hold_for_what_is_offered() -> None:
    found = candidates.candidates(table("counts", params={HGB: {"max_iter": 7}}))
    assert found[-1] == Candidate(HGB, {"loss": "poisson", "max_iter": 7})


def test_classes_and_large_tables_are_offered_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    assert offered(table("nothing", "classification")) == []
    monkeypatch.setattr(log_links, "MAX_ROWS", 100)
    assert offered(table("counts")) == []


def test_draws_are_as_many_as_without_it() -> None:
    found = [one.origin for one in candidates.candidates(table("counts", search=Search(trials=6)))]
    assert [found.count(origin) for origin in ("spec", "target", "drawn")] == [2, 1, 4]


def test_what_is_offered_takes_as_long_as_another_fit_of_its_family() -> None:
    known = [TrialRecord(HGB, {}, 500, 1.0, 3.0, None, "spec")]
    assert expected_seconds(Candidate(HGB, {"loss": "poisson"}, "target"), known, 1000) == 6.0
    assert expected_seconds(Candidate("linear", {"kind": "log"}, "target"), known, 1000) == 0.0


def version(**settings: Any) -> FittedVersion:
    return FittedVersion(Predecessor(3, "r"), "regression", ((HGB, settings),))


def test_a_retraining_starts_from_a_predecessor_that_was_offered() -> None:
    rows = table("counts")
    known = version(loss="poisson", max_iter=50).candidates(rows)
    assert known == [Candidate(HGB, {"loss": "poisson", "max_iter": 50})]
    assert settle(rows, candidates.candidates(rows, known)) == Objective("rmse", "rmse")
    assert version(kind="log").candidates(table("skewed")) == [Candidate(HGB, {"kind": "log"})]


def test_a_predecessor_that_the_spec_or_the_table_rules_out_is_left_out() -> None:
    assert version(loss="poisson").candidates(table("numbers")) == [], "Poisson has no negative numbers"
    assert version(loss="poisson").candidates(table("counts", metric="rmse")) == []
    assert version(loss="quantile", quantile=0.5).candidates(table("counts")) == []
    found = version(loss="poisson").candidates(table("counts", params={HGB: {"loss": "absolute_error"}}))
    assert found == [Candidate(HGB, {"loss": "absolute_error"})], "what the spec fixes stands"


def test_a_multiplicative_table_is_fitted_through_the_log_link_and_better_for_it() -> None:
    rows = table("counts", params={HGB: {"max_iter": 30}})
    fitted = fitting.fit(rows, 60.0, lambda _: None, [])
    assert fitted.chosen.origin == "target"
    defaults = [trial.score for trial in fitted.trials if trial.origin == "spec"]
    assert fitted.chosen.score < 0.97 * min(defaults)
    assert fitted.objective == Objective("rmse", "rmse")
    again = fitting.fit(rows, 60.0, lambda _: None, fitted.trials, None, fitted.selection)
    np.testing.assert_array_equal(
        again.estimator.predict(rows.holdout).predicted, fitted.estimator.predict(rows.holdout).predicted
    )
    assert fitted.estimator.predict(rows.holdout).predicted.min() > 0
