"""Open Inference Protocol v2 over REST: requests in JSON with optional binary tensors, answers the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from inference.protocols import tensors
from inference.protocols.exchange import (
    PREDICT,
    PROBA,
    Answer,
    Explanation,
    Query,
    Reply,
    check_rows,
    options,
    parse_object,
    refuse_misplaced,
)
from modelloop.errors import InvalidValueError, MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.bundle import Label
    from modelloop.json_types import JsonObject, JsonValue
    from modelloop.tables.encoding import Column

    type _Cells = tuple[int, dict[str, Sequence[object]]]

_OPTIONS = frozenset({"explain", "interval"})
HEADER_LENGTH = "inference-header-content-length"


def parse(body: bytes, headers: Mapping[str, str], columns: Sequence[Column]) -> Query:
    """Read an infer request. Raises MalformedBodyError (400) or InvalidValueError (422)."""
    document, tail = _split(body, headers.get(HEADER_LENGTH))
    refuse_misplaced(document, _OPTIONS, "parameters")
    inputs = document.get("inputs")
    if not isinstance(inputs, list) or not inputs:
        raise MalformedBodyError("the request needs inputs: a list of tensors", field="inputs")
    rows, cells = _cells(inputs, tail, columns)
    explain, interval = options(document.get("parameters"), "parameters")
    names, binary = _outputs(document)
    caller = document.get("id")
    if caller is not None and not isinstance(caller, str):
        raise MalformedBodyError("id must be text", field="id")
    return Query(rows, cells, caller or None, names, binary, explain, interval)


def _split(body: bytes, length: str | None) -> tuple[dict[str, JsonValue], memoryview]:
    if length is None:
        return parse_object(body), memoryview(b"")
    if not (length.isascii() and length.isdigit() and len(length) <= 9) or int(length) > len(body):  # noqa: PLR2004
        raise MalformedBodyError("Inference-Header-Content-Length is not the length of the JSON part")
    at = int(length)
    return parse_object(body[:at]), memoryview(body)[at:]


def _cells(inputs: list[Any], tail: memoryview, columns: Sequence[Column]) -> _Cells:
    if len(columns) > 1 and not tail:
        plain = _plain_cells(inputs)
        if plain is not None:
            return plain
    cells: dict[str, Sequence[object]] = {}
    rows, at = -1, 0
    for tensor in inputs:
        name, shape = _header(tensor)
        if rows not in (-1, shape[0]):
            raise MalformedBodyError(f"input {name!r} has {shape[0]} rows, the one before has {rows}", field=name)
        rows = check_rows(shape[0])
        size = _binary_size(tensor.get("parameters"), name)
        if size is None:
            values: Sequence[object] = tensors.flatten(tensor.get("data"), shape, name)
        else:
            values = tensors.decode(tail[at : at + size], tensor["datatype"], shape, name)
            at += size
        for column, part in _columns(name, shape, values, columns, alone=len(inputs) == 1):
            if column in cells:
                raise MalformedBodyError(f"input {name!r} is there twice", field=name)
            cells[column] = part
    if at != len(tail):
        raise MalformedBodyError(f"{len(tail)} bytes follow the JSON part, the inputs claim {at}")
    return rows, cells


def _plain_cells(inputs: list[Any]) -> _Cells | None:
    """Read what most callers send, flat JSON columns of one length, in one pass; None for anything else."""
    cells: dict[str, Sequence[object]] = {}
    try:
        rows = inputs[0]["shape"][0]
        shapes = ([rows], [rows, 1])
        for tensor in inputs:
            data = tensor["data"]
            if (
                "parameters" in tensor
                or tensor["datatype"] not in tensors.DATATYPES
                or tensor["shape"] not in shapes
                or type(data) is not list
                or len(data) != rows
                or type(data[0]) is list
            ):
                return None
            cells[tensor["name"]] = data
    except (KeyError, IndexError, TypeError):
        return None
    plain = type(rows) is int and len(cells) == len(inputs) and all(type(name) is str for name in cells)
    return (check_rows(rows), cells) if plain else None


def _header(tensor: JsonValue) -> tuple[str, list[int]]:
    if not isinstance(tensor, dict):
        raise MalformedBodyError("every input is an object with name, shape, datatype and data", field="inputs")
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if not isinstance(name, str):
        raise MalformedBodyError("every input needs a name", field="inputs")
    if not isinstance(datatype, str) or datatype not in tensors.DATATYPES:
        raise MalformedBodyError(f"input {name!r} needs a datatype such as FP64 or BYTES", field=name)
    return name, tensors.check_shape(tensor.get("shape"), name)


def _binary_size(parameters: JsonValue, name: str) -> int | None:
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise MalformedBodyError(f"input {name!r}: parameters must be an object", field=name)
    size = parameters.get("binary_data_size")
    if size is None:
        return None
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise MalformedBodyError(f"input {name!r}: binary_data_size must be a whole number", field=name)
    return size


def _columns(
    name: str, shape: list[int], values: Sequence[object], columns: Sequence[Column], *, alone: bool
) -> list[tuple[str, Sequence[object]]]:
    """Return the columns of one input: itself, or all of them, in the model's order, for a matrix of their width."""
    width = len(values) // shape[0]
    if width == 1 and not (alone and len(columns) == 1):
        return [(name, values)]
    if not alone or width != len(columns):
        raise InvalidValueError(
            f"input {name!r} has {width} values a row; send one input a column, or one matrix of {len(columns)}",
            field=name,
        )
    return [(column.name, values[at::width]) for at, column in enumerate(columns)]


