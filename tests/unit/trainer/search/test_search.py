from __future__ import annotations

import json
import threading
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import joblib._parallel_backends
import numpy as np
import pytest

from modelloop.contracts.manifest_parts import (
    Predecessor,
    Refit,
    Selection,
    TrialRecord,
    selection_from_json,
    trial_from_json,
)
from modelloop.errors import FitRefusedError, SpecError
from modelloop.spec.fields import DEFAULT_FAMILIES
from modelloop.spec.model import Spec
from modelloop.spec.sections import Search
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part
from trainer.search import candidates, crossing, estimation, fitting, halving, objective, refitting, selecting
from trainer.search.candidates import Candidate
from trainer.search.clock import Clock
from trainer.search.predecessor import FittedVersion

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.versions.prepared_table import Label
    from trainer.table import PreparedTable

TREES = ("linear", "decision_tree")
ENCODING = Encoding([Column("a", "number"), Column("b", "number")])


def table(
    rows: int = 400, task: str = "classification", classes: Sequence[Label] = ("n", "y"), **spec: Any
) -> PreparedTable:
    generator = np.random.default_rng(1)
    matrix = generator.normal(size=(rows, 2)).astype(np.float32)
    target = (matrix[:, 0] * matrix[:, 1] + 0.1 * generator.normal(size=rows) > 0).astype(float)
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], rows, p=[0.6, 0.2, 0.2]).astype(np.uint8))
    facts = table_facts(ENCODING, Spec(**spec), task=task, classes=classes)
    return prepared_table(facts, Part(matrix, target), sides)


def trial(score: float, name: str = "linear") -> TrialRecord:
    return TrialRecord(name, {}, 10, score, 0.0)


def ignore(_: float) -> None:
    return


def test_no_choice_depends_on_the_holdout() -> None:
    spec: dict[str, Any] = {"estimators": TREES, "search": Search(trials=4)}
    seen, other = table(**spec), table(**spec)
    held_out = other.membership == HOLDOUT
    other.rows.target[held_out] = 1 - other.rows.target[held_out]

    first, second = (fitting.fit(one, 60.0, ignore, []) for one in (seen, other))

    assert [(one.score, one.folds) for one in first.trials] == [(one.score, one.folds) for one in second.trials]
    assert first.selection == second.selection
    one, two = (found.estimator.predict(seen.holdout).proba for found in (first, second))
    np.testing.assert_array_equal(one, two)


def test_without_a_search_each_family_is_tried_once() -> None:
    assert [candidate.family for candidate in candidates.candidates(table())] == list(DEFAULT_FAMILIES)


def test_a_search_draws_what_was_asked_and_keeps_what_is_fixed() -> None:
    spec: dict[str, Any] = {"search": Search(trials=12), "params": {"hist_gradient_boosting": {"learning_rate": 0.05}}}
    found = candidates.candidates(table(**spec))
    assert len(found) == len({repr(candidate) for candidate in found}) == 12
    assert found[:2] == [Candidate("linear"), Candidate("hist_gradient_boosting", {"learning_rate": 0.05})]
    rates = {candidate.params["learning_rate"] for candidate in found if candidate.family == "hist_gradient_boosting"}
    assert rates == {0.05}
    assert found == candidates.candidates(table(**spec))


def test_a_search_draws_only_what_the_chosen_kind_of_estimator_has() -> None:
    spec: dict[str, Any] = {"estimators": ("linear",), "search": Search(trials=5)}
    least_squares = table(task="regression", **spec, params={"linear": {"kind": "least_squares"}})
    assert candidates.candidates(least_squares) == [Candidate("linear", {"kind": "least_squares"})]


def test_a_search_ends_when_a_family_has_no_more_settings() -> None:
    found = candidates.candidates(table(estimators=("linear",), search=Search(trials=500)))
    assert 2 < len(found) < 20


def test_defaults_are_not_tried_again_when_a_draw_spells_them_out() -> None:
    found = candidates.candidates(table(estimators=("linear",), search=Search(trials=500)))
    assert found[0] == Candidate("linear")
    assert 1.0 not in [candidate.params["C"] for candidate in found[1:]]


