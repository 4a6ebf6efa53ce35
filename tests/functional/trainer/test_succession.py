from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.contracts.manifest import manifest_from_json
from modelloop.rollout import clearance
from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion
from modelloop.tables.encoding import Column, Encoding
from tests.support.stores import stores_of
from tests.support.trainer_lab import NUMBERS, Data, decision, outcomes, regression_sample, sample
from trainer.release.publishing import publish

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab

WIDER = Encoding([*NUMBERS.columns, Column("late", "number")])


def joined(*parts: Data) -> Data:
    matrix = np.concatenate([part.matrix for part in parts])
    return replace(parts[0], matrix=matrix, target=np.concatenate([part.target for part in parts]))


def test_a_cumulative_upload_with_more_data_becomes_the_challenger(lab: Lab) -> None:
    old = sample(1500, 1)
    first = lab.train(replace(old, spec=Spec(estimators=("linear",), params={"linear": {"C": 0.01}})))
    second = lab.train(joined(old, sample(3000, 2)))
    assert decision(second) == "release", second.reason
    pointer = lab.pointer()
    assert (pointer.champion.run_id, pointer.challenger.run_id) == (first.run_id, second.run_id)
    assert pointer.weight == 10
    assert second.version == 2


def test_rows_held_out_once_are_never_trained_on_later(lab: Lab) -> None:
    old = sample(800, 3)
    both = joined(old, sample(800, 4))
    assert (both.membership()[:800] == old.membership()).all()
    lab.train(old)
    run = lab.train(both)
    assert run.gate is not None
    anchor = next(found for found in run.gate.comparisons if found.name == "champion_on_anchor")
    assert anchor.rows == (old.membership() == 2).sum()


def test_shuffled_labels_are_rejected(lab: Lab) -> None:
    data = sample(2000, 5)
    lab.train(data)
    run = lab.train(replace(data, target=np.random.default_rng(0).permutation(data.target)))
    assert run.state == "REJECTED"
    assert lab.pointer().challenger is None


def test_inverted_labels_wait_for_approval(lab: Lab) -> None:
    data = sample(2000, 6)
    lab.train(data)
    run = lab.train(replace(data, target=1 - data.target))
    assert run.state == "SUCCEEDED"
    assert decision(run) == "approve"
    assert outcomes(run)["champion_collapse"] == "approval"
    assert "labels look inverted" in str(run.reason)
    assert lab.pointer().challenger is None
    assert clearance.is_open(lab.registry.get_version("m", 2))


def test_cumulative_upload_whose_new_half_is_inverted_is_not_released(lab: Lab) -> None:
    old, new = sample(2000, 7), sample(2000, 8)
    lab.train(old)
    assert decision(lab.train(joined(old, replace(new, target=1 - new.target)))) != "release"


@pytest.mark.parametrize("seed", [9, 10, 11])
def test_a_quarter_of_random_labels_is_not_released(lab: Lab, seed: int) -> None:
    data = sample(2000, seed, noise=0.3)
    generator = np.random.default_rng(seed)
    noisy = np.where(generator.random(2000) < 0.25, generator.integers(0, 2, 2000), data.target)
    lab.train(data)
    assert decision(lab.train(replace(data, target=noisy))) != "release"


def test_a_successor_on_a_tiny_holdout_waits_for_approval(lab: Lab) -> None:
    lab.train(sample(400, 12))
    run = lab.train(joined(sample(400, 12), sample(100, 13)))
    assert decision(run) == "approve"
    assert outcomes(run)["holdout_size"] == "approval"


def test_a_new_class_waits_for_approval_and_is_compared_on_shared_classes(lab: Lab) -> None:
    old = sample(2000, 14)
    lab.train(old)
    new = sample(2500, 14)
    target = np.where(np.nan_to_num(new.matrix[:, 0]) > 1.2, 2, new.target)
    run = lab.train(replace(new, target=target, classes=["no", "yes", "maybe"]))
    assert decision(run) == "approve"
    assert outcomes(run)["class_set"] == "approval"
    assert "new classes: maybe" in str(run.reason)