def _outputs(document: Mapping[str, JsonValue]) -> tuple[tuple[str, ...], frozenset[str]]:
    if isinstance(other := document.get("params"), dict):
        refuse_misplaced(other, _OPTIONS, "parameters, as params is called here")
    parameters = document.get("parameters")
    default = parameters.get("binary_data_output", False) if isinstance(parameters, dict) else False
    if not isinstance(default, bool):
        raise MalformedBodyError(
            "parameters.binary_data_output must be true or false", field="parameters.binary_data_output"
        )
    wanted = document.get("outputs")
    wanted = [] if wanted is None else wanted
    if not isinstance(wanted, list) or not all(isinstance(output, dict) for output in wanted):
        raise MalformedBodyError("outputs must be a list of objects with a name", field="outputs")
    names: list[str] = []
    binary: set[str] = {"*"} if default and not wanted else set()
    for output in wanted:
        name, settings = output.get("name"), output.get("parameters")
        settings = {} if settings is None else settings
        if name not in (PREDICT, PROBA) or not isinstance(settings, dict):
            raise InvalidValueError(f"outputs are {PREDICT!r} and, for classifiers, {PROBA!r}", field="outputs")
        refuse_misplaced(settings, _OPTIONS, "parameters of the request itself")
        names.append(name)
        if settings.get("binary_data", default) is True:
            binary.add(name)
    return tuple(dict.fromkeys(names)), frozenset(binary)


def render(answer: Answer, query: Query) -> Reply:
    """Write the answer: JSON, followed by the outputs that were asked for as raw bytes."""
    outputs = _Outputs(query.binary)
    _add_answers(outputs, answer, query)
    if answer.explanations:
        _add_explanations(outputs, answer.explanations, answer.classes)
    parameters: dict[str, JsonValue] = {"prediction_id": answer.prediction_id}
    if answer.unseen is not None:
        parameters["unseen"] = answer.unseen
    head = orjson.dumps(
        {
            "model_name": answer.model,
            "model_version": str(answer.version),
            "id": query.id or answer.prediction_id,
            "parameters": parameters,
            "outputs": outputs.tensors,
        }
    )
    if not outputs.tails:
        return Reply(head)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Reply(b"".join([head, *outputs.tails]), headers)


class _Outputs:
    """The tensors of an answer, and the bytes of those that were asked for in binary: by name, or "*" for all."""

    def __init__(self, binary: frozenset[str]) -> None:
        self.tensors: list[dict[str, JsonValue]] = []
        self.tails: list[bytes] = []
        self._binary = binary

    def add(
        self, name: str, shape: list[int], datatype: str, data: Sequence[Label], parameters: JsonObject | None = None
    ) -> None:
        """Add a tensor of values in row-major order."""
        tensor: dict[str, JsonValue] = {"name": name, "shape": shape, "datatype": datatype}
        if self._binary and ("*" in self._binary or name in self._binary):
            tail = tensors.encode(datatype, data)
            self.tails.append(tail)
            parameters = {**(parameters or {}), "binary_data_size": len(tail)}
        else:
            tensor["data"] = data
        if parameters is not None:
            tensor["parameters"] = parameters
        self.tensors.append(tensor)

    def add_labels(self, name: str, labels: Sequence[Label], classes: Sequence[Label] | None) -> None:
        """Add labels, as texts where the classes are texts, or numbers where there are no classes."""
        datatype = tensors.label_datatype(classes)
        texts = datatype == "BYTES"
        self.add(name, [len(labels)], datatype, [str(label) for label in labels] if texts else labels)


def _add_answers(outputs: _Outputs, answer: Answer, query: Query) -> None:
    rows = len(answer.predict)
    if not query.outputs or PREDICT in query.outputs:
        outputs.add_labels(PREDICT, answer.predict, answer.classes)
    if answer.proba is not None and (not query.outputs or PROBA in query.outputs):
        classes = answer.classes or ()
        shares = [share for row in answer.proba for share in row]
        outputs.add(PROBA, [rows, len(classes)], "FP64", shares, {"classes": classes})
    if answer.intervals is not None:
        for at, name in enumerate(("predict_lower", "predict_upper")):
            ends = [interval[at] for interval in answer.intervals]
            outputs.add(name, [rows], "FP64", ends, {"level": answer.level})


def _add_explanations(outputs: _Outputs, explanations: Sequence[Explanation], classes: Sequence[Label] | None) -> None:
    rows, columns = len(explanations), list(explanations[0].columns)
    parts = [value for row in explanations for value in row.columns.values()]
    parameters: dict[str, JsonValue] = {"columns": columns, "link": explanations[0].link}
    if explanations[0].method is not None:
        parameters["method"] = explanations[0].method
    outputs.add("contributions", [rows, len(columns)], "FP64", parts, parameters)
    outputs.add("contributions_base", [rows], "FP64", [row.base for row in explanations])
    if classes is not None:
        labels = [row.label for row in explanations if row.label is not None]
        outputs.add_labels("contributions_class", labels, classes)