@pytest.mark.parametrize(("rows", "many", "sizes"), [
    (600, 50, [600]), (2000, 2, [2000]), (2000, 12, [666, 2000]), (90_000, 12, [10_000, 30_000, 90_000]),
    (90_000, 6, [30_000, 90_000]),
])  # fmt: skip
def test_rounds_grow_threefold(rows: int, many: int, sizes: list[int]) -> None:
    assert candidates.round_sizes(rows, many) == sizes


def test_the_better_third_goes_on_in_the_metrics_direction() -> None:
    trials = [trial(score, name) for score, name in ((0.3, "a"), (0.1, "b"), (0.2, "c"), (float("nan"), "d"))]
    assert [kept.family for kept in objective.survivors("log_loss", trials)] == ["b", "c"]
    assert [kept.family for kept in objective.survivors("roc_auc", trials)] == ["a", "c"]
    assert objective.best("log_loss", trials).family == "b"


def test_what_was_refused_does_not_go_on() -> None:
    refused = [TrialRecord(name, {}, 10, float("nan"), 0.0, "refused") for name in "acd"]
    assert [kept.family for kept in objective.survivors("log_loss", [*refused, trial(0.1, "b")])] == ["b"]
    assert objective.best("log_loss", [*refused, trial(float("nan"), "b")]).family == "b"


