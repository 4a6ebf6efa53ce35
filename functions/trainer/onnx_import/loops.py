"""Whether a caller's cells decide how often a loop of an ONNX model runs: then one request could run for hours.

It may be a constant, or the size of a tensor. Which tensors have a size that depends on cells (as the answer of Range
has) is followed through the graph; the inputs' own size, rows and columns, is bounded by what a request may hold.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from onnx import TensorProto, numpy_helper

from modelloop.errors import DatasetRejectedError

if TYPE_CHECKING:
    from collections.abc import Iterable

    from onnx import GraphProto, ModelProto, NodeProto

MAX_TRIPS = 10_000  # as many as a request may have rows
_STANDARD = frozenset({"", "ai.onnx"})
_SERVED = _STANDARD | {"ai.onnx.ml"}
_MEASURES = frozenset({"Shape", "Size"})  # their answer is the size of a tensor
_PASSING = frozenset({"Cast", "Gather", "Identity", "Reshape", "Slice", "Squeeze", "Unsqueeze"})  # what they are given
_SIZED_BY = {  # the inputs whose values are the size of the answer
    "ConstantOfShape": (0,), "Expand": (1,), "OneHot": (1,), "Pad": (1,), "Range": (0, 1, 2), "Resize": (1, 2, 3),
    "Tile": (1,), "Upsample": (1,),
}  # fmt: skip


@dataclass(slots=True)
class _Known:
    """The names of the tensors of a scope: those that depend on cells by their values, or by their size.

    `constants` are single whole numbers by name, `counts` hold sizes of tensors whose size does not depend on cells.
    """

    values: set[str] = field(default_factory=set)
    sizes: set[str] = field(default_factory=set)
    counts: set[str] = field(default_factory=set)
    constants: dict[str, int] = field(default_factory=dict)

    def inner(self, given: Iterable[str], *, growing: bool) -> _Known:
        """Return the scope of a graph inside of a node; what it is `given` depends on cells, and may grow in a loop."""
        names = set(given)
        sizes = self.sizes | (names if growing else set())
        return _Known(self.values | names, sizes, self.counts - names, dict(self.constants))


def refuse_endless(model: ModelProto) -> None:
    """Raise DatasetRejectedError for a Loop or Scan whose number of trips depends on the values of the inputs."""
    for function in model.functions:
        _follow(function.node, _Known(values=set(function.input), sizes=set(function.input)))
    _follow_graph(model.graph, _Known(values={entry.name for entry in model.graph.input}))


def _follow_graph(graph: GraphProto, known: _Known) -> None:
    for tensor in graph.initializer:
        known.values.discard(tensor.name)
        _keep_constant(known, tensor.name, tensor)
    _follow(graph.node, known)


def _follow(nodes: Iterable[NodeProto], known: _Known) -> None:
    """Follow nodes, which are in the order of their use, and check each loop among them."""
    for node in nodes:
        operator = node.op_type if node.domain in _STANDARD else ""
        if operator == "Loop":
            _check_loop(node, known)
        if operator == "Scan":
            _check_scan(node, known)
        for attribute in node.attribute:
            for graph in [attribute.g, *attribute.graphs] if attribute.HasField("g") else attribute.graphs:
                given = (entry.name for entry in graph.input)
                _follow_graph(graph, known.inner(given, growing=operator == "Loop"))
        _mark(node, operator, known)


def _mark(node: NodeProto, operator: str, known: _Known) -> None:
    """Note what a node's outputs depend on; what a function of the model answers may have any size."""
    outputs = set(node.output)
    sized = any(name in known.sizes for name in node.input)
    if operator in _MEASURES:
        known.values |= outputs if sized else set()
        known.counts |= set() if sized else outputs
        return
    if operator in _PASSING and node.input[0] in known.counts:
        known.counts |= outputs
    if operator in _PASSING and node.input[0] in known.constants:
        known.constants[node.output[0]] = known.constants[node.input[0]]
    if operator == "Constant":
        _read_constant(known, node)
    nested = any(attribute.HasField("g") for attribute in node.attribute)  # a graph reads the tensors around it
    if nested or any(name in known.values for name in node.input):
        known.values |= outputs
    sizing = [node.input[place] for place in _SIZED_BY.get(operator, ()) if place < len(node.input)]
    if sized or node.domain not in _SERVED or any(name in known.values for name in sizing):
        known.sizes |= outputs


def _check_loop(node: NodeProto, known: _Known) -> None:
    trips = node.input[0] if node.input else ""
    if known.constants.get(trips, 0) > MAX_TRIPS:
        raise _refusal(node, f"it may run {known.constants[trips]:,} times, and at most {MAX_TRIPS:,} are allowed")
    if trips not in known.constants and trips not in known.counts:
        raise _refusal(node, "how often it runs is no constant, so the cells of a request may decide it")


def _check_scan(node: NodeProto, known: _Known) -> None:
    if any(name in known.sizes for name in node.input):
        raise _refusal(node, "the size of what it goes through depends on the cells of a request")


def _refusal(node: NodeProto, why: str) -> DatasetRejectedError:
    name = f" {node.name!r}" if node.name else ""
    return DatasetRejectedError(f"{node.op_type}{name}: {why}; export the model with a constant number of trips")


def _read_constant(known: _Known, node: NodeProto) -> None:
    for attribute in node.attribute:
        if attribute.name == "value":
            _keep_constant(known, node.output[0], attribute.t)
        elif attribute.name == "value_int":
            known.constants[node.output[0]] = attribute.i


def _keep_constant(known: _Known, name: str, tensor: TensorProto) -> None:
    """Note a single whole number; other constants cannot say how often a loop runs."""
    if tensor.data_type == TensorProto.INT64 and all(size == 1 for size in tensor.dims):
        known.constants[name] = int(numpy_helper.to_array(tensor).reshape(-1)[0])
