from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelloop.encoding import Column, Encoding
from modelloop.spec import Spec
from modelloop.split import HOLDOUT, TRAIN, VALIDATION
from trainer import fitting, search
from trainer.search import Candidate, Trial
from trainer.table import Part, PreparedTable

TREES = ("linear", "decision_tree")
ENCODING = Encoding([Column("a", "number"), Column("b", "number")])


def table(rows: int = 400, **spec: Any) -> PreparedTable:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(rows, 2)).astype(np.float32)
    target = (matrix[:, 0] * matrix[:, 1] + 0.3 * generator.normal(size=rows) > 0).astype(float)
    sides = generator.choice([TRAIN, VALIDATION, HOLDOUT], rows, p=[0.6, 0.2, 0.2]).astype(np.uint8)
    document = {"task": "classification", "classes": ["n", "y"], "salt": "s", "dataset": {"digest": "d"}}
    return PreparedTable(document, ENCODING, Spec(**spec), Part(matrix, target), sides)


def trial(score: float, name: str = "linear") -> Trial:
    return Trial(name, {}, 10, score, 0.0)


def ignore(_: float) -> None:
    return


def test_without_a_search_each_family_is_tried_once() -> None:
    assert [candidate.family for candidate in search.candidates(table())] == list(search.DEFAULT_FAMILIES)


def test_a_search_draws_what_was_asked_and_keeps_what_is_fixed() -> None:
    spec: dict[str, Any] = {"search": {"trials": 12}, "params": {"hist_gradient_boosting": {"learning_rate": 0.05}}}
    found = search.candidates(table(**spec))
    assert len(found) == len({repr(candidate) for candidate in found}) == 12
    assert found[:2] == [Candidate("linear"), Candidate("hist_gradient_boosting", {"learning_rate": 0.05})]
    rates = {candidate.params["learning_rate"] for candidate in found if candidate.family == "hist_gradient_boosting"}
    assert rates == {0.05}
    assert found == search.candidates(table(**spec))


def test_a_search_draws_only_what_the_chosen_kind_of_estimator_has() -> None:
    spec: dict[str, Any] = {"estimators": ("linear",), "search": {"trials": 5}}
    least_squares = table(**spec, params={"linear": {"kind": "least_squares"}})
    least_squares.document.update(task="regression", classes=None)
    assert search.candidates(least_squares) == [Candidate("linear", {"kind": "least_squares"})]


def test_a_search_ends_when_a_family_has_no_more_settings() -> None:
    found = search.candidates(table(estimators=("linear",), search={"trials": 500}))
    assert 2 < len(found) < 20


@pytest.mark.parametrize(("rows", "many", "sizes"), [
    (600, 50, [600]), (2000, 2, [2000]), (2000, 12, [666, 2000]), (90_000, 12, [10_000, 30_000, 90_000]),
    (90_000, 6, [30_000, 90_000]),
])  # fmt: skip
def test_rungs_grow_threefold(rows: int, many: int, sizes: list[int]) -> None:
    assert search.rungs(rows, many) == sizes


def test_the_better_third_goes_on_in_the_metrics_direction() -> None:
    trials = [trial(score, name) for score, name in ((0.3, "a"), (0.1, "b"), (0.2, "c"), (float("nan"), "d"))]
    assert [kept.family for kept in search.survivors("log_loss", trials)] == ["b", "c"]
    assert [kept.family for kept in search.survivors("roc_auc", trials)] == ["a", "c"]
    assert search.best("log_loss", trials).family == "b"


def test_the_search_prefers_what_fits_the_data() -> None:
    rows = table(2600, estimators=TREES, search={"trials": 4})
    fitted = fitting.fit(rows, 60.0, ignore, [])
    assert fitted.chosen.family == "decision_tree"
    assert {done.rows for done in fitted.trials} == {rows.train.rows // 3, rows.train.rows}
    assert fitted.chosen == search.best("log_loss", [done for done in fitted.trials if done.rows == rows.train.rows])


def test_no_fit_begins_after_the_deadline_but_one_is_always_made() -> None:
    fitted = fitting.fit(table(2600, estimators=TREES, search={"trials": 4}), 0.0, ignore, [])
    assert [(done.family, done.rows) for done in fitted.trials] == [("linear", fitted.chosen.rows)]


def test_recorded_trials_are_not_searched_again() -> None:
    rows = table(2600, estimators=TREES, search={"trials": 4})
    first = fitting.fit(rows, 60.0, ignore, [])
    again = fitting.fit(rows, 0.0, ignore, [search.trial_from_json(done.to_json()) for done in first.trials])
    assert again.chosen.candidate == first.chosen.candidate
    assert len(again.trials) == len(first.trials)
    probe = np.random.default_rng(5).normal(size=(50, 2)).astype(np.float32)
    part = Part(probe, np.zeros(50))
    one, two = (fitted.estimator.outcome(part).proba for fitted in (first, again))
    np.testing.assert_array_equal(one, two)


def test_progress_is_told_up_to_the_end() -> None:
    told: list[float] = []
    fitting.fit(table(2600, estimators=TREES, search={"trials": 4}), 60.0, told.append, [])
    assert told[-1] == 1.0
    assert all(0 < share <= 1 for share in told)
