"""The inputs of an imported model: whatever it takes, it is fed from one float32 matrix [rows, slots].

Models with one input a column get their parts of the matrix, texts in place of codes; a missing text, and one that
`columns` does not list, is the empty text.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from onnx import GraphProto, ModelProto, ValueInfoProto

    from modelloop.tables.encoding import Column, Encoding

VECTORS = "modelloop_vectors"
MATRIX = 2
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_EXPORT_AS_FLOATS = "export it with float inputs (FloatTensorType in skl2onnx, float32 tensors elsewhere)"


def adapt(model: ModelProto, encoding: Encoding) -> str:
    """Make a model take the matrix; return its input's name. Raises DatasetRejectedError, saying how to export it."""
    graph = model.graph
    given = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in given]
    for entry in inputs:
        _check(entry)
    if len(inputs) == 1 and (len(encoding.columns) != 1 or _rank(inputs[0]) == MATRIX):
        return _one_matrix(graph, inputs[0], len(encoding.slots))
    return _by_column(graph, inputs, encoding)


def _check(entry: ValueInfoProto) -> None:
    shape = entry.type.tensor_type.shape.dim
    if not entry.type.HasField("tensor_type") or not 1 <= len(shape) <= MATRIX:
        raise DatasetRejectedError(
            f"input {entry.name!r} must be a float32 matrix [rows, columns], or one input for each column"
        )
    if shape[0].dim_value:
        raise DatasetRejectedError(
            f"input {entry.name!r} takes {shape[0].dim_value} row(s) at a time; export the model with a dynamic first "
            "dimension (dynamic_shapes or dynamic_axes in PyTorch, None in tf2onnx and skl2onnx)"
        )


def _one_matrix(graph: GraphProto, entry: ValueInfoProto, slots: int) -> str:
    kind = entry.type.tensor_type
    if kind.elem_type not in _FLOATS or len(kind.shape.dim) != MATRIX:
        raise DatasetRejectedError(
            f"input {entry.name!r} must be a float32 matrix [rows, columns]; {_EXPORT_AS_FLOATS}"
        )
    width = kind.shape.dim[1].dim_value or slots
    if width != slots:
        raise DatasetRejectedError(
            f"input {entry.name!r} takes {width} columns, but `columns` in model.yaml makes {slots}"
        )
    if kind.elem_type == TensorProto.FLOAT:
        kind.shape.dim[1].dim_value = slots
        return str(entry.name)
    cast = helper.make_node("Cast", [VECTORS], [entry.name], to=kind.elem_type)
    return _feed(graph, [cast], slots)


def _by_column(graph: GraphProto, inputs: list[ValueInfoProto], encoding: Encoding) -> str:
    by_name = {entry.name: entry for entry in inputs}
    named = [column.name for column in encoding.columns]
    if set(by_name) != set(named):
        raise DatasetRejectedError(
            f"the model has {len(inputs)} inputs ({', '.join(sorted(by_name)[:8])}) and model.yaml lists the columns "
            f"{', '.join(named[:8])}: give it one float32 matrix [rows, columns], or one input a column, named like it"
        )
    nodes: list[Any] = []
    for place, column in enumerate(encoding.columns):
        nodes += _column(graph, by_name[column.name], column, place)
    return _feed(graph, nodes, len(encoding.slots))


def _column(graph: GraphProto, entry: ValueInfoProto, column: Column, place: int) -> list[Any]:
    """Return the nodes from the matrix to one input; every column of an imported model has one slot."""
    kind, name = entry.type.tensor_type.elem_type, f"modelloop_{place}"
    shape = [-1] if _rank(entry) == 1 else [-1, 1]
    nodes = [_node(graph, "Gather", [VECTORS, np.array([place])], f"{name}_cell", axis=1)]
    nodes.append(_node(graph, "Reshape", [f"{name}_cell", np.array(shape)], f"{name}_shaped"))
    if kind == TensorProto.STRING and column.kind == "text":
        rest = np.array([len(column.categories)], np.float32)
        texts = np.array([*column.categories, ""], dtype=object)
        nodes.append(_node(graph, "IsNaN", [f"{name}_shaped"], f"{name}_lost"))
        nodes.append(_node(graph, "Where", [f"{name}_lost", rest, f"{name}_shaped"], f"{name}_code"))
        nodes.append(_node(graph, "Cast", [f"{name}_code"], f"{name}_place", to=TensorProto.INT64))
        nodes.append(_node(graph, "Gather", [texts, f"{name}_place"], entry.name, axis=0))
    elif kind in _FLOATS:
        nodes.append(_node(graph, "Cast", [f"{name}_shaped"], entry.name, to=kind))
    else:
        wanted = "texts" if kind == TensorProto.STRING else "whole numbers or booleans, which cannot be missing"
        raise DatasetRejectedError(
            f"input {entry.name!r} of a {column.kind} column takes {wanted}; {_EXPORT_AS_FLOATS}"
        )
    return nodes


def _node(graph: GraphProto, operator: str, inputs: list[Any], output: str, **attributes: Any) -> Any:
    """Return a node; arrays among its inputs become constants of the graph."""
    names = []
    for number, given in enumerate(inputs):
        if isinstance(given, str):
            names.append(given)
            continue
        names.append(f"{output}_constant{number}")
        graph.initializer.append(numpy_helper.from_array(given, names[-1]))
    return helper.make_node(operator, names, [output], **attributes)


def _feed(graph: GraphProto, nodes: list[Any], slots: int) -> str:
    """Put nodes before all others and let them start from the matrix, which becomes the one input."""
    rest = list(graph.node)
    del graph.node[:]
    graph.node.extend([*nodes, *rest])
    made = {output for node in nodes for output in node.output}
    kept = [entry for entry in graph.input if entry.name not in made]
    del graph.input[:]
    graph.input.extend([helper.make_tensor_value_info(VECTORS, TensorProto.FLOAT, [None, slots]), *kept])
    return VECTORS


def _rank(entry: ValueInfoProto) -> int:
    return len(entry.type.tensor_type.shape.dim)
