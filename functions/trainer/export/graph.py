"""Preparations as ONNX graphs: encoded vectors in, what the estimator sees out, in the estimator's own precision."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, load_model_from_string, numpy_helper

from trainer.families.preparation import Filled, Native, OneHot

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from onnx import GraphProto, ModelProto, OperatorSetIdProto

    from trainer.families.target_means import TargetMeans

INPUT, PREPARED = "vectors", "modelloop_prepared"
FLOOR, BOUNDED = "modelloop_floor", "modelloop_bounded"
_CODE = TensorProto.INT64


def preparation_graph(
    preparation: Native | Filled | OneHot, slots: int, opset: list[OperatorSetIdProto], version: int
) -> ModelProto:
    """Return a model from `vectors` (float, [rows, slots]) to the prepared matrix (float), for one ONNX version."""
    graph = _Graph()
    vectors = _deviations(graph, preparation.means, slots) if preparation.means is not None else INPUT
    one_hot = isinstance(preparation, OneHot)
    parts = _one_hot(graph, preparation, vectors) if one_hot else _filled(graph, preparation, vectors)
    graph.add("Concat", parts, PREPARED, axis=1)
    made = helper.make_graph(
        graph.nodes,
        "preparation",
        [helper.make_tensor_value_info(INPUT, TensorProto.FLOAT, [None, slots])],
        [helper.make_tensor_value_info(PREPARED, TensorProto.FLOAT, [None, None])],
        graph.constants,
    )
    return helper.make_model(made, opset_imports=opset, ir_version=version)


def bound_below(graph: GraphProto, floor: float) -> None:
    """Let the one output of a graph of numbers be at least `floor`, in place."""
    output = graph.output[0]
    kind = helper.tensor_dtype_to_np_dtype(output.type.tensor_type.elem_type)
    graph.initializer.append(numpy_helper.from_array(np.array(floor, kind), FLOOR))
    graph.node.append(helper.make_node("Max", [output.name, FLOOR], [BOUNDED]))
    output.name = BOUNDED


class _Graph:
    """Nodes and constants with names that no converter makes up."""

    def __init__(self) -> None:
        self.nodes: list[Any] = []
        self.constants: list[Any] = []

    def add(self, operator: str, inputs: list[str], output: str | None = None, **attributes: Any) -> str:
        """Add a node; return the name of its result."""
        name = output or f"modelloop_{len(self.nodes)}"
        self.nodes.append(helper.make_node(operator, inputs, [name], **attributes))
        return name

    def constant(self, values: NDArray[Any]) -> str:
        """Add a constant; return its name."""
        name = f"modelloop_constant_{len(self.constants)}"
        self.constants.append(numpy_helper.from_array(values, name))
        return name

    def columns(self, matrix: str, places: NDArray[np.intp]) -> str:
        """Pick columns."""
        return self.add("Gather", [matrix, self.constant(places.astype(np.int64))], axis=1)

    def cast(self, matrix: str, to: int) -> str:
        """Change the element type."""
        return self.add("Cast", [matrix], to=to)


def _deviations(graph: _Graph, means: TargetMeans, slots: int) -> str:
    """Return the vectors with the deviations of value slots in place of their codes."""
    parts = []
    for slot in range(slots):
        column = graph.columns(INPUT, np.array([slot]))
        if slot in means.tables_:
            missing = graph.add("IsNaN", [column])
            zero = graph.constant(np.zeros((1, 1), np.float32))
            codes = graph.cast(graph.add("Where", [missing, zero, column]), _CODE)
            found = graph.add("Gather", [graph.constant(means.tables_[slot]), codes])
            column = graph.add("Where", [missing, column, found])
        parts.append(column)
    return graph.add("Concat", parts, axis=1)


def _filled(graph: _Graph, preparation: Native | Filled, vectors: str) -> list[str]:
    if isinstance(preparation, Native):
        return [vectors]
    missing = graph.add("IsNaN", [vectors])
    parts = [graph.add("Where", [missing, graph.constant(preparation.fill_[np.newaxis]), vectors])]
    if preparation.flags_.size:
        parts.append(graph.cast(graph.columns(missing, preparation.flags_), TensorProto.FLOAT))
    return parts


def _one_hot(graph: _Graph, preparation: OneHot, vectors: str) -> list[str]:
    parts = []
    if preparation.numbers_.size:
        numbers = graph.cast(graph.columns(vectors, preparation.numbers_), TensorProto.DOUBLE)
        missing = graph.add("IsNaN", [numbers])
        filled = graph.add("Where", [missing, graph.constant(preparation.medians_[np.newaxis]), numbers])
        centred = graph.add("Sub", [filled, graph.constant(preparation.means_[np.newaxis])])
        scaled = graph.add("Div", [centred, graph.constant(preparation.scales_[np.newaxis])])
        parts.append(graph.cast(scaled, TensorProto.FLOAT))
        if preparation.flags_.size:
            parts.append(graph.cast(graph.columns(missing, preparation.flags_), TensorProto.FLOAT))
    for slot in preparation.categories_:
        codes = graph.columns(vectors, np.array([slot]))
        width = preparation.codes[slot] + 1
        last = graph.constant(np.array([[width - 1]], np.float32))
        filled = graph.cast(graph.add("Where", [graph.add("IsNaN", [codes]), last, codes]), _CODE)
        every = graph.constant(np.arange(width, dtype=np.int64)[np.newaxis])
        parts.append(graph.cast(graph.add("Equal", [filled, every]), TensorProto.FLOAT))
    return parts


def input_and_output(content: bytes) -> tuple[str, str]:
    """Return the names of a model's first input and last output."""
    graph = load_model_from_string(content).graph
    return graph.input[0].name, graph.output[-1].name
