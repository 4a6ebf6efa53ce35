from __future__ import annotations

import re
import time
from dataclasses import replace
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from onnx import TensorProto, helper

from modelloop import keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.storage import Bucket
from modelloop.spec.model import Spec
from modelloop.tables import split
from tests.support.onnx_models import PLANE, SIGMOID, WEIGHTS, made
from tests.support.trainer_lab import Data, regression_sample, sample
from trainer.comparison import served
from trainer.onnx_import import imported_model
from trainer.onnx_import.reference import OnnxReference

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab
    from trainer.rows import Part, Predictions


def test_an_imported_model_with_a_labelled_reference_serves(lab: Lab) -> None:
    run = lab.import_model(SIGMOID, sample(600, 1))
    assert (run.state, run.reason) == ("SUCCEEDED", "version 1 serves")
    manifest, bundle = lab.manifest(run), lab.bundle(run)
    assert manifest["estimator"]["family"] == "brought"
    assert bundle["engine"] == "onnx"
    assert manifest["replay"]["mismatches"] == 0
    assert manifest["metrics"]["holdout"]["roc_auc"]["value"] > 0.85
    assert manifest["baseline"]["rows"] == 600
    assert keys.REPORT in manifest["files"]


def test_an_imported_regression_serves(lab: Lab) -> None:
    data = regression_sample(600, 2)
    plane: NDArray[Any] = np.nan_to_num(data.matrix) @ WEIGHTS
    run = lab.import_model(PLANE, replace(data, target=plane[:, 0] + np.random.default_rng(0).normal(size=600)))
    assert run.state == "SUCCEEDED", run.reason
    assert lab.manifest(run)["metrics"]["holdout"]["rmse"]["value"] == pytest.approx(1.0, abs=0.1)


def test_an_imported_regression_offers_intervals_calibrated_on_rows_that_do_not_examine_it(lab: Lab) -> None:
    data = regression_sample(3000, 2)
    plane: NDArray[Any] = (np.nan_to_num(data.matrix) @ WEIGHTS)[:, 0]
    noisy = replace(data, target=plane + np.random.default_rng(0).normal(size=3000))
    run = lab.import_model(PLANE, noisy)
    manifest, quantiles = lab.manifest(run), lab.bundle(run)["interval"]["quantiles"]
    sides = split.of_reference(data.matrix, "regression", split.salt("m"))
    assert (
        manifest["split"] | {"train": 0, "validation": int((sides == 1).sum()), "holdout": int((sides == 2).sum())}
        == (manifest["split"])
    )
    residuals = np.abs(noisy.target - plane)
    calibrated = np.quantile(residuals[sides == 1], 0.9)
    assert quantiles["0.9"] == pytest.approx(calibrated, rel=0.01)
    assert (residuals[sides == 2] <= quantiles["0.9"]).mean() == pytest.approx(0.9, abs=0.03)
    assert manifest["baseline"]["rows"] == 3000


def test_all_reference_rows_are_examined_and_sliced(lab: Lab) -> None:
    data = replace(sample(6000, 1), spec=Spec(protected=("kind", "region")))
    codes = (np.arange(6000) % 3).astype(np.int16)
    run = lab.import_model(SIGMOID, replace(data, slices={"region": (["north", "south", "west"], codes)}))
    manifest = lab.manifest(run)
    assert manifest["split"]["holdout"] == manifest["baseline"]["rows"] == 6000
    sizes = {entry["column"]: [part["rows"] for part in entry["values"]] for entry in manifest["slices"]}
    assert sizes["region"] == [2000, 2000, 2000]
    assert sum(sizes["kind"]) == 6000
    assert manifest["calibration"]["rows"] == 6000
    assert manifest["importance"][0]["column"] == "a"
    assert manifest["replay"]["rows"] >= 2000


