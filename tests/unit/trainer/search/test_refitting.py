"""The winner learns from the validation rows too where folds show that this helps."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part
from trainer.search import crossing, fitting, refitting
from trainer.search.candidates import Candidate
from trainer.search.crossing import Crossed
from trainer.search.estimation import estimate_alone
from trainer.search.fitting import Fitted
from trainer.search.folds import make_folds
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])
GUESSING = {"decision_tree": {"min_samples_leaf": 1, "max_leaf_nodes": 9999}}
BOOSTED = {"hist_gradient_boosting": {"max_iter": 40, "max_leaf_nodes": 4}}


def table(rows: int = 300, *, noise: float = 0.1, task: str = "regression", **spec: Any) -> PreparedTable:
    generator = np.random.default_rng(4)
    matrix = generator.normal(size=(rows, 2)).astype(np.float32)
    target = np.sin(2 * matrix[:, 0]) + matrix[:, 1] + noise * generator.normal(size=rows)
    if task == "classification":
        target = (target > 0).astype(float)
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], rows, p=[0.64, 0.16, 0.2]).astype(np.uint8))
    return prepared_table(table_facts(ENCODING, Spec(**spec), task=task), Part(matrix, target), sides)


def fitted(rows: PreparedTable, seconds: float = 60.0) -> Fitted:
    return fitting.fit(rows, seconds, lambda _: None, [])


def test_a_refit_learns_from_all_rows_but_the_holdouts() -> None:
    rows = table(estimators=("hist_gradient_boosting",), params=BOOSTED)
    found = fitted(rows)
    assert found.selection is not None
    assert found.selection.refit is not None
    assert found.selection.refit.done
    learned = estimate_alone(rows, found.recipe, rows.rows.take(rows.membership != HOLDOUT))
    np.testing.assert_array_equal(
        found.estimator.predict(rows.holdout).predicted, learned.predict(rows.holdout).predicted
    )
    assert found.selection.refit.rows == rows.train.rows + rows.validation.rows


def test_boosting_goes_on_for_the_median_of_the_best_iterations_and_a_quarter_more() -> None:
    rows = table(noise=1.5, estimators=("hist_gradient_boosting",), params={"hist_gradient_boosting": {}})
    folds = make_folds(rows, rows.fitting_rows.rows)
    (crossed,) = crossing.cross(rows, [Candidate("hist_gradient_boosting")], "rmse", [folds]) or []
    grown = refitting.grown_iterations(fitted(rows).estimator, crossed.iterations)
    assert grown == round(np.median(crossed.iterations) * 5 / 4)
    assert 1 <= grown < 200
    assert refitting.grown_iterations(fitted(table(estimators=("linear",))).estimator, ()) is None


def test_settings_that_are_not_better_with_more_rows_are_left_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    cross_whole = crossing.cross_whole

    def spoiled(*arguments: Any) -> Crossed | None:
        found = cross_whole(*arguments)
        return None if found is None else replace(found, scores=tuple(score * 1.01 for score in found.scores))

    monkeypatch.setattr(refitting, "cross_whole", spoiled)
    rows = table(estimators=("linear",))
    found = fitted(rows)
    assert found.selection is not None
    assert found.selection.refit is not None
    assert not found.selection.refit.done
    assert (found.selection.refit.gain or 0.0) < 0.0
    assert found.unseen is None


@pytest.mark.parametrize("again", [True, False])
def test_answers_that_stand_for_unseen_rows_come_from_models_that_have_not_seen_them(
    monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(refitting, "is_better", lambda *_: again)
    rows = table(task="classification", estimators=("decision_tree",), params=GUESSING)
    rows.rows.target[:] = np.random.default_rng(1).integers(0, 2, rows.rows.rows)  # nothing to learn
    found = fitted(rows)
    own = found.estimator.predict(rows.fitting_rows)
    for unseen in (found.unseen, found.contenders[0].unseen(rows)):
        if unseen is None:
            assert not again
            continue
        assert unseen.rows.tolist() == list(range(rows.fitting_rows.rows))
        assert unseen.answers is not None
        assert unseen.answers.rows is unseen.rows
        assert abs((unseen.predictions.predicted == unseen.predictions.target).mean() - 0.5) < 0.12
    assert (own.predicted == own.target).mean() > 0.75


def test_of_a_large_table_the_validation_part_says_whether_more_rows_help(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(crossing, "MAX_VALIDATION_ROWS", 40)
    rows = table(estimators=("hist_gradient_boosting",), params=BOOSTED)
    found = fitted(rows)
    assert found.selection is not None
    assert found.selection.by == "validation"
    assert found.selection.refit is not None
    assert found.selection.refit.gain is not None
    monkeypatch.setattr(refitting, "is_better", lambda *_: True)
    found = fitted(rows)
    assert found.unseen is not None
    assert found.unseen.rows.tolist() == list(range(rows.train.rows, rows.fitting_rows.rows))
    again = fitting.fit(rows, 0.0, lambda _: None, found.trials, selection=found.selection)
    for one, two in ((found.estimator, again.estimator),):
        np.testing.assert_array_equal(one.predict(rows.holdout).predicted, two.predict(rows.holdout).predicted)
    assert again.unseen is not None
    np.testing.assert_array_equal(found.unseen.predictions.predicted, again.unseen.predictions.predicted)
    monkeypatch.setattr(refitting, "MAX_ROWS", 100)
    large = fitted(rows).selection
    assert large is not None
    assert large.refit is not None
    assert large.refit.reason == refitting.MANY_ROWS


def test_without_time_nothing_is_compared() -> None:
    found = fitted(table(estimators=("linear",)), 0.0)
    assert found.selection is not None
    assert (found.selection.by, found.selection.repeats) == ("validation", 0)
    assert found.selection.refit is not None
    assert found.selection.refit.reason == refitting.NO_FOLDS
