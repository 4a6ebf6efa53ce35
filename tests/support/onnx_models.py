"""Small ONNX models that tests import: three weights, then some layers."""

from __future__ import annotations

from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

WEIGHTS = np.array([[2.0], [-1.5], [0.0]], np.float32)


def made(*layers: tuple[str, dict[str, Any]], width: int, slots: int = 3, **options: Any) -> onnx.ModelProto:
    """Return a model: the weights, then the layers, from `x` to `y`."""
    weights = numpy_helper.from_array(np.repeat(WEIGHTS[:slots], width, axis=1), "w")
    nodes = [helper.make_node("IsNaN", ["x"], ["lost"]), helper.make_node("Where", ["lost", "zero", "x"], ["filled"])]
    nodes.append(helper.make_node("MatMul", ["filled", "w"], ["h0"]))
    for place, (operator, attributes) in enumerate(layers):
        output = "y" if place == len(layers) - 1 else f"h{place + 1}"
        nodes.append(helper.make_node(operator, [f"h{place}"], [output], **attributes))
    zero = numpy_helper.from_array(np.zeros((1,), np.float32), "zero")
    graph = helper.make_graph(
        nodes, "g",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, [None, slots])],
        [helper.make_tensor_value_info("y", TensorProto.FLOAT, [None, width])],
        [weights, zero],
    )  # fmt: skip
    return helper.make_model(graph, opset_imports=[helper.make_opsetid("", options.pop("opset", 18))], **options)


SIGMOID = made(("Sigmoid", {}), width=1, ir_version=10).SerializeToString()
PLANE = made(("Identity", {}), width=1, ir_version=10).SerializeToString()
