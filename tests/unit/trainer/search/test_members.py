"""Which fits of a run become one model, and that the same is made of them again."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop.contracts.manifest_parts import selection_from_json, trial_from_json
from modelloop.spec.model import Spec
from modelloop.spec.sections import Search
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation.losses import row_losses
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.rows import Part
from trainer.search import crossing, fitting, members
from trainer.search.trials import TrialLog

if TYPE_CHECKING:
    from collections.abc import Iterator

    from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number"), Column("c", "number")])
SMALL: dict[str, Any] = {"hist_gradient_boosting": {"max_iter": 16, "max_leaf_nodes": 6, "learning_rate": 0.25}}


def table(task: str = "classification", rows: int = 900, *, bend: float = 1.5, **spec: Any) -> PreparedTable:
    """A table of a plane with a bend: a linear model sees the one best, trees the other."""
    generator = np.random.default_rng(4)
    matrix = generator.normal(size=(rows, 3)).astype(np.float32)
    score = 1.2 * matrix[:, 0] - matrix[:, 2] + bend * np.abs(matrix[:, 1]) - bend
    target = (score + generator.logistic(size=rows) > 0).astype(float)
    if task == "regression":
        target = np.exp(0.3 * (score + generator.normal(size=rows)))
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], rows, p=[0.6, 0.2, 0.2]).astype(np.uint8))
    facts = table_facts(ENCODING, Spec(**{"params": SMALL} | spec), task=task, classes=("n", "y"))
    return prepared_table(facts, Part(matrix, target), sides)


def fit(rows: PreparedTable, **options: Any) -> fitting.Fitted:
    return fitting.fit(rows, 60.0, lambda _: None, **{"recorded": []} | options)


@pytest.fixture(scope="module", autouse=True)
def _one_repeat() -> Iterator[None]:
    """Folds are made once, which says as much here as twice."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(crossing, "MAX_REPEATED_ROWS", 0)
        yield


@pytest.fixture(scope="module")
def blended() -> fitting.Fitted:
    return fit(table())


@pytest.mark.parametrize(("task", "metric"), [("classification", "log_loss"), ("regression", "rmse")])
def test_families_that_answer_better_together_are_blended(task: str, metric: str, blended: fitting.Fitted) -> None:
    rows = table(task)
    fitted = fit(rows) if task == "regression" else blended
    assert isinstance(fitted.estimator.model, Blend)
    assert {member.family for member in fitted.blend} == {"linear", "hist_gradient_boosting"}
    assert sum(member.weight for member in fitted.blend) == pytest.approx(1.0)
    assert fitted.blend[0].weight >= fitted.blend[1].weight
    found = next(one for one in fitted.contenders if one.trial == fitted.chosen)
    blend = members.find_blend(rows, fitted.contenders, found, metric)
    assert blend is not None
    joined = members._joined(rows, blend, [one.unseen(rows) for one in blend.contenders])
    losses = [
        row_losses(metric, one.predictions).mean() for one in (joined, *(c.unseen(rows) for c in fitted.contenders))
    ]
    assert losses[0] < min(losses[1:])


def test_no_blend_depends_on_the_holdout(blended: fitting.Fitted) -> None:
    other = table()
    held_out = other.membership == HOLDOUT
    other.rows.target[held_out] = 1 - other.rows.target[held_out]
    assert fit(other).blend == blended.blend != ()


def found_again(fitted: fitting.Fitted, rows: PreparedTable, **changes: Any) -> members.Blended | None:
    """Look for the blend once more, with the contenders other than the chosen one changed."""
    found = next(one for one in fitted.contenders if one.trial == fitted.chosen)
    offered = [one if one is found else replace(one, **changes) for one in fitted.contenders]
    return members.find_blend(rows, offered, found, "log_loss")


def test_only_what_was_named_and_can_be_added_is_blended(blended: fitting.Fitted) -> None:
    rows = table()
    assert found_again(blended, rows) is not None
    assert found_again(blended, table(search=Search(blend=False))) is None
    (other,) = (one for one in blended.contenders if one.trial != blended.chosen)
    assert found_again(blended, rows, trial=replace(other.trial, origin="drawn")) is None
    assert other.crossed is not None
    answers = other.crossed.unseen.answers
    assert answers is not None
    for changed in (
        replace(answers, link="mean"), replace(answers, statistic="the median"),
        replace(answers, rows=answers.rows + 1), None,
    ):  # fmt: skip
        unseen = replace(other.crossed.unseen, answers=changed)
        assert found_again(blended, rows, crossed=replace(other.crossed, unseen=unseen)) is None


def test_a_blend_too_large_to_serve_is_not_kept(blended: fitting.Fitted, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MODEL_BYTES", 5_000)
    assert found_again(blended, table()) is None


def test_a_model_that_is_as_good_alone_is_kept_alone() -> None:
    assert fit(table(bend=0.0)).blend == ()


@pytest.mark.parametrize(("least", "again"), [(2_000, False), (2_000, True), (100, True)])
def test_a_recorded_blend_is_fitted_again_to_the_same_bits(
    least: int, again: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(members, "is_gain", lambda *_: again)
    monkeypatch.setattr(crossing, "MAX_VALIDATION_ROWS", least)
    data = table()
    first = fit(data)
    assert first.selection is not None
    assert first.selection.refit is not None
    assert (len(first.blend), first.selection.refit.done, first.unseen is not None) == (2, again, again)
    log = orjson.loads(TrialLog(first.trials, None, first.selection).to_bytes())
    recorded = [trial_from_json(trial) for trial in log["trials"]]
    second = fit(data, recorded=recorded, selection=selection_from_json(log["selection"]))
    assert second.selection == first.selection
    documents = [flatten(one.estimator.model, ENCODING) for one in (first, second)]
    assert orjson.dumps(documents[0]) == orjson.dumps(documents[1])
    if again and first.unseen and second.unseen:
        np.testing.assert_array_equal(first.unseen.predictions.predicted, second.unseen.predictions.predicted)
        by_folds = first.selection.by == "cross_validation"
        assert len(first.unseen.rows) == (data.fitting_rows.rows if by_folds else data.validation.rows)
        assert by_folds == (least > 100)


def test_a_refit_is_one_decision_for_all_members(blended: fitting.Fitted) -> None:
    fitted = blended
    assert fitted.selection is not None
    made = fitted.selection.refit
    assert made is not None
    assert made.gain is not None
    assert made.error is not None
    assert made.done == (made.gain > made.error)
    counts = {member.family: member.iterations for member in fitted.blend}
    assert counts["linear"] is None
    assert (counts["hist_gradient_boosting"] is not None) == made.done


def test_other_rows_are_fitted_with_the_weights_kept(blended: fitting.Fitted) -> None:
    rows, fitted = table(), blended
    anew = fitted.fit_anew(rows, rows.validation)
    assert isinstance(anew.model, Blend)
    assert anew.model.weights == [member.weight for member in fitted.blend]
    first, second = (one.predict(rows.holdout).proba for one in (anew, fitted.estimator))
    assert first is not None
    assert not np.array_equal(first, second)  # type: ignore[arg-type]  # it has probabilities as the first has
