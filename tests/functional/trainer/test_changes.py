"""A successor that is another thing than the champion waits for a person, and its comparisons cannot refuse it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion
from modelloop.tables.encoding import Column, Encoding
from tests.support.onnx_models import SIGMOID
from tests.support.trainer_lab import NUMBERS, decision, outcomes, regression_sample, sample

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Data, Lab

QUANTILE = Spec(estimators=("linear",), params={"linear": {"kind": "quantile", "quantile": 0.9, "alpha": 0.0}})


def waits(lab: Lab, run: Run, check: str) -> str:
    """Return what the check said of a run that must wait for approval."""
    assert (run.state, decision(run), outcomes(run)[check]) == ("SUCCEEDED", "approve", "approval"), run.reason
    assert lab.pointer().challenger is None
    assert run.gate is not None
    return next(str(found.detail) for found in run.gate.checks if found.name == check)


@pytest.mark.parametrize("data", [regression_sample(2000, 2), replace(sample(2000, 2), name="z")])
def test_another_task_or_target_waits_and_is_not_compared(lab: Lab, data: Data) -> None:
    lab.train(sample(2000, 1))
    run = lab.train(data)
    assert "the task or the target is not the champion's" in waits(lab, run, "same_task")
    assert run.gate is not None
    assert [found.name for found in run.gate.comparisons] == ["trivial"]


def test_a_brought_successor_asks_no_new_column_of_old_callers(lab: Lab) -> None:
    data = sample(2000, 3)
    narrow = Encoding([column for column in NUMBERS.columns if column.name != "b"])
    lab.train(replace(data, matrix=data.matrix[:, [0, 2]], encoding=narrow))
    run = lab.import_model(SIGMOID, replace(data, target=1 - data.target))
    assert outcomes(run)["required_columns"] == "passed"


def test_a_column_of_another_kind_is_never_released_without_a_person(lab: Lab) -> None:
    lab.train(sample(2000, 4))
    numbers = Encoding([*NUMBERS.columns[:2], Column("kind", "number")])
    run = lab.train(replace(sample(2100, 4), encoding=numbers))
    assert outcomes(run)["column_kinds"] == "approval"
    assert "kind: of another kind than before" in str(run.reason)
    assert decision(run) != "release"


def test_another_statistic_of_the_same_number_waits(lab: Lab) -> None:
    lab.train(regression_sample(2000, 5))
    said = waits(lab, lab.train(replace(regression_sample(2000, 5), spec=QUANTILE)), "same_statistic")
    assert said.startswith("the 0.9 quantile is predicted, and the mean by the champion")


def test_rows_held_out_by_another_rule_cannot_refuse_and_begin_a_new_record(lab: Lab) -> None:
    """What was fitted on rows that judge it looks too good: it is no measure for what comes after."""
    data = sample(2000, 6)
    first = lab.train(data)
    weak = Spec(estimators=("linear",), params={"linear": {"C": 0.002}}, holdout=0.3)
    run = lab.train(replace(data, spec=weak))
    assert "held out by another rule" in waits(lab, run, "same_split")
    assert outcomes(run)["champion_on_holdout"] == outcomes(run)["best_on_anchor"] == "approval"
    assert lab.manifest(run)["best"]["run_id"] == run.run_id != first.run_id


def test_a_successor_that_is_worse_than_the_best_so_far_does_not_replace_it(lab: Lab) -> None:
    data = sample(3000, 7)
    first = lab.train(data)
    spec = Spec(estimators=("linear",), params={"linear": {"C": 0.05}}, promotion=Promotion(margin=0.2))
    run = lab.train(replace(data, spec=spec))
    assert decision(run) == "release", run.reason
    assert lab.manifest(run)["best"]["run_id"] == first.run_id


def test_a_version_knows_until_when_it_was_fitted_and_chosen(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), time_column="t")
    data = replace(sample(2000, 8), spec=spec, times=np.arange(2000.0))
    until = lab.manifest(lab.train(data))["split"]["trained_until"]
    assert data.times is not None
    assert until == data.times[data.membership() == 1].max()
    assert until > data.times[data.membership() == 0].max()


def test_columns_named_by_a_line_of_data_wait_unless_the_champion_has_them(lab: Lab) -> None:
    data = replace(sample(2000, 6), first_line="0.25, 1.5, red")
    run = lab.train(data)
    assert (run.state, decision(run), outcomes(run)["header"]) == ("SUCCEEDED", "approve", "approval")
    assert "the first line looks like data, not names (0.25, 1.5, red)" in str(run.reason)
    assert lab.pointer() is None
    lab.promote(run)
    assert "header" not in outcomes(lab.train(replace(sample(2100, 6), first_line="0.5, 1.25, red")))