def test_classes_in_another_order_are_the_same_classes(lab: Lab) -> None:
    old = sample(2000, 15)
    lab.train(old)
    more = joined(old, sample(2000, 16))
    run = lab.train(replace(more, target=1 - more.target, classes=["yes", "no"]))
    assert decision(run) == "release", run.reason


def test_a_new_column_is_optional_for_old_callers(lab: Lab) -> None:
    old = sample(2000, 17)
    lab.train(old)
    hint = old.target + np.random.default_rng(1).normal(size=2000)
    run = lab.train(replace(old, matrix=np.column_stack([old.matrix, hint]).astype(np.float32), encoding=WIDER))
    assert decision(run) == "release", run.reason
    columns = {column["name"]: column["required"] for column in lab.manifest(run)["encoding"]["columns"]}
    assert columns == {"a": True, "b": True, "kind": True, "late": False}


def test_label_rate_shift_waits_for_approval(lab: Lab) -> None:
    lab.train(sample(2000, 18))
    data = sample(6000, 19)
    keep = (data.target == 1) | (np.random.default_rng(2).random(6000) < 0.3)
    run = lab.train(replace(data, matrix=data.matrix[keep], target=data.target[keep]))
    assert decision(run) == "approve"
    assert outcomes(run)["label_rate"] == "approval"


def test_small_steps_down_do_not_add_up(lab: Lab) -> None:
    data = regression_sample(4000, 20)
    found = []
    for alpha in (0.001, 125.0, 187.0, 237.0, 287.0):
        spec = Spec(estimators=("linear",), params={"linear": {"alpha": alpha}}, promotion=Promotion(margin=0.05))
        run = lab.train(replace(data, spec=spec))
        found.append((decision(run), outcomes(run).get("champion_on_anchor"), outcomes(run).get("best_on_anchor")))
        if decision(run) == "release":
            lab.promote(run)
    assert found == [
        ("release", None, None),
        ("release", "passed", "passed"),
        ("release", "passed", "passed"),
        ("approve", "passed", "approval"),
        ("reject", "passed", "failed"),
    ]


def test_a_champion_that_changed_meanwhile_stops_the_release(lab: Lab) -> None:
    first = lab.train(sample(2000, 21))
    second = lab.train(joined(sample(2000, 21), sample(2000, 22)))
    lab.promote(second)
    manifest = replace(manifest_from_json(lab.manifest(second)), version=3, run_id="other")
    assert manifest.compared_with == first.run_id
    said = publish(stores_of(lab.registry), manifest)
    assert said == "version 3 waits to be promoted: the champion changed while it was trained"
    assert lab.pointer().challenger is None


def test_time_ordered_champions_are_compared_on_later_rows_only(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), time_column="t")
    old = replace(sample(2000, 23), spec=spec, times=np.arange(2000.0))
    new = replace(joined(old, sample(2000, 24)), spec=spec, times=np.arange(4000.0))
    lab.train(old)
    run = lab.train(new)
    assert run.gate is not None
    assert outcomes(run)["champion_on_anchor"] == "skipped"
    holdout = next(found for found in run.gate.comparisons if found.name == "champion_on_holdout")
    assert holdout.rows == (new.membership() == 2).sum()
    assert lab.manifest(run)["split"]["trained_until"] < 3200


def test_time_ordered_champions_are_not_held_to_rows_that_they_learned_from(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), time_column="t")
    rows = sample(2000, 23)
    learned_until = lab.manifest(lab.train(replace(rows, spec=spec, times=np.arange(2000.0))))["split"]["trained_until"]
    shorter = replace(rows, matrix=rows.matrix[:1800], target=rows.target[:1800], spec=spec, times=np.arange(1800.0))

    run = lab.train(shorter)

    held_out = np.flatnonzero(shorter.membership() == 2)
    assert held_out[0] < learned_until < held_out[-1]
    assert run.gate is not None
    holdout = next(found for found in run.gate.comparisons if found.name == "champion_on_holdout")
    assert holdout.rows == (held_out > learned_until).sum()