def test_a_slow_model_is_examined_on_an_even_sample(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    asked, now = ReplayFunction.replay, [0.0]

    def slow(function: ReplayFunction, event: dict[str, Any]) -> dict[str, Any]:
        if "expected" not in event:
            now[0] += 0.002 * len(np.load(BytesIO(Bucket("artifacts").get(event["vectors"]))))
        return asked(function, event)

    monkeypatch.setattr(ReplayFunction, "replay", slow)
    monkeypatch.setattr(time, "monotonic", lambda: now[0])  # only the model takes time
    monkeypatch.setattr(served, "CALL_SECONDS", 0.2)
    monkeypatch.setattr(served, "PATIENCE_SECONDS", 0.5)
    monkeypatch.setattr(imported_model, "EXAMINING_SHARE", 0.05)
    data = replace(sample(4000, 1), slices={"region": (["early", "late"], (np.arange(4000) // 2000).astype(np.int16))})
    run = lab.import_model(SIGMOID, replace(data, spec=Spec(protected=("region",))))
    assert run.state == "SUCCEEDED", run.reason
    manifest = lab.manifest(run)
    done = manifest["split"]["holdout"]
    assert 100 <= done < 3500
    assert re.search(
        rf"^{done:,} of 4,000 reference rows were examined: the model takes 0.00\d+ s a row", manifest["warnings"][-1]
    )
    assert manifest["labels"]["rows"] == done
    early, late = (part["rows"] for part in manifest["slices"][0]["values"])
    assert early + late == done
    assert early / done == pytest.approx(0.5, abs=0.1)
    assert manifest["importance"] == []


def test_what_the_second_implementation_answers_otherwise_is_refused(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    honest = OnnxReference.predict

    def other(self: OnnxReference, part: Part) -> Predictions:
        said = honest(self, part)
        assert said.proba is not None
        return replace(said, proba=said.proba[:, ::-1])

    monkeypatch.setattr(OnnxReference, "predict", other)
    run = lab.import_model(SIGMOID, sample(600, 1))
    assert run.state == "FAILED"
    assert "differs from the estimator" in str(run.reason)


def test_an_imported_regression_is_compared_by_the_loss_that_its_spec_names(lab: Lab) -> None:
    data = regression_sample(600, 2)
    plane: NDArray[Any] = (np.nan_to_num(data.matrix) @ WEIGHTS)[:, 0]
    skewed = plane + np.random.default_rng(0).exponential(size=600) - np.log(10)  # the plane is the 0.9 quantile
    run = lab.import_model(PLANE, replace(data, target=skewed, spec=Spec(metric="pinball_0.9")))
    assert run.gate is not None
    assert run.gate.decision == "release", run.reason
    assert [found.metric for found in run.gate.comparisons] == ["pinball_0.9"]
    refused = lab.import_model(PLANE, replace(data, target=skewed, spec=Spec(metric="gamma_deviance")))
    assert refused.state == "REJECTED"
    assert "not above zero, as gamma deviance needs it" in str(refused.reason)


@pytest.mark.parametrize("reference", [True, False])
def test_without_labels_a_person_must_say_yes(lab: Lab, reference: bool) -> None:
    run = lab.import_model(SIGMOID, sample(300, 3), labelled=False, reference=reference)
    assert run.state == "SUCCEEDED", run.reason
    assert "no labelled reference.csv" in str(run.reason)
    assert lab.pointer() is None
    manifest = lab.manifest(run)
    assert manifest["baseline"]["rows"] == (300 if reference else 0)
    assert manifest["labels"] is None
    assert keys.ANCHOR not in manifest["files"]


def test_a_useless_brought_model_is_rejected(lab: Lab) -> None:
    data = sample(600, 4)
    assert lab.import_model(SIGMOID, replace(data, target=1 - data.target)).state == "REJECTED"


def test_an_imported_successor_waits_for_approval(lab: Lab) -> None:
    lab.train(sample(1500, 5))
    run = lab.import_model(SIGMOID, sample(1500, 6))
    assert run.gate is not None
    assert run.state in {"SUCCEEDED", "REJECTED"}
    assert run.gate.decision != "release"
    assert any(check.name == "provenance" for check in run.gate.checks)


def test_a_fitted_successor_is_compared_with_a_brought_champion(lab: Lab) -> None:
    lab.import_model(SIGMOID, sample(600, 7))
    run = lab.train(sample(2000, 8))
    assert run.gate is not None
    compared = {found.name for found in run.gate.comparisons}
    assert compared >= {"champion_on_holdout", "champion_on_anchor"}


def broken(what: str) -> bytes:
    """Return a model with one fault."""
    if what in {"garbage", "logits"}:
        return b"not a model" if what == "garbage" else bytes(PLANE)
    if what == "classes":
        return bytes(made(("Softmax", {"axis": 1}), width=5, ir_version=10).SerializeToString())
    options: dict[str, dict[str, Any]] = {
        "columns": {"slots": 2}, "opset": {"opset": 999}
    }  # fmt: skip
    model = made(("Sigmoid", {}), width=1, ir_version=10, **options.get(what, {}))
    if what == "operator":
        model.graph.node[-1].domain = "com.example"
        model.opset_import.append(helper.make_opsetid("com.example", 1))
    if what == "external":
        weights = model.graph.initializer[0]
        weights.ClearField("raw_data")
        weights.data_location = TensorProto.EXTERNAL
        entry = weights.external_data.add()
        entry.key, entry.value = "location", "/etc/passwd"
    return bytes(model.SerializeToString())


@pytest.mark.parametrize(("what", "reason"), [
    ("garbage", "no ONNX model"),
    ("columns", "takes 2 columns, but `columns` in model.yaml makes 3"),
    ("logits", "no probabilities; add a softmax"),
    ("classes", "has 5 columns for 2 classes"),
    ("opset", "opset 999 is newer"),
    ("operator", "no standard ONNX"),
    ("external", "stored outside of the file"),
])  # fmt: skip
def test_models_that_cannot_serve_are_rejected_with_what_to_change(lab: Lab, what: str, reason: str) -> None:
    run: Run = lab.import_model(broken(what), sample(200, 9))
    assert run.state == "REJECTED"
    assert reason in str(run.reason)
    assert lab.pointer() is None


def test_an_output_is_found_by_the_name_that_the_spec_gives(lab: Lab) -> None:
    data: Data = replace(sample(300, 10), spec=Spec(outputs={"predict_proba": "z"}))
    assert "'z'" in str(lab.import_model(SIGMOID, data).reason)
    good = replace(data, spec=Spec(outputs={"predict_proba": "y"}))
    assert lab.import_model(SIGMOID, good).state == "SUCCEEDED"


def test_after_a_brought_champion_the_best_fitted_version_is_started_from(lab: Lab) -> None:
    champion = lab.import_model(SIGMOID, sample(600, 1))
    first, second = lab.train(sample(1500, 1)), lab.train(sample(1600, 1))
    assert lab.pointer().champion.run_id == champion.run_id
    assert lab.manifest(champion)["started_from"] is None
    assert lab.manifest(first)["started_from"] is None
    assert lab.manifest(second)["started_from"] == {"version": 2, "run_id": first.run_id}
