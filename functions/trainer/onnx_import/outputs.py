"""The outputs of a brought model: which one answers, as class probabilities or as one number a row."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, helper, numpy_helper

from modelloop.errors import DatasetRejectedError
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from onnx import ModelProto, NodeProto, ValueInfoProto

MATRIX = BINARY = 2
_FLOATS = {TensorProto.FLOAT, TensorProto.DOUBLE, TensorProto.FLOAT16}
_LABELS = ("classlabels_strings", "classlabels_int64s", "classlabels_ints")
_HOW = (
    "export the probabilities as a float matrix [rows, classes] (in skl2onnx and onnxmltools with zipmap=False, in "
    "PyTorch and TensorFlow after a softmax or sigmoid)"
)


def adapt(model: ModelProto, classes: Sequence[Any], wanted: str | None) -> str:
    """Make a model answer with one float matrix; return the output's name. `classes` is empty for regression.

    Maps of probabilities are taken apart, a lone probability gets its complement. Raises DatasetRejectedError, saying
    how to export it, for outputs that cannot be used and for classes in another order than the model's own.
    """
    _take_maps_apart(model)
    _check_order(model, classes)
    chosen = _choose(model, wanted, len(classes))
    if len(classes) == BINARY and _width(chosen) == 1:
        _add_complement(model, chosen)
        chosen = model.graph.output[-1]
    return str(chosen.name)


def _take_maps_apart(model: ModelProto) -> None:
    """Replace every list of maps {label: probability} by the matrix that it was made of."""
    graph = model.graph
    maps = {node.output[0]: node for node in graph.node if node.op_type == "ZipMap"}
    for place, output in enumerate(graph.output):
        if output.name in maps:
            node = maps[output.name]
            matrix = helper.make_tensor_value_info(node.input[0], TensorProto.FLOAT, [None, len(_labels(node)) or None])
            graph.output[place].CopyFrom(matrix)
            graph.node.remove(node)


def _labels(node: NodeProto) -> list[str]:
    found = next((one for one in node.attribute if one.name in _LABELS and (one.strings or one.ints)), None)
    if found is None:
        return []
    return [text.decode() for text in found.strings] or [str(number) for number in found.ints]


def _check_order(model: ModelProto, classes: Sequence[Any]) -> None:
    named = [label_text(one) for one in classes]
    for node in model.graph.node:
        own = _labels(node)
        if own != named and sorted(own) == sorted(named):
            raise DatasetRejectedError(
                f"the model's classes stand in the order {', '.join(own[:8])}, and `classes` in model.yaml says "
                f"{', '.join(named[:8])}: give them in the model's order"
            )


def _choose(model: ModelProto, wanted: str | None, classes: int) -> ValueInfoProto:
    outputs = list(model.graph.output)
    names = ", ".join(entry.name for entry in outputs)
    usable = [entry for entry in outputs if entry.type.tensor_type.elem_type in _FLOATS]
    if wanted is not None:
        usable = [entry for entry in usable if entry.name == wanted]
        if not usable:
            raise DatasetRejectedError(f"no float output {wanted!r} among {names}; name one of them under `outputs`")
    if not usable:
        what = "labels alone" if outputs and all(map(_is_label, outputs)) else f"no float output among {names}"
        raise DatasetRejectedError(f"the model gives {what}; {_HOW}")
    widths = {classes, 1 if classes == BINARY else classes} if classes else {1}
    fitting = [entry for entry in usable if _width(entry) in widths] or [
        entry for entry in usable if _width(entry) is None
    ]
    if not fitting:
        many = f"for {classes} classes" if classes else "for one number"
        raise DatasetRejectedError(f"output {usable[-1].name!r} has {_width(usable[-1])} columns {many}")
    if len(fitting) > 1 and not classes:
        raise DatasetRejectedError(f"the model has several float outputs ({names}); name one as `outputs.predict`")
    likely: list[ValueInfoProto] = [entry for entry in fitting if "prob" in entry.name.lower()] or fitting
    return likely[-1]


def _is_label(output: ValueInfoProto) -> bool:
    return output.type.tensor_type.elem_type in {TensorProto.INT64, TensorProto.INT32, TensorProto.STRING}


def _width(output: ValueInfoProto) -> int | None:
    shape = output.type.tensor_type.shape.dim
    return 1 if len(shape) < MATRIX else int(shape[1].dim_value) or None


def _add_complement(model: ModelProto, output: ValueInfoProto) -> None:
    """Add an output [1 - p, p] of the one probability p."""
    kind = output.type.tensor_type.elem_type
    dtype: Any = helper.tensor_dtype_to_np_dtype(kind)
    one, shape = numpy_helper.from_array(np.ones(1, dtype), "modelloop_one"), "modelloop_shape"
    column = numpy_helper.from_array(np.array([-1, 1], np.int64), shape)
    model.graph.initializer.extend([one, column])
    model.graph.node.extend(
        [
            helper.make_node("Reshape", [output.name, shape], ["modelloop_yes"]),
            helper.make_node("Sub", ["modelloop_one", "modelloop_yes"], ["modelloop_no"]),
            helper.make_node("Concat", ["modelloop_no", "modelloop_yes"], ["modelloop_both"], axis=1),
        ]
    )
    model.graph.output.append(helper.make_tensor_value_info("modelloop_both", kind, [None, 2]))
