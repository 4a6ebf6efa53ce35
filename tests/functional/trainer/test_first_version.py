from __future__ import annotations

from dataclasses import replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from modelloop import clock, keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.baseline import baseline_from_json
from modelloop.contracts.pairs import pairs_of
from modelloop.ids import uuid7_ms
from modelloop.rollout import clearance
from modelloop.spec.model import Spec
from modelloop.spec.sections import Promotion
from modelloop.tables import split
from tests.support.trainer_lab import Data, regression_sample, sample
from tests.support.trainer_lab import lab as open_lab
from trainer.search import refitting

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab

QUANTILE: dict[str, Any] = {"loss": "quantile", "quantile": 0.9, "max_iter": 20}
BOTH = Spec(estimators=("linear", "hist_gradient_boosting"))


def test_a_queued_run_becomes_the_serving_champion(lab: Lab) -> None:
    run = lab.train(replace(sample(600, 1), spec=BOTH))
    assert (run.state, run.stage, run.percent, run.version) == ("SUCCEEDED", "done", 100, 1)
    assert run.gate is not None
    assert run.gate.decision == "release"
    assert run.reason == "version 1 serves"
    manifest = lab.manifest(run)
    champion = lab.pointer().champion
    assert (champion.version, champion.run_id) == (1, run.run_id)
    assert champion.sha256 == manifest["files"][keys.BUNDLE]["sha256"]
    assert clearance.ref(lab.registry.get_version("m", 1)) == champion
    assert lab.registry.get_model("m").serving == lab.pointer()


def test_every_file_is_what_the_manifest_says(lab: Lab) -> None:
    run = lab.train(sample(400, 2))
    manifest = lab.manifest(run)
    assert set(manifest["files"]) >= {keys.BUNDLE, keys.JOBLIB, keys.ANCHOR}
    for name, facts in manifest["files"].items():
        body = Bucket("artifacts").get(keys.version("m", run.run_id, name))
        assert (sha256(body).hexdigest(), len(body)) == (facts["sha256"], facts["bytes"])


@pytest.mark.parametrize("again", [True, False])
def test_predictions_are_watched_against_answers_to_rows_that_were_not_fitted_on(
    lab: Lab, monkeypatch: pytest.MonkeyPatch, again: bool
) -> None:
    monkeypatch.setattr(refitting, "is_better", lambda *_: again)
    spec = Spec(estimators=("decision_tree",), params={"decision_tree": {"min_samples_leaf": 1, "max_leaf_nodes": 999}})
    data = replace(regression_sample(600, 4), spec=spec)
    run = lab.train(data)
    known, selection = lab.manifest(run)["baseline"], lab.manifest(run)["selection"]
    fitted = int((data.membership() == split.TRAIN).sum())
    assert known["rows"] == fitted
    assert {sum(column["counts"]) + column["missing"] for column in known["columns"]} == {fitted}
    assert sum(known["prediction"]["counts"]) == (600 if again else 600 - fitted)
    learned = int((data.membership() != split.HOLDOUT).sum()) if again else fitted
    assert (selection["refit"]["done"], selection["refit"]["rows"]) == (again, learned)
    width = lab.bundle(run)["interval"]["quantiles"]["0.9"]
    assert width > 1.2, "a tree of one row a leaf knows the rows that it has learned, and calibrates on others"


def test_a_version_knows_how_its_columns_went_together_but_for_masked_ones(lab: Lab) -> None:
    data = regression_sample(600, 4)
    fitted = int((data.membership() == split.TRAIN).sum())
    known = lab.manifest(lab.train(replace(data, spec=BOTH)))["baseline"]
    names = [column["name"] for column in known["pairs"]["columns"]]
    assert names[-1] == "prediction"
    cells = known["pairs"]["counts"]
    first = baseline_from_json(known).pairs
    assert first is not None
    rows = {pair[:2]: sum(cells[pair.cells]) for pair in pairs_of(first.columns)}
    assert rows[0, 1] == fitted
    assert rows[0, len(names) - 1] == 600 - fitted
    masked = replace(BOTH, mask=(names[0],))
    other = lab.manifest(lab.train(replace(data, spec=masked)))["baseline"]
    assert names[0] not in [column["name"] for column in other["pairs"]["columns"]]


