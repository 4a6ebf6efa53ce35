"""Requests of the Open Inference Protocol, as its clients write them."""

from __future__ import annotations

# ruff: noqa: E501  a request is easiest to read in one line
import json
import struct
from typing import Any

from tests.support.requests.case import INFER, JSON, ROW, Case, read

TYPES = {"mass": "FP64", "island": "BYTES", "day": "BYTES", "tagged": "BOOL", "weight": "FP64"}


def tensors(**changes: Any) -> list[dict[str, Any]]:
    """The usual row as one tensor a column, with other values where they are named."""
    values = {name: [value] for name, value in ROW.items()} | changes
    return [
        {"name": name, "shape": [len(data)], "datatype": TYPES[name], "data": data} for name, data in values.items()
    ]


def binary(*named: str, **document: Any) -> tuple[bytes, dict[str, str]]:
    """The usual row with these columns as binary tensors: the body and its headers."""
    inputs, tails = [], []
    for tensor in tensors():
        if tensor["name"] not in named:
            inputs.append(tensor)
            continue
        (value,) = tensor.pop("data")
        if tensor["datatype"] == "BYTES":
            tail = struct.pack("<I", len(value.encode())) + value.encode()
        else:
            tail = struct.pack({"FP64": "<d", "BOOL": "<?"}[tensor["datatype"]], value)
        inputs.append(tensor | {"parameters": {"binary_data_size": len(tail)}})
        tails.append(tail)
    head = json.dumps({"inputs": inputs} | document).encode()
    return head + b"".join(tails), {"Inference-Header-Content-Length": str(len(head))}


def _infer(client: str, sends: str, body: Any, headers: dict[str, str] = JSON, **cells: Any) -> Case:
    return read(client, sends, body, headers, route=INFER, **cells)


_NAN = json.dumps({"inputs": tensors(mass=[None])}).replace("null", "NaN")
_BINARY, _ALL = binary("mass"), binary(*ROW)
_OCTETS = {"Content-Type": "application/octet-stream"}

CASES: tuple[Case, ...] = (
    _infer("tritonclient", "JSON tensors, binary_data=False", {"id": "", "inputs": tensors()}),
    _infer("tritonclient", "binary tensors without a content type", _ALL[0], _ALL[1]),
    _infer("tritonclient", "binary tensors as octets", _ALL[0], _ALL[1] | _OCTETS),
    _infer("tritonclient", "one binary tensor beside JSON ones", _BINARY[0], _BINARY[1] | _OCTETS),
    _infer("tritonclient", "binary_data_output without Accept", *binary("mass", parameters={"binary_data_output": True})),
    _infer("tritonclient", "requested outputs", {"inputs": tensors(), "outputs": [{"name": "predict"}]}),
    _infer("tritonclient", "shape [1, 1] and nested data",
           {"inputs": [tensor | {"shape": [1, 1], "data": [tensor["data"]]} for tensor in tensors()]}),
    _infer("tritonclient", "a request id", {"id": "42", "inputs": tensors()}),
    _infer("tritonclient", "sequence parameters that mean nothing here",
           {"inputs": tensors(), "parameters": {"sequence_id": 0, "priority": 0}}),
    _infer("kserve", "parameters that are null", {"inputs": tensors(), "parameters": None, "outputs": None}),
    _infer("kserve", "a tensor with parameters", {"inputs": [tensor | {"parameters": {}} for tensor in tensors()]}),
    _infer("kserve", "the content_type of pandas' codec",
           {"inputs": [tensor | {"parameters": {"content_type": "np"}} for tensor in tensors()]}),
    _infer("mlserver", "pandas codec with headers of its own", {"inputs": tensors(), "parameters": {"content_type": "pd"}}),
    _infer("mlserver", "an integer column", {"inputs": [
        tensor | ({"datatype": "INT64", "data": [2]} if tensor["name"] == "mass" else {}) for tensor in tensors()
    ]}, mass=[2.0]),
    _infer("mlserver", "numbers as FP32", {"inputs": [
        tensor | ({"datatype": "FP32"} if tensor["name"] == "mass" else {}) for tensor in tensors()
    ]}),
    _infer("numpy", "NaN in data", _NAN, mass=[None]),
    _infer("numpy", "null in data", {"inputs": tensors(mass=[None])}, mass=[None]),
    _infer("numpy", "two rows", {"inputs": tensors(
        mass=[1.5, -3], island=["Dream", "Biscoe"], day=["2026-01-31"] * 2, tagged=[True] * 2)},
        mass=[1.5, -3.0], island=["Dream", "Biscoe"]),
    _infer("requests", "data= without a content type", {"inputs": tensors()}, {}),
    _infer("curl", "a file with a byte order mark", b"\xef\xbb\xbf" + json.dumps({"inputs": tensors()}).encode()),
    _infer("curl", "-d with its form content type", {"inputs": tensors()},
           {"Content-Type": "application/x-www-form-urlencoded"}),
    _infer("Java", "explain: false", {"inputs": tensors(), "parameters": {"explain": False}}),
    _infer("a form", "an optional column", {"inputs": tensors(weight=[2.0])}, weight=[2.0]),
    _infer("a form", "a column that the model does not know",
           {"inputs": [*tensors(), {"name": "note", "shape": [1], "datatype": "BYTES", "data": ["x"]}]}),
    _infer("a form", "a place that nobody learned", {"inputs": tensors(island=["Atlantis"])}, island=["Atlantis"],
           unseen={"island": 1}),
)  # fmt: skip
