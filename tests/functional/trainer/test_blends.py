"""A run whose families answer better together: fitted, judged, proven, told and repeated as one model."""

from __future__ import annotations

from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import joblib
import numpy as np
import orjson
import pytest

from modelloop import flat, keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.storage import Bucket
from modelloop.errors import TransientError
from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion
from modelloop.tables import split
from tests.support.trainer_lab import Data, outcomes, sample
from trainer.search import crossing

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

SMALL: dict[str, Any] = {"hist_gradient_boosting": {"max_iter": 10, "max_leaf_nodes": 6, "learning_rate": 0.3}}


@pytest.fixture(autouse=True)
def _one_repeat(monkeypatch: pytest.MonkeyPatch) -> None:
    """Folds are made once, which says as much here as twice."""
    monkeypatch.setattr(crossing, "MAX_REPEATED_ROWS", 0)


def bent(rows: int, seed: int, task: str = "classification", **spec: Any) -> Data:
    """A table of a plane with a bend, of which each of two families sees a part."""
    data = sample(rows, seed)
    generator = np.random.default_rng(seed + 7)
    a, b, kind = np.nan_to_num(data.matrix).T
    score = 1.3 * a + 0.8 * np.abs(b) - 0.64 - 0.8 * (kind == 1)
    target = score + (generator.logistic(size=rows) if task == "classification" else generator.normal(size=rows))
    asked = Spec(**{"params": SMALL} | spec)
    if task == "regression":
        return replace(data, target=target, task=task, classes=None, spec=asked)
    return replace(data, target=(target > 0).astype(np.int32), spec=asked)


def stored(run: Run, name: str) -> bytes:
    return Bucket("artifacts").get(keys.version("m", run.run_id, name))


def check_served(lab: Lab, run: Run, rows: NDArray[np.float32]) -> Any:
    """Assert that the bundle answers as the stored estimator does; return the estimator."""
    verdict = lab.manifest(run)["replay"]
    assert (verdict["ok"], verdict["golden_ok"], verdict["mismatches"], verdict["engine"]) == (True, True, 0, "flat")
    blend = joblib.load(BytesIO(stored(run, keys.JOBLIB)))
    served = flat.load(lab.bundle(run)["flat"]).predict(rows.astype(float).tolist())
    answers = blend.predict(rows) if served.proba is None else blend.predict_proba(rows)
    np.testing.assert_allclose(served.predict if served.proba is None else served.proba, answers, rtol=1e-12)
    return blend


def test_a_blend_is_judged_told_and_followed_as_one_model(lab: Lab) -> None:
    run = lab.train(bent(1800, 1, threshold=0.8))
    assert run.state == "SUCCEEDED", run.reason
    manifest, bundle = lab.manifest(run), lab.bundle(run)
    made, members = manifest["estimator"], manifest["estimator"]["members"]
    assert (made["family"], made["class"]) == ("blend", "trainer.families.blend.Blend")
    assert {member["family"] for member in members} == {"linear", "hist_gradient_boosting"}
    assert sum(member["weight"] for member in members) == pytest.approx(1.0)
    assert all(set(member) == {"weight", "family", "class", "params", "settings"} for member in members)
    assert bundle["flat"]["form"] == "blend"
    check_served(lab, run, bent(300, 9).matrix)
    outputs = bundle["golden"]["outputs"]
    assert [one["predict"] == "yes" for one in outputs] == [one["predict_proba"][1] >= 0.8 for one in outputs]

    words = ", ".join(f"{member['weight']:g} {member['family']}" for member in members)
    assert outcomes(run)["blend"] == "passed"
    assert run.gate is not None
    assert words in next(check.detail for check in run.gate.checks if check.name == "blend")
    page = stored(run, keys.REPORT).decode()
    assert "Members of the blend" in page
    assert f'<td class="number">{members[0]["weight"]:g}</td>' in page
    record = lab.registry.get_version("m", 1).to_json()
    shares = [{"weight": member["weight"], "family": member["family"]} for member in members]
    assert (record["family"], record["members"]) == ("blend", shares)

    easy = Promotion(margin=0.5)
    second = lab.manifest(lab.train(bent(2000, 1, params={"linear": {}}, promotion=easy, threshold=0.8)))
    tried = [(trial["origin"], trial["family"], trial["params"]) for trial in second["trials"]]
    assert ("predecessor", "hist_gradient_boosting", SMALL["hist_gradient_boosting"]) in tried
    assert ("predecessor", "linear", {}) in tried
    assert ("spec", "hist_gradient_boosting", {}) in tried
    assert second["started_from"]["version"] == 1
    assert any(check["name"] == "champion_on_anchor" for check in second["gate"]["checks"])


def test_a_repeated_run_makes_the_same_bytes_with_intervals_and_baseline_of_the_blend(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    def busy(*_: object) -> None:
        raise TransientError("the replay function: throttled")

    data = bent(1800, 1, "regression")
    run = lab.prepare(data)
    with monkeypatch.context() as patch:
        patch.setattr(ReplayFunction, "replay", busy)
        lab.deliver(run)
    first = {name: stored(run, name) for name in (keys.BUNDLE, keys.JOBLIB)}
    log = orjson.loads(Bucket("artifacts").get(keys.prepared("m", run.run_id, "trials.json")))
    assert len(log["selection"]["blend"]) == 2
    lab.deliver(run)
    assert {name: stored(run, name) for name in first} == first
    manifest = lab.manifest(run)
    weights = [member["weight"] for member in log["selection"]["blend"]]
    assert [member["weight"] for member in manifest["estimator"]["members"]] == weights

    check_served(lab, run, bent(300, 9).matrix)
    held, unseen = data.membership() == split.VALIDATION, data.membership() != split.TRAIN
    learned, calibrated = manifest["selection"]["refit"]["done"], manifest["intervals"]["calibrated_on"]
    assert calibrated == (data.membership() != split.HOLDOUT if learned else held).sum()
    answered = sum(manifest["baseline"]["prediction"]["counts"])
    if learned:  # then these rows are no longer unseen, and folds answered all
        assert answered == len(data.target)
    else:
        assert answered == unseen.sum()
