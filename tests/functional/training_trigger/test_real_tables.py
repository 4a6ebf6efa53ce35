"""Real tables that ship with packages: what intake makes of them, whole."""

from __future__ import annotations

import csv
import io
from importlib.metadata import files
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import datasets

from modelloop.spec.model import Spec, parse_spec
from tests.support.intake_stage import DEPLOYED
from training_trigger import engine
from training_trigger.preparation import Prepared, prepare

if TYPE_CHECKING:
    from pathlib import Path


def table(bunch: Any, labels: bool = True) -> str:
    sink = io.StringIO()
    writer = csv.writer(sink)
    writer.writerow([*bunch.feature_names, "target"])
    for row, target in zip(bunch.data, bunch.target, strict=True):
        writer.writerow([*(repr(float(cell)) for cell in row), bunch.target_names[target] if labels else float(target)])
    return sink.getvalue()


def taken(folder: Path, text: str, spec: Spec | None = None) -> Prepared:
    path = folder / "upload"
    path.write_text(text, encoding="utf-8", newline="")
    with engine.connect(folder) as connection:
        return prepare(
            connection, path, file="t.csv", model="m", spec=spec or Spec(), trainer=DEPLOYED, progress=lambda _: None
        )


@pytest.mark.parametrize(
    ("load", "rows", "classes"),
    [
        (datasets.load_iris, 150, ["setosa", "versicolor", "virginica"]),
        (datasets.load_wine, 178, ["class_0", "class_1", "class_2"]),
        (datasets.load_breast_cancer, 569, ["benign", "malignant"]),
    ],
)
def test_classification_tables(tmp_path: Path, load: Any, rows: int, classes: list[str]) -> None:
    bunch = load()
    prepared = taken(tmp_path, table(bunch))
    facts = prepared.facts
    assert (facts.task, facts.rows, facts.classes) == ("classification", rows, classes)
    matrix = np.load(prepared.files["matrix.npy"])
    np.testing.assert_array_equal(matrix, bunch.data.astype(np.float32))
    target = np.load(prepared.files["target.npy"])
    assert [classes[code] for code in target] == [bunch.target_names[code] for code in bunch.target]
    sides = np.bincount(np.load(prepared.files["membership.npy"])) / rows
    assert sides == pytest.approx([0.64, 0.16, 0.2], abs=0.1)


def test_regression_table(tmp_path: Path) -> None:
    bunch = datasets.load_diabetes()
    prepared = taken(tmp_path, table(bunch, labels=False))
    assert prepared.facts.task == "regression"
    assert prepared.facts.classes is None
    np.testing.assert_array_equal(np.load(prepared.files["target.npy"]), bunch.target)


def test_digits_classes_keep_their_type_and_constant_pixels_are_dropped(tmp_path: Path) -> None:
    bunch = datasets.load_digits()
    facts = taken(tmp_path, table(bunch, labels=False)).facts
    assert facts.classes == list(range(10))
    assert all(isinstance(label, int) for label in facts.classes)
    dropped = {column.name: column.reason for column in facts.profile if column.role == "dropped"}
    constant = {name for name, low, high in zip(bunch.feature_names, bunch.data.min(0), bunch.data.max(0), strict=True)
                if low == high}  # fmt: skip
    assert dropped == dict.fromkeys(constant, "every row has the same value")


def test_raw_penguins_have_their_identifiers_dropped_and_dates_read(tmp_path: Path) -> None:
    path = next(path for path in files("palmerpenguins") or () if path.name == "penguins-raw.csv")
    spec = parse_spec("target: Species\n")
    prepared = taken(tmp_path, path.read_text(), spec)
    kinds = {column.name: column.kind for column in prepared.facts.encoding.columns}
    roles = {column.name: (column.role, column.reason) for column in prepared.facts.profile}
    assert kinds["Date Egg"] == "date"
    assert kinds["Body Mass (g)"] == "number"
    assert roles["Region"] == ("dropped", "every row has the same value")
    assert roles["Stage"] == ("dropped", "every row has the same value")
    assert len(prepared.facts.classes or ()) == 3


def test_leak_and_row_number_are_warned_about(tmp_path: Path) -> None:
    text = table(datasets.load_iris())
    lines = text.splitlines()
    answer = {"setosa": "s", "versicolor": "ve", "virginica": "vi"}
    told = [f"row_id,{lines[0].rpartition(',')[0]},answer,target"]
    for place, line in enumerate(lines[1:]):
        rest, _, label = line.rpartition(",")
        told.append(f"{place},{rest},{answer[label]},{label}")
    warnings = taken(tmp_path, "\n".join(told)).facts.warnings
    assert any("'answer' alone predicts the target almost perfectly (100.0%)" in warning for warning in warnings)
    assert any("'row_id' looks like a row number" in warning for warning in warnings)
    assert not any("petal" in warning for warning in warnings)