def test_a_regression_knows_its_errors_by_bin_of_the_prediction(lab: Lab) -> None:
    data = regression_sample(600, 4)
    manifest = lab.manifest(lab.train(replace(data, spec=BOTH)))
    errors = manifest["errors"]
    assert sum(errors["rows"]) == int((data.membership() == split.HOLDOUT).sum())
    assert len(errors["mean"]) == len(manifest["baseline"]["prediction"]["counts"])
    mean = sum(rows * mean for rows, mean in zip(errors["rows"], errors["mean"], strict=True)) / sum(errors["rows"])
    assert mean == pytest.approx(manifest["metrics"]["holdout"]["mae"]["value"], rel=1e-6)
    assert "errors" not in lab.manifest(lab.train(sample(600, 1)))


def test_metrics_stand_beside_the_trivial_model_with_intervals(lab: Lab) -> None:
    metrics = lab.manifest(lab.train(sample(600, 3)))["metrics"]
    for name in ("log_loss", "accuracy", "f1", "roc_auc", "pr_auc", "brier"):
        figure = metrics["holdout"][name]
        assert figure["low"] <= figure["value"] <= figure["high"]
    assert metrics["holdout"]["log_loss"]["value"] < metrics["trivial"]["log_loss"]["value"]
    assert metrics["trivial"]["roc_auc"]["value"] == 0.5
    assert metrics["champion"] is None


def test_regression_offers_conformal_intervals(lab: Lab) -> None:
    run = lab.train(replace(regression_sample(600, 4), spec=BOTH))
    assert run.state == "SUCCEEDED"
    quantiles = lab.bundle(run)["interval"]["quantiles"]
    assert quantiles["0.5"] < quantiles["0.8"] < quantiles["0.9"] < quantiles["0.95"]
    assert 1.2 < quantiles["0.9"] < 2.4
    assert lab.manifest(run)["metrics"]["holdout"]["r2"]["value"] > 0.8


def test_intervals_follow_the_row_where_residuals_do_and_the_report_says_how_often_they_held(lab: Lab) -> None:
    data = regression_sample(2400, 4)
    noise = np.random.default_rng(9).normal(size=2400) * np.where(data.matrix[:, 1] > 0.0, 5.0, 0.0)
    run = lab.train(replace(data, target=data.target + noise))
    rule, told = lab.bundle(run)["interval"], lab.manifest(run)["intervals"]
    assert rule["scale"]["slots"] == len(data.encoding.slots) + 1
    assert (told["level"], told["adaptive"], told["reason"]) == (0.9, True, None)
    assert told["coverage"] == pytest.approx(0.9, abs=0.05)
    assert len(told["parts"]) == 5
    page = Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()
    assert "Prediction intervals of 90%" in page
    assert "Their width follows the row" in page


def test_a_model_of_a_quantile_has_no_intervals_and_says_why(lab: Lab) -> None:
    spec = Spec(estimators=("hist_gradient_boosting",), params={"hist_gradient_boosting": QUANTILE})
    run = lab.train(replace(regression_sample(900, 4), spec=spec))
    assert lab.bundle(run)["interval"]["quantiles"] == {}
    page = Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()
    assert "There are no prediction intervals: the model predicts the 0.9 quantile" in page


def test_golden_rows_are_answered_as_stored(lab: Lab) -> None:
    golden = lab.bundle(lab.train(sample(600, 5)))["golden"]
    assert len(golden["rows"]) == len(golden["outputs"]) == 8
    assert any(value is None for row in golden["rows"] for value in row.values())
    assert all(output["predict"] in {"no", "yes"} for output in golden["outputs"])


