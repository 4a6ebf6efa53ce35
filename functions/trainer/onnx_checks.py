"""Is a brought ONNX file something that the serving runtime can take, and trust? Every refusal says what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx import TensorProto, checker, defs, helper, load_model_from_string, numpy_helper

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from onnx import GraphProto, ModelProto, NodeProto, ValueInfoProto

DOMAINS = {"": "ai.onnx", "ai.onnx": "ai.onnx", "ai.onnx.ml": "ai.onnx.ml"}
MATRIX = 2


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model that passed: its bytes (a lone probability got its complement), names of input and output, and makers."""

    content: bytes
    input: str
    output: str
    opset: int
    producer: str


def check(content: bytes, *, slots: int, classes: int, output: str | None) -> CheckedModel:
    """Check a brought model; `classes` is 0 for regression, `output` the name that model.yaml gives.

    Raises DatasetRejectedError naming what is wrong.
    """
    model = _parse(content)
    _refuse_external(model.graph)
    opset = _opset(model)
    _refuse_operators(model)
    _check_whole(model)
    name = _input(model.graph, slots)
    chosen = _output(model.graph, output, classes=classes)
    if classes == MATRIX and _width(chosen) == 1:
        model = _with_complement(model, chosen)
        content, chosen = model.SerializeToString(), model.graph.output[-1]
    return CheckedModel(content, name, chosen.name, opset, f"{model.producer_name} {model.producer_version}".strip())


def _parse(content: bytes) -> ModelProto:
    try:
        model = load_model_from_string(content)
    except Exception as error:  # the parser's errors share no base class of their own
        raise DatasetRejectedError("the file is no ONNX model; export it again and upload the .onnx file") from error
    if not model.graph.node:
        raise DatasetRejectedError("the ONNX model has no operators; export it again")
    return model


def _refuse_external(graph: GraphProto) -> None:
    for nested in _graphs(graph):
        for tensor in nested.initializer:
            if tensor.data_location == TensorProto.EXTERNAL or tensor.external_data:
                raise DatasetRejectedError(
                    f"tensor {tensor.name!r} is stored outside of the file; save the model in one file "
                    "(onnx.save with save_as_external_data=False)"
                )


def _opset(model: ModelProto) -> int:
    versions = {entry.domain: entry.version for entry in model.opset_import}
    version = int(versions.get("", versions.get("ai.onnx", 0)))
    if version > defs.onnx_opset_version():
        raise DatasetRejectedError(
            f"opset {version} is newer than {defs.onnx_opset_version()}; export for an older one"
        )
    return version


def _refuse_operators(model: ModelProto) -> None:
    own = {function.domain for function in model.functions}
    for node in _nodes(model.graph):
        if node.domain not in DOMAINS and node.domain not in own:
            raise DatasetRejectedError(
                f"operator {node.op_type!r} of domain {node.domain!r} is no standard ONNX; export without it"
            )


def _check_whole(model: ModelProto) -> None:
    try:
        checker.check_model(model)
    except Exception as error:
        told = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise DatasetRejectedError(f"the ONNX model is not valid: {told}") from error


def _input(graph: GraphProto, slots: int) -> str:
    given = {tensor.name for tensor in graph.initializer}
    inputs = [entry for entry in graph.input if entry.name not in given]
    if len(inputs) != 1:
        raise DatasetRejectedError(
            f"the model has {len(inputs)} inputs; it must have one: a float matrix [rows, columns]"
        )
    kind = inputs[0].type.tensor_type
    if kind.elem_type != TensorProto.FLOAT or len(kind.shape.dim) != MATRIX:
        raise DatasetRejectedError(f"input {inputs[0].name!r} must be a float32 matrix [rows, columns]")
    width = kind.shape.dim[1].dim_value
    if width != slots:
        said = f"{width} columns" if width else "columns of no fixed number"
        raise DatasetRejectedError(
            f"input {inputs[0].name!r} takes {said}, but `columns` in model.yaml makes {slots} "
            "(a date makes three, with a time four)"
        )
    return str(inputs[0].name)


def _output(graph: GraphProto, wanted: str | None, *, classes: int) -> ValueInfoProto:
    usable = [entry for entry in graph.output if entry.type.tensor_type.elem_type == TensorProto.FLOAT]
    if wanted is not None:
        usable = [entry for entry in usable if entry.name == wanted]
    if not usable:
        names = ", ".join(entry.name for entry in graph.output)
        raise DatasetRejectedError(
            f"no float output {wanted or ''!r} among {names}; name it under `outputs` in model.yaml, and convert "
            "classifiers without a ZipMap (zipmap=False)"
        )
    chosen: ValueInfoProto = usable[-1]
    width = _width(chosen)
    if classes and width is not None and width not in {classes, 1 if classes == MATRIX else classes}:
        raise DatasetRejectedError(f"output {chosen.name!r} has {width} columns for {classes} classes")
    return chosen


def _width(output: ValueInfoProto) -> int | None:
    shape = output.type.tensor_type.shape.dim
    if len(shape) < MATRIX:
        return 1
    return int(shape[1].dim_value) or None


def _with_complement(model: ModelProto, output: ValueInfoProto) -> ModelProto:
    """Return the model with [1 - p, p] in place of the one probability p."""
    made = type(model)()
    made.CopyFrom(model)
    one, shape = numpy_helper.from_array(np.array([1.0], np.float32), "modelloop_one"), "modelloop_shape"
    column = numpy_helper.from_array(np.array([-1, 1], np.int64), shape)
    made.graph.initializer.extend([one, column])
    made.graph.node.extend(
        [
            helper.make_node("Reshape", [output.name, shape], ["modelloop_yes"]),
            helper.make_node("Sub", ["modelloop_one", "modelloop_yes"], ["modelloop_no"]),
            helper.make_node("Concat", ["modelloop_no", "modelloop_yes"], ["modelloop_both"], axis=1),
        ]
    )
    made.graph.output.append(helper.make_tensor_value_info("modelloop_both", TensorProto.FLOAT, [None, 2]))
    return made


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        for attribute in node.attribute:
            for nested in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(nested)


def _nodes(graph: GraphProto) -> Iterator[NodeProto]:
    for nested in _graphs(graph):
        yield from nested.node


def facts(model: CheckedModel) -> dict[str, Any]:
    """Return what the manifest says of the model's making."""
    return {"family": "brought", "class": "onnx", "params": {"opset": model.opset, "producer": model.producer}}
