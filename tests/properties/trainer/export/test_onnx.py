"""Models without a flat form answer through onnxruntime as the estimator does."""

from __future__ import annotations

import subprocess
import warnings
from typing import Any

import numpy as np
import pytest

from inference.onnx_engine import OnnxModel, load_onnx
from modelloop.errors import ArtifactRefusedError, ExportMismatchError, InvalidValueError
from modelloop.versions.parity import compare, onnx_tolerance
from tests.support.generated_models import encoding, fitted, signal, vectors
from trainer.export.conversion import convert
from trainer.export.graph import input_and_output
from trainer.export.serving import flatten, to_onnx
from trainer.families.catalogue import build

MODELS: list[tuple[str, str, dict[str, Any], int]] = [
    ("svm", "classification", {"estimator__C": 2.0}, 2),
    ("svm", "classification", {}, 3),
    ("svm", "regression", {}, 2),
    ("sklearn.svm.NuSVR", "regression", {}, 2),
    ("sklearn.tree.ExtraTreeRegressor", "regression", {"criterion": "poisson"}, 2),
    ("mlp", "classification", {"hidden_layer_sizes": [8]}, 2),
    ("mlp", "regression", {"hidden_layer_sizes": [8]}, 2),
    ("knn", "classification", {}, 3),
    ("knn", "regression", {}, 2),
    ("stacking", "classification", {"cv": 3}, 2),
    ("stacking", "regression", {"cv": 3}, 2),
    ("sklearn.naive_bayes.GaussianNB", "classification", {}, 2),
    ("sklearn.linear_model.BayesianRidge", "regression", {}, 2),
]


def loaded(model: Any, content: bytes, task: str) -> OnnxModel:
    classes = len(model.classes_) if task == "classification" else 0
    return load_onnx(content, output=input_and_output(content)[1], task=task, classes=classes)


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the converter reads attributes that will go
@pytest.mark.parametrize(("name", "task", "params", "classes"), MODELS)
def test_converted_models_answer_as_the_estimator(name: str, task: str, params: dict[str, Any], classes: int) -> None:
    enc, model = fitted(name, task, params, classes=classes, rows=200)
    assert flatten(model, enc) is None
    content = convert(model, len(enc.slots))
    engine = loaded(model, content, task)
    rows = np.vstack([vectors(enc, 200, 5, 0.2), np.full((1, len(enc.slots)), np.nan, np.float32)])
    answers = model.predict_proba(rows) if task == "classification" else model.predict(rows)[:, np.newaxis]
    expected = answers.tolist()
    parity = compare(expected, engine.predict(rows.astype(float).tolist()), onnx_tolerance(expected))
    assert parity.ok, parity


@pytest.mark.parametrize("name", ["sklearn.linear_model.BayesianRidge", "mlp"])
def test_converted_models_have_the_floor_of_the_estimator(name: str) -> None:
    enc = encoding()
    matrix = vectors(enc, 200, 1)
    model = build(name, "regression", enc, {"max_iter": 300}, 1)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # tiny fits do not converge, and need not
        model.fit(matrix, np.maximum(signal(matrix, 1), 0.0))
    rows = vectors(enc, 200, 2)
    assert (model.estimator.predict(model.preparation.transform(rows)) < 0).any(), "else nothing has to be cut"
    engine = loaded(model, convert(model, len(enc.slots)), "regression")
    answers = np.array(engine.predict(rows.astype(float).tolist()).predict)
    assert answers.min() == 0.0
    np.testing.assert_allclose(answers, model.predict(rows), rtol=1e-5, atol=1e-5)


def test_conversion_runs_on_its_own() -> None:
    enc, model = fitted("knn", "classification", {}, rows=60)
    content, described = to_onnx(model, enc)
    assert described.bytes == len(content)
    engine = load_onnx(content, output=described.outputs[0], task="classification", classes=2)
    assert (engine.slots, engine.classes) == (len(enc.slots), 2)
    rows = vectors(enc, 20, 1).astype(float).tolist()
    probabilities = np.array(engine.predict(rows).proba)
    assert engine.predict(rows, threshold=0.8).predict == (probabilities[:, 1] >= 0.8).astype(int).tolist()
    with pytest.raises(InvalidValueError):
        engine.explain(rows[0])


@pytest.mark.slow
def test_the_same_model_gives_the_same_file() -> None:
    enc, model = fitted("svm", "classification", {}, rows=60)
    assert to_onnx(model, enc) == to_onnx(model, enc)


def test_a_model_that_cannot_be_converted_has_a_short_reason() -> None:
    enc, model = fitted("sklearn.gaussian_process.GaussianProcessRegressor", "regression", {}, rows=30)
    model.estimator.kernel_ = object()
    with pytest.raises(ExportMismatchError, match="cannot be converted to ONNX") as refused:
        to_onnx(model, enc)
    assert len(str(refused.value)) < 400


def test_a_loss_that_the_converter_does_not_know_is_refused() -> None:
    params = {"loss": "poisson", "max_iter": 5}
    enc, model = fitted("sklearn.neural_network.MLPRegressor", "regression", params, rows=60)
    assert flatten(model, enc) is None
    with pytest.raises(ExportMismatchError, match="MLPRegressor cannot be converted to ONNX"):
        to_onnx(model, enc)


def test_a_conversion_that_hangs_is_stopped(monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*_arguments: Any, timeout: float, **_options: Any) -> None:
        raise subprocess.TimeoutExpired("python", timeout)

    monkeypatch.setattr(subprocess, "run", hang)
    enc, model = fitted("knn", "classification", {}, rows=60)
    with pytest.raises(ExportMismatchError, match="more than 7 s"):
        to_onnx(model, enc, seconds=7)


def test_a_file_that_is_not_a_model_of_ours_is_refused() -> None:
    with pytest.raises(ArtifactRefusedError, match="refuses"):
        load_onnx(b"not a model", output="y", task="regression", classes=0)
    enc, model = fitted("knn", "classification", {}, rows=60)
    content = convert(model, len(enc.slots))
    with pytest.raises(ArtifactRefusedError, match="output"):
        load_onnx(content, output="other", task="classification", classes=2)
    engine = load_onnx(content, output=input_and_output(content)[1], task="classification", classes=3)
    with pytest.raises(ArtifactRefusedError, match="probabilities"):
        engine.predict([[0.0] * len(enc.slots)])


def test_a_dotted_name_of_a_flat_family_keeps_its_flat_form() -> None:
    enc, model = fitted("sklearn.ensemble.RandomForestClassifier", "classification", {"n_estimators": 3})
    assert flatten(model, enc) is not None
    assert model.estimator.max_leaf_nodes is None
