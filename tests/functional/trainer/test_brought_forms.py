"""Models as scikit-learn's and other converters write them: each form serves, or is refused with how to export it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from skl2onnx import to_onnx
from skl2onnx.common import data_types as types
from sklearn.compose import ColumnTransformer
from sklearn.ensemble import RandomForestClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import OneHotEncoder

from inference.onnx_engine import load_onnx
from modelloop.spec.model import Spec
from tests.support.trainer_lab import Data, regression_sample, sample
from trainer.onnx_import import checks

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")
FLOATS = [("x", types.FloatTensorType([None, 3]))]


def fitted(labels: Any = ("no", "yes"), kind: Any = RandomForestClassifier) -> Any:
    """Return a pipeline on the matrix, with labels of its own."""
    data = sample(900, 1)
    model = kind(n_estimators=20, max_leaf_nodes=16, random_state=0) if kind is RandomForestClassifier else kind()
    target = np.array(labels)[data.target] if labels is not None else data.target.astype(float)
    return make_pipeline(SimpleImputer(), model).fit(data.matrix, target)


def written(model: Any, initial: Any = None, **options: Any) -> onnx.ModelProto:
    last = model.steps[-1][1]
    chosen = {id(last): options} if options else None
    found: onnx.ModelProto = to_onnx(
        model, initial_types=initial or FLOATS, options=chosen, target_opset={"": 18, "ai.onnx.ml": 3}
    )
    return found


def bring(lab: Lab, model: onnx.ModelProto, data: Data | None = None) -> Run:
    return lab.bring(model.SerializeToString(), data or sample(500, 2))


def serves(lab: Lab, run: Run) -> None:
    assert (run.state, run.reason) == ("SUCCEEDED", "version 1 serves")
    manifest = lab.manifest(run)
    assert manifest["replay"]["mismatches"] == 0
    assert manifest["metrics"]["holdout"]["roc_auc"]["value"] > 0.85


@pytest.mark.parametrize("labels", [("no", "yes"), (0, 1)])
def test_a_list_of_maps_is_taken_apart(lab: Lab, labels: Any) -> None:
    model = written(fitted(labels))
    assert [node.op_type for node in model.graph.node][-1] == "ZipMap"
    serves(lab, bring(lab, model))


def test_probabilities_beside_labels_serve(lab: Lab) -> None:
    serves(lab, bring(lab, written(fitted(), zipmap=False)))


def test_a_matrix_of_no_fixed_width_serves(lab: Lab) -> None:
    serves(lab, bring(lab, written(fitted(), [("x", types.FloatTensorType([None, None]))], zipmap=False)))


def test_what_onnxruntime_has_no_operator_for_is_refused_in_its_words(lab: Lab) -> None:
    """It fills no doubles; plain operators on doubles serve, as below."""
    run = bring(lab, written(fitted(kind=LogisticRegression), [("x", types.DoubleTensorType([None, 3]))]))
    assert run.state == "REJECTED"
    assert "the serving runtime cannot run the model: onnxruntime refuses the model" in str(run.reason)
    assert "export it with float32 inputs" in str(run.reason)


def named(data: Data) -> Any:
    """Return the table as a DataFrame would have it: texts, empty where they are missing or not listed."""
    texts = np.array(["red", "green", "blue", ""], dtype=object)[np.nan_to_num(data.matrix[:, 2], nan=3).astype(int)]
    return np.column_stack([data.matrix[:, :2].astype(object), texts])


def pipeline() -> Any:
    """Return a pipeline on named columns."""
    data, numbers = sample(900, 1), make_pipeline(SimpleImputer())
    prepared = ColumnTransformer([("n", numbers, [0, 1]), ("t", OneHotEncoder(handle_unknown="ignore"), [2])])
    target = data.target ^ (np.nan_to_num(data.matrix[:, 2]) == 2)  # no two colours alike
    return make_pipeline(prepared, LogisticRegression()).fit(named(data), target)


def by_column() -> onnx.ModelProto:
    """Return it as it is exported: one input a column."""
    model = pipeline()
    number, text = types.FloatTensorType([None, 1]), types.StringTensorType([None, 1])
    return written(model, [("a", number), ("b", number), ("kind", text)], zipmap=False)


def test_one_input_a_column_with_texts_serves(lab: Lab) -> None:
    run = bring(lab, by_column())
    serves(lab, run)
    imports = {column["column"]: column["mean"] for column in lab.manifest(run)["importance"]}
    assert min(imports[name] for name in ("a", "b", "kind")) > 0.005


def test_texts_reach_the_model_as_themselves() -> None:
    data = sample(300, 5)
    data.matrix[:20, 2] = 3  # unlisted
    model = checks.check(by_column().SerializeToString(), encoding=data.encoding, classes=["no", "yes"], output=None)
    engine = load_onnx(model.content, output=model.output, task="classification", classes=2)
    said = engine.predict(data.matrix.astype(float).tolist()).proba
    assert np.array(said) == pytest.approx(pipeline().predict_proba(named(data)), abs=1e-5)


def test_columns_of_other_names_are_refused_with_both_lists(lab: Lab) -> None:
    model = by_column()
    model.graph.input[0].name = "z"
    for node in model.graph.node:
        node.input[:] = ["z" if name == "a" else name for name in node.input]
    run = bring(lab, model)
    assert run.state == "REJECTED"
    assert "3 inputs (b, kind, z) and model.yaml lists the columns a, b, kind" in str(run.reason)


def test_whole_numbers_cannot_be_missing(lab: Lab) -> None:
    model = by_column()
    model.graph.input[0].type.tensor_type.elem_type = TensorProto.INT64
    for node in model.graph.node:
        node.input[:] = ["cast" if name == "a" else name for name in node.input]
    model.graph.node.insert(0, helper.make_node("Cast", ["a"], ["cast"], to=TensorProto.FLOAT))
    run = bring(lab, model)
    assert run.state == "REJECTED"
    assert "input 'a' of a number column takes whole numbers or booleans, which cannot be missing" in str(run.reason)
    assert "FloatTensorType" in str(run.reason)


def test_labels_alone_are_refused(lab: Lab) -> None:
    model = written(fitted(), zipmap=False)
    del model.graph.output[1]
    run = bring(lab, model)
    assert run.state == "REJECTED"
    assert "the model gives labels alone; export the probabilities as a float matrix" in str(run.reason)


def test_a_lone_probability_gets_its_complement(lab: Lab) -> None:
    """Also where it is a double: a network with one sigmoid."""
    weights = onnx.numpy_helper.from_array(np.array([[2.0], [-1.5], [0.3]]), "w")
    zero = onnx.numpy_helper.from_array(np.zeros(1), "zero")
    nodes = [
        helper.make_node("IsNaN", ["x"], ["lost"]), helper.make_node("Where", ["lost", "zero", "x"], ["filled"]),
        helper.make_node("MatMul", ["filled", "w"], ["score"]), helper.make_node("Sigmoid", ["score"], ["p"]),
        helper.make_node("Squeeze", ["p"], ["y"]),
    ]  # fmt: skip
    graph = helper.make_graph(
        nodes, "g", [helper.make_tensor_value_info("x", TensorProto.DOUBLE, [None, 3])],
        [helper.make_tensor_value_info("y", TensorProto.DOUBLE, [None])], [weights, zero],
    )  # fmt: skip
    serves(lab, bring(lab, helper.make_model(graph, opset_imports=[helper.make_opsetid("", 18)], ir_version=10)))


def test_classes_in_another_order_than_the_models_are_refused(lab: Lab) -> None:
    data = replace(sample(500, 2), classes=["yes", "no"])
    run = bring(lab, written(fitted(), zipmap=False), replace(data, target=1 - data.target))
    assert run.state == "REJECTED"
    assert "the model's classes stand in the order no, yes, and `classes` in model.yaml says yes, no" in str(run.reason)


def test_a_fixed_number_of_rows_is_refused(lab: Lab) -> None:
    model = written(fitted(), [("x", types.FloatTensorType([1, 3]))], zipmap=False)
    run = bring(lab, model)
    assert run.state == "REJECTED"
    assert "takes 1 row(s) at a time; export the model with a dynamic first dimension" in str(run.reason)


def test_several_numbers_a_row_are_refused(lab: Lab) -> None:
    data = regression_sample(500, 3)
    pair = make_pipeline(SimpleImputer(), LinearRegression()).fit(data.matrix, np.column_stack([data.target] * 2))
    model = written(pair)
    for width in (2, None):
        model.graph.output[0].type.tensor_type.shape.dim[1].Clear()
        if width:
            model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = width
        run = bring(lab, model, replace(data, spec=Spec(metric="rmse" if width else "mae")))
        assert run.state == "REJECTED"
        assert ("has 2 columns for one number" if width else "2 numbers where one is expected") in str(run.reason)


def test_answers_that_are_no_numbers_where_cells_are_missing_are_refused(lab: Lab) -> None:
    data = regression_sample(500, 4)
    model = make_pipeline(LinearRegression()).fit(np.nan_to_num(data.matrix), data.target)
    run = bring(lab, written(model), data)
    assert run.state == "REJECTED"
    assert "missing cells, which callers may send: fill them inside of the model" in str(run.reason)


def test_a_regression_without_gaps_serves(lab: Lab) -> None:
    data = regression_sample(900, 4)
    model = make_pipeline(SimpleImputer(), LinearRegression()).fit(data.matrix[:400], data.target[:400])
    reference = replace(data, matrix=data.matrix[400:], target=data.target[400:])
    run = bring(lab, written(model), reference)
    assert (run.state, run.reason) == ("SUCCEEDED", "version 1 serves")


def test_lightgbm_serves_as_its_own_users_export_it(lab: Lab) -> None:
    lightgbm = pytest.importorskip("lightgbm")
    onnxmltools = pytest.importorskip("onnxmltools")
    kinds = pytest.importorskip("onnxmltools.convert.common.data_types")
    data = sample(900, 1)
    model = lightgbm.LGBMClassifier(n_estimators=20, num_leaves=8, n_jobs=1, verbose=-1).fit(data.matrix, data.target)
    for zipmap in (True, False):
        exported = onnxmltools.convert_lightgbm(
            model, initial_types=[("x", kinds.FloatTensorType([None, 3]))], zipmap=zipmap, target_opset=15
        )
        run = bring(lab, exported, replace(sample(500, 2), spec=Spec(metric="f1" if zipmap else "log_loss")))
        assert run.state == "SUCCEEDED", run.reason
        assert lab.manifest(run)["replay"]["mismatches"] == 0
