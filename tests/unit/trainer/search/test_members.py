"""Which fits of a run become one model, and that the same is made of them again."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import orjson
import pytest

from modelloop.contracts.manifest_parts import BlendMember, trial_from_json
from modelloop.spec.model import Spec
from modelloop.spec.sections import Search
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation.losses import row_losses
from trainer.export.serving import flatten
from trainer.families.blend import Blend
from trainer.rows import Part
from trainer.search import fitting, members
from trainer.search.trials import TrialLog

if TYPE_CHECKING:
    from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number"), Column("c", "number")])
SMALL: dict[str, Any] = {"hist_gradient_boosting": {"max_iter": 40, "max_leaf_nodes": 6}}


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


@pytest.mark.parametrize(("task", "metric"), [("classification", "log_loss"), ("regression", "rmse")])
def test_families_that_answer_better_together_are_blended(task: str, metric: str) -> None:
    rows = table(task)
    fitted = fit(rows)
    assert isinstance(fitted.estimator.model, Blend)
    assert {member.family for member in fitted.blend} == {"linear", "hist_gradient_boosting"}
    assert sum(member.weight for member in fitted.blend) == pytest.approx(1.0)
    assert fitted.blend[0].weight >= fitted.blend[1].weight
    loss = float(row_losses(metric, fitted.estimator.predict(rows.validation)).mean())
    assert (loss**0.5 if metric == "rmse" else loss) < min(trial.score for trial in fitted.trials)


def test_no_blend_depends_on_the_holdout() -> None:
    seen, other = table(), table()
    held_out = other.membership == HOLDOUT
    other.rows.target[held_out] = 1 - other.rows.target[held_out]
    assert fit(seen).blend == fit(other).blend != ()


@pytest.mark.parametrize("spec", [
    {"search": Search(blend=False)}, {"estimators": ("linear",)}, {"estimators": ("linear", "random_forest")},
])  # fmt: skip
def test_one_model_is_kept_where_the_spec_says_so_or_nothing_else_has_its_link(spec: dict[str, Any]) -> None:
    assert fit(table(**spec | {"params": {}})).blend == ()


def test_models_of_different_statistics_are_not_blended() -> None:
    params = {**SMALL, "linear": {"kind": "quantile", "quantile": 0.5, "alpha": 0.0}}
    assert fit(table("regression", params=params, metric="rmse")).blend == ()


def test_a_model_that_is_as_good_alone_is_kept_alone() -> None:
    assert fit(table(bend=0.0)).blend == ()


def test_a_blend_too_large_to_serve_is_not_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(members, "MAX_MODEL_BYTES", 5_000)
    assert fit(table()).blend == ()


def test_of_the_draws_only_the_best_may_be_a_member() -> None:
    fitted = fit(table(rows=600, search=Search(trials=5)))
    drawn = [trial for trial in fitted.trials if trial.origin == "drawn"]
    assert drawn
    chosen = [member for member in fitted.blend if any(trial.params == member.params for trial in drawn)]
    assert [member.params for member in chosen] in ([], [fitted.chosen.params])


def test_a_recorded_blend_is_fitted_again_to_the_same_bits() -> None:
    rows = table()
    first = fit(rows)
    log = orjson.loads(TrialLog(first.trials, None, first.blend).to_bytes())
    recorded = [trial_from_json(trial) for trial in log["trials"]]
    again = fit(rows, recorded=recorded, recorded_blend=tuple(BlendMember(**one) for one in log["blend"]))
    assert isinstance(again.estimator.model, Blend)
    assert isinstance(first.estimator.model, Blend)
    assert again.blend == first.blend
    assert orjson.dumps(flatten(again.estimator.model, ENCODING)) == orjson.dumps(
        flatten(first.estimator.model, ENCODING)
    )


def test_other_rows_are_fitted_with_the_weights_kept() -> None:
    rows = table()
    fitted = fit(rows)
    anew = fitted.fit_anew(rows, rows.validation)
    assert isinstance(anew.model, Blend)
    assert anew.model.weights == [member.weight for member in fitted.blend]
    first, second = (one.predict(rows.holdout).proba for one in (anew, fitted.estimator))
    assert first is not None
    assert not np.array_equal(first, second)  # type: ignore[arg-type]  # it has probabilities as the first has