@pytest.mark.parametrize("make", [sample, regression_sample])
def test_the_same_table_gives_the_same_serving_bytes(make: object, monkeypatch: pytest.MonkeyPatch) -> None:
    bodies = []
    for _ in range(2):
        with open_lab(monkeypatch) as opened:
            data: Data = make(300, 6)  # type: ignore[operator]
            run = opened.train(replace(data, spec=BOTH), run_id="019a0000-0000-7000-8000-000000000001")
            bodies.append(Bucket("artifacts").get(keys.version("m", run.run_id, keys.BUNDLE)))
    assert bodies[0] == bodies[1]


OVERFITTED = Spec(estimators=("decision_tree",), params={"decision_tree": {"max_depth": 20, "min_samples_leaf": 1}})


def test_a_table_without_signal_is_rejected_with_the_figures(lab: Lab) -> None:
    data = sample(600, 7)
    shuffled = sample(600, 8).target
    run = lab.train(replace(data, target=shuffled, spec=OVERFITTED), request_id="asked")
    assert run.state == "REJECTED"
    assert run.reason is not None
    (entry,) = lab.registry.list_audit("m").items
    assert clock.to_ms(entry.time) == uuid7_ms(entry.id)
    assert (entry.action, entry.detail["request_id"]) == ("gate", "asked")
    assert "no better than the trivial model" in run.reason
    assert run.metrics is not None
    assert run.spent is not None
    assert 0 <= run.spent.seconds < 120
    assert 50 < (run.spent.memory_mb or 0) < 10_240
    assert run.version is None
    assert lab.pointer() is None


def test_manual_policy_waits_for_promotion(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), promotion=Promotion("manual"))
    run = lab.train(replace(sample(400, 9), spec=spec))
    assert run.state == "SUCCEEDED"
    assert run.reason == "version 1 is ready and waits to be promoted"
    assert lab.pointer() is None


@pytest.mark.parametrize("name", ["sklearn.naive_bayes.GaussianNB", "sklearn.neural_network.MLPClassifier", "svm"])
def test_an_estimator_without_a_flat_form_serves_as_onnx(lab: Lab, name: str) -> None:
    params: dict[str, Any] = {
        "sklearn.naive_bayes.GaussianNB": {"var_smoothing": 0.1},
        "sklearn.neural_network.MLPClassifier": {"max_iter": 1000, "hidden_layer_sizes": [20], "alpha": 0.1},
    }
    run = lab.train(replace(sample(1500, 10), spec=Spec(estimators=(name,), params=params)))
    assert run.state == "SUCCEEDED", run.reason
    bundle, manifest = lab.bundle(run), lab.manifest(run)
    assert (bundle["engine"], bundle["flat"]) == ("onnx", None)
    assert bundle["onnx"]["sha256"] == manifest["files"][keys.ONNX]["sha256"]
    assert manifest["replay"]["engine"] == "onnx"


def test_a_champion_without_a_flat_form_is_compared_by_its_kept_estimator(lab: Lab) -> None:
    data = sample(2000, 11)
    lab.train(replace(data, spec=Spec(estimators=("sklearn.naive_bayes.GaussianNB",))))
    run = lab.train(data)
    assert run.gate is not None
    assert run.gate.decision == "release", run.reason


def test_an_estimator_outside_the_allowed_names_is_rejected(lab: Lab) -> None:
    run = lab.train(replace(sample(300, 12), spec=Spec(estimators=("sklearn.pipeline.Pipeline",))))
    assert run.state == "REJECTED"


def test_small_tables_are_cross_validated_for_the_report(lab: Lab) -> None:
    run = lab.train(sample(400, 13))
    document = lab.manifest(run)["cross_validation"]
    assert (document["folds"], document["fits"]) == (5, 10)
    holdout = lab.manifest(run)["metrics"]["holdout"]
    for name in ("log_loss", "roc_auc", "accuracy"):
        spread = document["metrics"][name]
        assert spread["deviation"] > 0
        assert abs(spread["mean"] - holdout[name]["value"]) < 0.2
    assert "10 fits, 5 folds" in Bucket("artifacts").get(keys.version("m", run.run_id, keys.REPORT)).decode()
    assert lab.manifest(lab.train(sample(1500, 14)))["cross_validation"] is None
