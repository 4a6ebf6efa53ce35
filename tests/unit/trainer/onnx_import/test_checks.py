"""What an imported ONNX model may not hold: files beside it, operators of nobody, loops that a caller prolongs."""

from __future__ import annotations

import pytest
from onnx import ModelProto, TensorProto, helper, load_model_from_string, parser

from modelloop.errors import DatasetRejectedError
from tests.support.onnx_models import SIGMOID
from trainer.onnx_import import checks
from trainer.onnx_import.loops import MAX_TRIPS, refuse_endless

BODY = "<body = b (int64 i, bool c, float[N,3] a) => (bool d, float[N,3] e) {d = Identity(c) e = Identity(a)}>"
SCAN = "<num_scan_inputs = 1, body = b (float[3] r) => (float[3] s) {s = Identity(r)}>"
CELL = "m = ReduceMax <keepdims = 0> (x) trips = Cast <to = 7> (m)"
GO = "go = Constant <value = bool {1}> ()"


def model_of(*nodes: str, functions: str = "", domains: str = "") -> ModelProto:
    head = f'<ir_version: 8, opset_import: ["": 18{domains}]>'
    text = f"{head} g (float[N,3] x) => (float[N,3] y) {{ {' '.join(nodes)} }} {functions}"
    return parser.parse_model(text)


@pytest.mark.parametrize("nodes", [
    (CELL, GO, f"y = Loop {BODY} (trips, go, x)"),
    (GO, f'y = Loop {BODY} ("", go, x)'),
    (CELL, "u = Add(trips, trips)", GO, f"y = Loop {BODY} (u, go, x)"),
    (CELL, "one = Constant <value_int = 1> ()", "zero = Constant <value_int = 0> ()", "far = Range(zero, trips, one)",
     "long = Shape(far)", "n = Squeeze(long)", GO, f"y = Loop {BODY} (n, go, x)"),
    ("n = Constant <value_int = 100000000> ()", GO, f"y = Loop {BODY} (n, go, x)"),
    ("n = Constant <value_int = 100000000> ()", "k = Identity(n)", GO, f"y = Loop {BODY} (k, go, x)"),
    (CELL, "at = Constant <value_ints = [0]> ()", "shape = Unsqueeze(trips, at)", "far = Expand(x, shape)",
     f"y = Scan {SCAN} (far)"),
    (CELL, "yes = Cast <to = 9> (m)", ("y = If (yes) <then_branch = t () => (float[N,3] p) {"
     f"{GO} p = Loop {BODY} (trips, go, x)}}, else_branch = f () => (float[N,3] q) {{q = Identity(x)}}>")),
])  # fmt: skip
def test_a_loop_that_cells_prolong_is_refused(nodes: tuple[str, ...]) -> None:
    with pytest.raises(DatasetRejectedError, match=r"Loop|Scan"):
        refuse_endless(model_of(*nodes))


@pytest.mark.parametrize("nodes", [
    ("n = Constant <value_int = 5> ()", GO, f"y = Loop {BODY} (n, go, x)"),
    (f"n = Constant <value = int64 {{{MAX_TRIPS}}}> ()", "k = Squeeze(n)", GO, f"y = Loop {BODY} (k, go, x)"),
    ("shape = Shape(x)", "zero = Constant <value_int = 0> ()", "n = Gather(shape, zero)", GO,
     f"y = Loop {BODY} (n, go, x)"),
    (f"y = Scan {SCAN} (x)",),
    ("h = Sigmoid(x)", f"y = Scan {SCAN} (h)"),
])  # fmt: skip
def test_a_loop_over_constants_rows_or_columns_is_kept(nodes: tuple[str, ...]) -> None:
    refuse_endless(model_of(*nodes))


def test_a_loop_inside_a_function_of_the_model_is_followed() -> None:
    function = (
        f'<domain: "own", opset_import: ["": 18]> twice (a) => (b) {{ '
        f"m = ReduceMax <keepdims = 0> (a) trips = Cast <to = 7> (m) {GO} b = Loop {BODY} (trips, go, a) }}"
    )
    with pytest.raises(DatasetRejectedError, match="Loop"):
        refuse_endless(model_of("y = own.twice(x)", functions=function, domains=', "own": 1'))


def checked(model: ModelProto) -> None:
    checks._refuse_external(model)
    checks._refuse_operators(model)


def with_function(domain: str = "own", name: str = "own_relu") -> ModelProto:
    model = load_model_from_string(SIGMOID)
    opsets = [helper.make_opsetid("", 18)]
    node = helper.make_node("Relu", ["a"], ["b"])
    model.functions.append(helper.make_function(domain, name, ["a"], ["b"], [node], opsets))
    model.opset_import.append(helper.make_opsetid(domain, 1))
    return model


def outside() -> TensorProto:
    tensor = TensorProto(name="far", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "/etc/passwd"
    return tensor


def test_operators_are_known_by_domain_and_name() -> None:
    model = with_function("com.example")
    checked(model)
    model.graph.node[-1].domain = "com.example"
    with pytest.raises(DatasetRejectedError, match=r"'Sigmoid' of domain 'com\.example' is no standard ONNX"):
        checked(model)
    model.graph.node[-1].op_type = "own_relu"
    checked(model)


def test_tensors_outside_of_the_file_are_found_in_graphs_of_functions() -> None:
    model = with_function()
    nested = helper.make_graph([helper.make_node("Identity", ["far"], ["q"])], "t", [], [], [outside()])
    model.functions[0].node.append(helper.make_node("If", ["b"], ["c"], then_branch=nested, else_branch=nested))
    with pytest.raises(DatasetRejectedError, match="'far' is stored outside"):
        checked(model)


def test_tensors_outside_of_the_file_are_found_in_defaults_of_functions() -> None:
    model = with_function()
    model.functions[0].attribute_proto.append(helper.make_attribute("given", outside()))
    with pytest.raises(DatasetRejectedError, match="'far' is stored outside"):
        checked(model)
