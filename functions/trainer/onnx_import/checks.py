"""Whether an imported ONNX file is one that the serving runtime can run. Every refusal says what to change."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from onnx import TensorProto, checker, defs, load_model_from_string

from modelloop.contracts.manifest_parts import EstimatorFacts
from modelloop.errors import DatasetRejectedError
from trainer.onnx_import import inputs, outputs
from trainer.onnx_import.loops import refuse_endless

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from onnx import GraphProto, ModelProto, NodeProto

    from modelloop.tables.encoding import Encoding
    from modelloop.versions.prepared_table import Label

DOMAINS = {"", "ai.onnx", "ai.onnx.ml"}


@dataclass(frozen=True, slots=True)
class CheckedModel:
    """A model that passed: its bytes, adapted to one matrix in and one out, the names of these, and its makers."""

    content: bytes
    input: str
    output: str
    opset: int
    producer: str


def check(content: bytes, *, encoding: Encoding, classes: Sequence[Label], output: str | None) -> CheckedModel:
    """Check and adapt an imported model; `classes` is empty for regression, `output` the name that model.yaml gives.

    Raises DatasetRejectedError naming what is wrong.
    """
    model = _parse(content)
    _refuse_external(model)
    opset = _opset(model)
    _refuse_operators(model)
    _check_whole(model)
    refuse_endless(model)
    given, answer = inputs.adapt(model, encoding), outputs.adapt(model, classes, output)
    _check_whole(model)
    producer = f"{model.producer_name} {model.producer_version}".strip()
    return CheckedModel(model.SerializeToString(), given, answer, opset, producer)


def _parse(content: bytes) -> ModelProto:
    try:
        model = load_model_from_string(content)
    except Exception as error:  # the parser's errors share no base class of their own
        raise DatasetRejectedError("the file is no ONNX model; export it again and upload the .onnx file") from error
    if not model.graph.node:
        raise DatasetRejectedError("the ONNX model has no operators; export it again")
    return model


def _refuse_external(model: ModelProto) -> None:
    graphs = list(_all_graphs(model))
    attributes = [attribute for node in _nodes(model) for attribute in node.attribute]
    attributes += [attribute for function in model.functions for attribute in function.attribute_proto]
    sparse = [tensor for graph in graphs for tensor in graph.sparse_initializer]
    sparse += [tensor for attribute in attributes for tensor in [attribute.sparse_tensor, *attribute.sparse_tensors]]
    tensors = [tensor for graph in graphs for tensor in graph.initializer]
    tensors += [tensor for attribute in attributes for tensor in [attribute.t, *attribute.tensors]]
    tensors += [tensor for pair in sparse for tensor in (pair.values, pair.indices)]
    for tensor in tensors:
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
    own = {(function.domain, function.name) for function in model.functions}
    for node in _nodes(model):
        if node.domain not in DOMAINS and (node.domain, node.op_type) not in own:
            raise DatasetRejectedError(
                f"operator {node.op_type!r} of domain {node.domain!r} is no standard ONNX; export without it"
            )


def _check_whole(model: ModelProto) -> None:
    try:
        checker.check_model(model)
    except Exception as error:
        reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
        raise DatasetRejectedError(f"the ONNX model is not valid: {reason}") from error


def _graphs(graph: GraphProto) -> Iterator[GraphProto]:
    yield graph
    for node in graph.node:
        yield from _inside(node)


def _inside(node: NodeProto) -> Iterator[GraphProto]:
    for attribute in node.attribute:
        for nested in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
            yield from _graphs(nested)


def _all_graphs(model: ModelProto) -> Iterator[GraphProto]:
    """Return every graph: the model's, those inside of nodes, and those inside of the model's own functions."""
    yield from _graphs(model.graph)
    for function in model.functions:
        for node in function.node:
            yield from _inside(node)
        for attribute in function.attribute_proto:
            for nested in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                yield from _graphs(nested)


def _nodes(model: ModelProto) -> Iterator[NodeProto]:
    """Return every node, of graphs inside of nodes and of the model's own functions too."""
    for graph in _all_graphs(model):
        yield from graph.node
    for function in model.functions:
        yield from function.node


def estimator_facts(model: CheckedModel) -> EstimatorFacts:
    """Return what the manifest says of the model's making."""
    return EstimatorFacts("brought", "onnx", {"opset": model.opset, "producer": model.producer})
