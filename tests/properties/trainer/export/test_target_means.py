"""Text that is encoded by the target is served exactly: row by row, in batches, through ONNX, and explained."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from inference.onnx_engine import load_onnx
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.parity import compare, onnx_tolerance
from tests.support.generated_models import boundary_rows, compiled, replay, vectors
from trainer.export.conversion import convert
from trainer.export.graph import input_and_output
from trainer.families.blend import Blend
from trainer.families.catalogue import build

VALUES = 300
ENCODING = Encoding([
    Column("n", "number"), Column("c", "text", ("red", "green")),
    Column("town", "text", tuple(f"town {place}" for place in range(VALUES)), by_target=True),
])  # fmt: skip
PLACE = 2
FAMILIES: list[tuple[str, dict[str, Any]]] = [
    ("linear", {}),
    ("hist_gradient_boosting", {"max_iter": 15, "min_samples_leaf": 3}),
    ("hist_gradient_boosting", {"max_iter": 4, "max_leaf_nodes": 100, "min_samples_leaf": 1}),
    ("random_forest", {"n_estimators": 6}),
    ("gradient_boosting", {"n_estimators": 8}),
]


def rows(count: int, seed: int) -> np.ndarray:
    matrix = vectors(ENCODING, count, seed)
    matrix[:, PLACE] = np.where(np.isnan(matrix[:, PLACE]), np.nan, np.random.default_rng(seed).integers(0, 301, count))
    return matrix


def target(matrix: np.ndarray, task: str) -> np.ndarray:
    effects = np.random.default_rng(9).normal(size=VALUES + 1)
    effects[-1] = 0.0
    score = np.nan_to_num(matrix[:, 0]) + 2.0 * effects[np.nan_to_num(matrix[:, PLACE], nan=VALUES).astype(int)]
    return np.asarray(score > 0, int) if task == "classification" else np.exp(score / 2.0)


def fitted(name: str, task: str, params: dict[str, Any]) -> Any:
    matrix = rows(3000, 1)
    with warnings.catch_warnings(), threadpool_limits(1):
        warnings.simplefilter("ignore")  # tiny fits do not converge, and need not
        return build(name, task, ENCODING, params, 1).fit(matrix, target(matrix, task))


@pytest.mark.parametrize("task", ["classification", "regression"])
@pytest.mark.parametrize(("name", "params"), FAMILIES)
def test_the_flat_form_answers_as_the_estimator(name: str, params: dict[str, Any], task: str) -> None:
    model = fitted(name, task, params)
    document, flat = compiled(model, ENCODING)
    assert [len(table) for table in document["means"].values()] == [VALUES + 1]
    everything = np.vstack([rows(300, 2), boundary_rows(document, ENCODING, 3)])
    assert replay(model, flat, everything).ok
    plain = everything[:60].astype(float).tolist()
    batch, single = flat.raws(plain), [flat.raw(vector) for vector in plain]
    assert batch == single if document["form"] == "trees" else np.allclose(batch, single, rtol=1e-12)
    for vector in plain[:20]:
        parts = flat.explain(vector)
        assert len(parts.slots) == len(ENCODING.slots)
        assert parts.base + sum(parts.slots) == pytest.approx(parts.value, abs=1e-9)
    moved = [abs(flat.explain(vector).by_column(ENCODING.slots)["town"]) for vector in plain]
    assert max(moved) > 0.05


def test_the_bundle_has_short_numbers_and_the_engine_the_floats_of_the_estimator() -> None:
    model = fitted("linear", "regression", {})
    document, flat = compiled(model, ENCODING)
    table = document["means"][str(PLACE)]
    assert all(len(f"{number:.4g}") >= len(repr(number).rstrip("0").rstrip(".")) or number == 0 for number in table)
    vector = [0.5, 1.0, 7.0]
    wanted = model.preparation.means.tables_[PLACE][7]
    assert flat._looked_up(vector)[PLACE] == wanted
    assert vector == [0.5, 1.0, 7.0], "the caller's vector stays as it is"


@pytest.mark.filterwarnings("ignore::FutureWarning")  # the converter reads attributes that will go
@pytest.mark.parametrize("task", ["classification", "regression"])
def test_converted_models_know_what_was_learned_of_values(task: str) -> None:
    model = fitted("knn", task, {})
    content = convert(model, len(ENCODING.slots))
    classes = 2 if task == "classification" else 0
    engine = load_onnx(content, output=input_and_output(content)[1], task=task, classes=classes)
    everything = rows(200, 5)
    answers = model.predict_proba(everything) if classes else model.predict(everything)[:, np.newaxis]
    expected = answers.tolist()
    assert compare(expected, engine.predict(everything.astype(float).tolist()), onnx_tolerance(expected)).ok


def test_models_without_such_text_have_no_tables() -> None:
    encoding = Encoding(ENCODING.columns[:2])
    matrix = rows(300, 1)[:, :2]
    model = build("linear", "regression", encoding, {}).fit(matrix, np.nan_to_num(matrix[:, 0]).astype(np.float64))
    assert "means" not in compiled(model, encoding)[0]


@pytest.mark.parametrize(("params", "link"), [({}, "identity"), ({"kind": "log"}, "log")])
def test_a_blend_has_the_tables_and_the_floor_of_its_members(params: dict[str, Any], link: str) -> None:
    members = [fitted(name, "regression", {**options, **params}) for name, options in (FAMILIES[0], FAMILIES[1])]
    blend = Blend(members, [0.625, 0.375], link)
    document, flat = compiled(blend, ENCODING)
    assert list(document["means"]) == [str(PLACE)]
    assert ("floor" in document) == (link == "identity")
    assert blend.floor == 0.0
    everything = np.vstack([rows(300, 2), vectors(ENCODING, 100, 4, spread=30.0)])
    assert replay(blend, flat, everything).ok
    assert link == "log" or min(flat.predict(everything.astype(float).tolist()).predict) == 0.0