def test_the_search_prefers_what_fits_the_data() -> None:
    rows = table(6000, estimators=TREES, search=Search(trials=6))
    fitted = fitting.fit(rows, 60.0, ignore, [])
    assert fitted.chosen.family == "decision_tree"
    assert {done.rows for done in fitted.trials} == {rows.train.rows // 3, rows.train.rows}


def test_no_fit_begins_after_the_deadline_but_one_is_always_made() -> None:
    fitted = fitting.fit(table(2600, estimators=TREES, search=Search(trials=4)), 0.0, ignore, [])
    assert [(done.family, done.rows) for done in fitted.trials] == [("linear", fitted.chosen.rows)]


def test_recorded_trials_are_not_searched_again() -> None:
    rows = table(2600, estimators=TREES, search=Search(trials=4))
    first = fitting.fit(rows, 60.0, ignore, [])
    recorded = [trial_from_json(done.to_json()) for done in first.trials]
    again = fitting.fit(rows, 0.0, ignore, recorded, selection=first.selection)
    assert candidates.candidate_of(again.chosen) == candidates.candidate_of(first.chosen)
    assert len(again.trials) == len(first.trials)
    probe = np.random.default_rng(5).normal(size=(50, 2)).astype(np.float32)
    part = Part(probe, np.zeros(50))
    one, two = (fitted.estimator.predict(part).proba for fitted in (first, again))
    np.testing.assert_array_equal(one, two)


def test_of_a_log_of_an_earlier_release_the_best_trial_is_fitted_as_it_was_then() -> None:
    rows = table(estimators=TREES)
    recorded = [
        TrialRecord("linear", {}, rows.train.rows, 0.6, 0.0),
        TrialRecord("decision_tree", {}, rows.train.rows, 0.5, 0.0),
    ]
    found = fitting.fit(rows, 0.0, ignore, recorded)
    assert (found.chosen, found.selection, found.unseen) == (recorded[1], None, None)
    then = estimation.estimate(rows, candidates.candidate_of(recorded[1]), rows.train)
    np.testing.assert_array_equal(found.estimator.predict(rows.holdout).predicted, then.predict(rows.holdout).predicted)


def test_what_was_chosen_survives_json() -> None:
    made = Selection(
        "cross_validation", 5, 2, 3, ("linear",), Refit(done=True, rows=80, iterations=7, gain=0.1, error=0.05)
    )
    for selection in (made, replace(made, refit=None)):
        document = json.loads(json.dumps(selection.to_json(), allow_nan=False))
        assert selection_from_json(document) == selection
        assert selection_from_json({**document, "later": 1}) == selection
    assert selection_from_json(None) is None


def test_recorded_trials_survive_json_with_scores_that_were_not_defined() -> None:
    told = [
        trial(0.5),
        trial(float("nan"), "decision_tree"),
        TrialRecord("linear", {}, 10, float("nan"), 0.0, "refused"),
        TrialRecord("linear", {"C": 2}, 10, 0.6, 0.0, folds=(0.5, float("nan"))),
    ]
    again = [trial_from_json(json.loads(json.dumps(one.to_json(), allow_nan=False))) for one in told]
    assert objective.best("log_loss", again) == told[0]
    assert [objective._rank("roc_auc", one) for one in again] == [objective._rank("roc_auc", one) for one in told]
    assert [one.error for one in again] == [None, None, "refused", None]
    assert str(again[-1].folds) == "(0.5, nan)"
    assert "folds" not in told[0].to_json()


def test_a_round_tries_as_many_at_a_time_as_there_are_processors_where_there_are_no_semaphores(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("os.process_cpu_count", lambda: 2)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(joblib._parallel_backends, "mp", None)  # what joblib knows of a machine without /dev/shm
    both = threading.Barrier(2, timeout=60)
    estimate = estimation.estimate

    def watched(*arguments: Any) -> Any:
        both.wait()
        return estimate(*arguments)

    monkeypatch.setattr(estimation, "estimate", watched)
    tried = halving.halving_round(table(), [Candidate("linear"), Candidate("decision_tree")], 60, "log_loss", clock())
    assert [one.family for one in tried] == ["linear", "decision_tree"]


def test_every_class_is_in_the_smallest_sample() -> None:
    rows = table(9000, classes=range(19), estimators=TREES, search=Search(trials=12))
    rare = np.random.default_rng(3).choice(np.flatnonzero(rows.membership == TRAIN), 2 * 18, replace=False)
    rows.rows.target[:] = 0.0
    rows.rows.target[rare] = np.repeat(np.arange(1, 19), 2)
    picked = halving.sample(rows, 500)
    assert len(picked) == len(set(picked.tolist())) == 500
    assert (np.diff(picked) > 0).all()
    counts = np.bincount(rows.train.target[picked].astype(int), minlength=19)
    assert counts[1:].tolist() == [2] * 18
    fitted = fitting.fit(rows, 60.0, ignore, [])
    assert len({done.rows for done in fitted.trials}) == 3
    assert all(np.isfinite(done.score) for done in fitted.trials)


def test_an_estimator_that_refuses_the_table_leaves_the_others_to_it() -> None:
    spec: dict[str, Any] = {"estimators": ("linear", "decision_tree"), "params": {"linear": {"C": -1.0}}}
    fitted = fitting.fit(table(**spec), 60.0, ignore, [])
    assert fitted.chosen.family == "decision_tree"
    refused = fitted.trials[0]
    assert "LogisticRegression cannot be fitted: The 'C' parameter" in str(refused.error)
    searched = fitting.fit(table(2600, **spec, search=Search(trials=4)), 60.0, ignore, [])
    assert {done.family for done in searched.trials if done.error is None} == {"decision_tree"}


def test_when_every_estimator_refuses_the_table_it_is_told_why() -> None:
    with pytest.raises(FitRefusedError, match="LogisticRegression cannot be fitted"):
        fitting.fit(table(estimators=("linear",), params={"linear": {"C": -1.0}}), 60.0, ignore, [])


def test_a_parameter_that_no_estimator_has_is_no_matter_of_taste() -> None:
    with pytest.raises(SpecError, match="no parameter 'colour'"):
        fitting.fit(table(estimators=TREES, params={"linear": {"colour": 1}}), 60.0, ignore, [])


def test_a_fit_takes_longer_in_proportion_to_the_rows() -> None:
    first, slow = TrialRecord("slow", {}, 1, 0.1, 1.0), TrialRecord("slow", {}, 10, 0.1, 4.0)
    quick = TrialRecord("quick", {}, 9, 0, 9)
    assert objective.expected_seconds(Candidate("slow"), [first, slow, quick], 30) == 12.0
    assert objective.expected_seconds(Candidate("new"), [slow, quick], 30) == 0.0


@pytest.mark.parametrize(("seconds", "order"), [
    (13.0, ["slow", "quick", "quickest"]), (5.0, ["quick", "slow", "quickest"]), (1.0, ["quickest", "slow", "quick"]),
])  # fmt: skip
def test_the_best_that_ends_in_time_is_fitted_first(seconds: float, order: list[str]) -> None:
    tried = [
        TrialRecord(name, {}, 10, 0.1, taken) for name, taken in (("slow", 4.0), ("quick", 1.0), ("quickest", 0.9))
    ]
    found = objective.safest_first([candidates.candidate_of(done) for done in tried], tried, 30, seconds)
    assert [candidate.family for candidate in found] == order


def test_what_would_end_after_the_deadline_is_not_begun(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "expected_seconds", lambda candidate, *_: 1e6 * (candidate.family == "linear"))
    rows = table(3000, estimators=("decision_tree", "linear"), search=Search(trials=9))
    fitted = fitting.fit(rows, 60.0, ignore, [])
    assert {done.family for done in fitted.trials if done.rows < rows.train.rows} == set(TREES)
    assert {done.family for done in fitted.trials if done.rows == rows.train.rows} == {"decision_tree"}
    assert fitted.selection is not None
    assert fitted.selection.left_out == ("linear",)


def test_what_is_named_is_fitted_on_all_rows_whatever_its_luck_on_few(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(selecting, "halving_round", _flattered)
    rows = table(3000, estimators=TREES, search=Search(trials=12))
    known = FittedVersion(Predecessor(3, "r"), "classification", (("decision_tree", {"max_leaf_nodes": 5}),))
    fitted = fitting.fit(rows, 60.0, ignore, [], known)
    whole = [(done.family, done.params, done.origin) for done in fitted.trials if done.rows == rows.train.rows]
    assert whole[:3] == [
        ("decision_tree", {"max_leaf_nodes": 5}, "predecessor"), ("linear", {}, "spec"), ("decision_tree", {}, "spec"),
    ]  # fmt: skip


def _flattered(_: PreparedTable, chosen: list[Candidate], rows: int, *__: Any) -> list[TrialRecord]:
    return [TrialRecord(one.family, one.params, rows, 1e-9, 0.0, origin=one.origin) for one in chosen]


def test_a_budget_is_spent_on_what_is_expected_to_fit(monkeypatch: pytest.MonkeyPatch) -> None:
    began: list[tuple[str, int]] = []
    clocked = _Clocked({"linear": 0.0001, "decision_tree": 0.01})
    monkeypatch.setattr("time.monotonic", clocked.now)
    monkeypatch.setattr("os.process_cpu_count", lambda: 1)

    def slow(fit: Any, rows: PreparedTable, candidate: Candidate, part: Part, *rest: Any) -> Any:
        began.append((candidate.family, part.rows))
        clocked.spend(candidate.family, part.rows)
        return fit(rows, candidate, part, *rest)

    for module, name in (
        (estimation, "estimate"), (crossing, "estimate"), (crossing, "estimate_alone"), (refitting, "estimate_alone"),
    ):  # fmt: skip
        monkeypatch.setattr(module, name, partial(slow, getattr(module, name)))
    rows = table(6000, estimators=TREES, search=Search(trials=30, seconds=10))
    fitted = fitting.fit(rows, 600.0, ignore, [])
    assert fitted.selection is not None
    assert fitted.selection.left_out == ("decision_tree",)
    assert fitted.chosen.family == "linear"
    assert clocked.seconds <= 11.0
    assert ("decision_tree", rows.train.rows) not in began


class _Clocked:
    """A clock that goes on only while something is fitted, so many seconds a row of each family."""

    def __init__(self, a_row: dict[str, float]) -> None:
        self.seconds, self._a_row = 0.0, a_row

    def now(self) -> float:
        return self.seconds

    def spend(self, family: str, rows: int) -> None:
        self.seconds += self._a_row[family] * rows


def test_progress_is_told_up_to_the_end_and_never_falls() -> None:
    told: list[float] = []
    fitting.fit(table(9000, estimators=TREES, search=Search(trials=12)), 60.0, told.append, [])
    assert told[-1] == 1.0
    assert told == sorted(told)
    assert 0 < told[0] < 0.1


def clock() -> Clock:
    return Clock(float("inf"), ignore)
