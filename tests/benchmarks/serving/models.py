"""One table, three families, each as this project serves it and as the usual handler would pickle it."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import orjson
import pandas as pd
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import HistGradientBoostingClassifier, RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder, OrdinalEncoder, StandardScaler

from modelloop import keys
from modelloop.tables.encoding import Column, Encoding
from trainer.export.serving import flatten
from trainer.families.catalogue import build

RUN_ID = "0190c000-0000-7000-8000-000000000001"
NUMBERS, TEXTS = 18, 2
CATEGORIES = (tuple("abcdefgh"), ("u", "v"))
ROWS = 5_000
FAMILIES = ("linear", "hist_gradient_boosting", "random_forest")
TITLES = {
    "linear": "logistic regression",
    "hist_gradient_boosting": "hist. gradient boosting, 100 iterations",
    "random_forest": "random forest, 100 trees",
}
PARAMS: dict[str, dict[str, Any]] = {
    "linear": {},
    "hist_gradient_boosting": {"max_iter": 100, "max_leaf_nodes": 15},
    "random_forest": {"n_estimators": 100, "max_leaf_nodes": 256},
}
ENCODING = Encoding(
    [Column(f"x{place}", "number") for place in range(NUMBERS)]
    + [Column(f"c{place}", "text", categories) for place, categories in enumerate(CATEGORIES)]
)


@dataclass(frozen=True, slots=True)
class Contender:
    """One family on the same rows: our bundle and reference, and the usual pipeline on raw cells.

    `framed` is the pipeline fitted on `frame`, a pandas table of typed columns: scikit-learn at its best.
    """

    family: str
    bundle: bytes
    pipeline: Any
    table: Any
    framed: Any
    frame: Any

    def reference(self, version: int = 1) -> dict[str, Any]:
        digest = hashlib.sha256(self.bundle).hexdigest()
        file = keys.version("bench", RUN_ID, keys.BUNDLE)
        return {"version": version, "run_id": RUN_ID, "file": file, "sha256": digest, "bytes": len(self.bundle)}

    def pointer(self) -> bytes:
        document = {"format_version": 1, "model": "bench", "revision": 1, "champion": self.reference()}
        return orjson.dumps(document)


def contender(family: str) -> Contender:
    """Fit a family on generated rows with missing values, both ways."""
    matrix, target = rows()
    model = build(family, "classification", ENCODING, PARAMS[family], 0).fit(matrix, target)
    flat = flatten(model, ENCODING)
    table = _raw(matrix)
    frame = pd.DataFrame({column.name: table[:, place].tolist() for place, column in enumerate(ENCODING.columns)})
    assert all(frame[name].dtype == "float64" for name in frame.columns[:NUMBERS])
    usual, framed = (_usual(family, list(names)) for names in (range(NUMBERS + TEXTS), frame.columns))
    pipelines = usual.fit(table, target), framed.fit(frame, target)
    return Contender(family, orjson.dumps(_bundle(flat)), pipelines[0], table, pipelines[1], frame)


def rows() -> tuple[Any, Any]:
    """Return encoded rows with missing values, and their labels."""
    generator = np.random.default_rng(7)
    numbers = generator.normal(size=(ROWS, NUMBERS))
    texts = np.column_stack([generator.integers(0, len(names), ROWS) for names in CATEGORIES])
    target = (numbers[:, 0] + numbers[:, 1] * numbers[:, 2] + (texts[:, 0] > 4) > 0.5).astype(int)
    numbers[generator.random(numbers.shape) < 0.03] = np.nan
    return np.column_stack([numbers, texts]).astype(np.float32), target


def _raw(matrix: Any) -> Any:
    table = np.empty(matrix.shape, dtype=object)
    table[:, :NUMBERS] = matrix[:, :NUMBERS].astype(float)
    for place, names in enumerate(CATEGORIES):
        table[:, NUMBERS + place] = [names[int(code)] for code in matrix[:, NUMBERS + place]]
    return table


def _usual(family: str, columns_in_order: list[Any]) -> Any:
    numbers, texts = columns_in_order[:NUMBERS], columns_in_order[NUMBERS:]
    codes = OrdinalEncoder(handle_unknown="use_encoded_value", unknown_value=-1)
    if family == "linear":
        scaled = make_pipeline(SimpleImputer(strategy="median", add_indicator=True), StandardScaler())
        columns = [("n", scaled, numbers), ("t", OneHotEncoder(handle_unknown="ignore"), texts)]
        return make_pipeline(ColumnTransformer(columns), LogisticRegression(max_iter=1000))
    if family == "hist_gradient_boosting":
        columns = [("n", "passthrough", numbers), ("t", codes, texts)]
        return make_pipeline(ColumnTransformer(columns), HistGradientBoostingClassifier(**PARAMS[family]))
    columns = [("n", SimpleImputer(strategy="median", add_indicator=True), numbers), ("t", codes, texts)]
    return make_pipeline(ColumnTransformer(columns), RandomForestClassifier(**PARAMS[family], random_state=0))


def _bundle(flat: Mapping[str, Any] | None) -> dict[str, Any]:
    return {
        "format_version": 1,
        "model": "bench",
        "run_id": RUN_ID,
        "task": "classification",
        "classes": [0, 1],
        "threshold": None,
        "encoding": ENCODING.to_json(),
        "target": "y",
        "engine": "flat",
        "flat": flat,
        "onnx": None,
        "golden": {"rows": [], "outputs": []},
        "interval": None,
        "capture": {"percent": 100, "mask": []},
    }


def body(contender: Contender, rows: int) -> bytes:
    """Return an infer request for the first rows of the table."""
    inputs = []
    for place, column in enumerate(ENCODING.columns):
        cells = contender.table[:rows, place].tolist()
        data = [None if isinstance(cell, float) and cell != cell else cell for cell in cells]  # noqa: PLR0124
        datatype = "FP64" if column.kind == "number" else "BYTES"
        inputs.append({"name": column.name, "shape": [rows, 1], "datatype": datatype, "data": data})
    return orjson.dumps({"inputs": inputs})
