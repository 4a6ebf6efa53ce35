"""Open Inference Protocol v2 over REST: requests in JSON with optional binary tensors, answers the same way."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from inference.protocols import tensors
from inference.protocols.exchange import PREDICT, PROBA, Answer, Query, Reply, check_rows, options, parse_object
from modelloop.errors import InvalidValueError, MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.tables.encoding import Column

HEADER_LENGTH = "inference-header-content-length"


def parse(body: bytes, headers: Mapping[str, str], columns: Sequence[Column]) -> Query:
    """Read an infer request. Raises MalformedBodyError (400) or InvalidValueError (422)."""
    document, tail = _split(body, headers.get(HEADER_LENGTH))
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


def _split(body: bytes, length: str | None) -> tuple[dict[str, Any], memoryview]:
    if length is None:
        return parse_object(body), memoryview(b"")
    if not (length.isascii() and length.isdigit() and len(length) <= 9) or int(length) > len(body):  # noqa: PLR2004
        raise MalformedBodyError("Inference-Header-Content-Length is not the length of the JSON part")
    at = int(length)
    return parse_object(body[:at]), memoryview(body)[at:]


def _cells(inputs: list[Any], tail: memoryview, columns: Sequence[Column]) -> tuple[int, dict[str, Sequence[object]]]:
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
        size = _binary_size(tensor, name)
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


def _plain_cells(inputs: list[Any]) -> tuple[int, dict[str, Sequence[object]]] | None:
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


def _header(tensor: Any) -> tuple[str, list[int]]:
    if not isinstance(tensor, dict):
        raise MalformedBodyError("every input is an object with name, shape, datatype and data", field="inputs")
    name, datatype = tensor.get("name"), tensor.get("datatype")
    if not isinstance(name, str):
        raise MalformedBodyError("every input needs a name", field="inputs")
    if not isinstance(datatype, str) or datatype not in tensors.DATATYPES:
        raise MalformedBodyError(f"input {name!r} needs a datatype such as FP64 or BYTES", field=name)
    return name, tensors.check_shape(tensor.get("shape"), name)


def _binary_size(tensor: dict[str, Any], name: str) -> int | None:
    parameters = tensor.get("parameters")
    if parameters is None:
        return None
    if not isinstance(parameters, dict):
        raise MalformedBodyError(f"input {name!r}: parameters must be an object", field=name)
    size = parameters.get("binary_data_size")
    if size is not None and (type(size) is not int or size < 0):
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


def _outputs(document: dict[str, Any]) -> tuple[tuple[str, ...], frozenset[str]]:
    parameters = document.get("parameters") or {}
    default = parameters.get("binary_data_output", False)
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
        names.append(name)
        if settings.get("binary_data", default) is True:
            binary.add(name)
    return tuple(dict.fromkeys(names)), frozenset(binary)


def render(answer: Answer, query: Query) -> Reply:
    """Write the answer: JSON, followed by the outputs that were asked for as raw bytes."""
    outputs, tails = [], []
    for output in _tensors(answer, query):
        if query.binary and ("*" in query.binary or output["name"] in query.binary):
            tail = tensors.encode(output["datatype"], output.pop("data"))
            output["parameters"] = {**output.get("parameters", {}), "binary_data_size": len(tail)}
            tails.append(tail)
        outputs.append(output)
    head = orjson.dumps(
        {
            "model_name": answer.model,
            "model_version": str(answer.version),
            "id": query.id or answer.prediction_id,
            "parameters": {"prediction_id": answer.prediction_id},
            "outputs": outputs,
        }
    )
    if not tails:
        return Reply(head)
    headers = {"Content-Type": "application/octet-stream", "Inference-Header-Content-Length": str(len(head))}
    return Reply(b"".join([head, *tails]), headers)


def _tensors(answer: Answer, query: Query) -> list[dict[str, Any]]:
    rows = len(answer.predict)
    outputs: list[dict[str, Any]] = []
    if not query.outputs or PREDICT in query.outputs:
        datatype = tensors.label_datatype(answer.classes)
        outputs.append(_tensor(PREDICT, [rows], datatype, _labels(answer.predict, datatype)))
    if answer.proba is not None and (not query.outputs or PROBA in query.outputs):
        flat = [share for row in answer.proba for share in row]
        tensor = _tensor(PROBA, [rows, len(answer.classes or ())], "FP64", flat)
        outputs.append(tensor | {"parameters": {"classes": answer.classes}})
    if answer.intervals is not None:
        parameters = {"parameters": {"level": answer.level}}
        for at, name in enumerate(("predict_lower", "predict_upper")):
            outputs.append(_tensor(name, [rows], "FP64", [interval[at] for interval in answer.intervals]) | parameters)
    return outputs + _explanations(answer)


def _explanations(answer: Answer) -> list[dict[str, Any]]:
    explanations = answer.explanations
    if not explanations:
        return []
    rows, columns = len(explanations), list(explanations[0].columns)
    flat = [value for row in explanations for value in row.columns.values()]
    outputs = [
        _tensor("contributions", [rows, len(columns)], "FP64", flat)
        | {"parameters": {"columns": columns, "link": explanations[0].link}},
        _tensor("contributions_base", [rows], "FP64", [row.base for row in explanations]),
    ]
    if answer.classes is not None:
        datatype = tensors.label_datatype(answer.classes)
        labels = _labels([row.label for row in explanations], datatype)
        outputs.append(_tensor("contributions_class", [rows], datatype, labels))
    return outputs


def _tensor(name: str, shape: list[int], datatype: str, data: list[Any]) -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


def _labels(labels: list[Any], datatype: str) -> list[Any]:
    return [str(label) for label in labels] if datatype == "BYTES" else labels
