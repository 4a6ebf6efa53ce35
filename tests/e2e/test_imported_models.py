"""A model of XGBoost on the embedded stack: brought, examined, served as itself, its successor held to it."""

from __future__ import annotations

import csv
import json
from typing import TYPE_CHECKING, Any

import httpx
import numpy as np
import orjson
import pytest
import yaml
from sklearn.datasets import load_breast_cancer

from modelloop_client.client import Client

if TYPE_CHECKING:
    from pathlib import Path

    from numpy.typing import NDArray

    from tests.support.embedded import Run

xgboost = pytest.importorskip("xgboost")
onnxmltools = pytest.importorskip("onnxmltools")
kinds = pytest.importorskip("onnxmltools.convert.common.data_types")

MODEL = "tumours"
CANCER = load_breast_cancer()
NAMES = [name.replace(" ", "_") for name in CANCER.feature_names]
CLASSES = ["malignant", "benign"]
CELLS = CANCER.data.astype(np.float32)
FITTED, REFERENCE = slice(0, 250), slice(250, None)


def boosted(labels: NDArray[Any], trees: int) -> Any:
    return xgboost.XGBClassifier(n_estimators=trees, max_depth=3, n_jobs=1).fit(CELLS[FITTED], labels[FITTED])


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The model's description, and the rows that it is examined on, which it was not fitted to."""
    folder = tmp_path_factory.mktemp(MODEL)
    found = {name: folder / name for name in ("model.yaml", "reference.csv")}
    found["model.yaml"].write_text(yaml.safe_dump({"target": "tumour", "columns": NAMES, "classes": CLASSES}))
    with found["reference.csv"].open("w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow([*NAMES, "tumour"])
        labels = [CLASSES[label] for label in CANCER.target[REFERENCE]]
        writer.writerows([*row, label] for row, label in zip(CELLS[REFERENCE].tolist(), labels, strict=True))
    return found


def bring(modelloop: Run, files: dict[str, Path], model: Any, name: str) -> dict[str, Any]:
    """Hand over what the model's own converter writes, and return its run, ended."""
    written = onnxmltools.convert_xgboost(model, initial_types=[("x", kinds.FloatTensorType([None, len(NAMES)]))])
    file = files["model.yaml"].with_name(f"{name}.onnx")
    file.write_bytes(written.SerializeToString())
    ended = modelloop(
        "train", str(file), "--model", MODEL, "--spec", str(files["model.yaml"]),
        "--reference", str(files["reference.csv"]), "--json",
    )  # fmt: skip
    run: dict[str, Any] = json.loads(ended.stdout)
    return run


def probabilities(client: Client, rows: NDArray[np.float32]) -> NDArray[np.float64]:
    """Ask the API for the probability of each class, by the Open Inference Protocol."""
    inputs = [
        {"name": name, "shape": [len(rows)], "datatype": "FP32", "data": rows[:, place].tolist()}
        for place, name in enumerate(NAMES)
    ]
    answer = client.send("POST", f"/v2/models/{MODEL}/infer", content=orjson.dumps({"inputs": inputs}))
    assert answer.status_code == 200, answer.text
    outputs = {output["name"]: output for output in answer.json()["outputs"]}
    return np.asarray(outputs["predict_proba"]["data"], np.float64).reshape(len(rows), 2)


@pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::FutureWarning", "ignore::UserWarning")
def test_a_model_of_ones_own(client: Client, modelloop: Run, files: dict[str, Path]) -> None:
    model = boosted(CANCER.target, 20)

    first = bring(modelloop, files, model, "first")

    assert first["state"] == "SUCCEEDED", first["reason"]
    served = probabilities(client, CELLS[REFERENCE][:50])
    np.testing.assert_allclose(served, model.predict_proba(CELLS[REFERENCE][:50]), atol=1e-5)
    (version,) = client.versions(MODEL, 5)
    assert version["role"] == "champion"
    right = float((model.predict(CELLS[REFERENCE]) == CANCER.target[REFERENCE]).mean())
    assert first["metrics"]["holdout"]["accuracy"]["value"] == pytest.approx(right, abs=1e-9)

    wrong = bring(modelloop, files, boosted(np.random.default_rng(1).permutation(CANCER.target), 20), "wrong")
    assert wrong["state"] == "REJECTED", wrong["reason"]
    assert probabilities(client, CELLS[REFERENCE][:1]) == pytest.approx(served[:1])

    report = client.about(MODEL, f"versions/{version['version']}/report")
    page = httpx.get(report["url"])
    assert page.status_code == 200
    assert "tumours" in page.text
