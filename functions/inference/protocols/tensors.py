"""Tensors of the Open Inference Protocol: datatypes, shapes, JSON data and raw little-endian bytes."""

from __future__ import annotations

from math import prod
from struct import Struct, unpack_from
from struct import error as StructError  # noqa: N812  the name it should have had
from typing import TYPE_CHECKING, Any

from modelloop.errors import MalformedBodyError

if TYPE_CHECKING:
    from collections.abc import Sequence

LAYOUTS = {
    "BOOL": "?", "UINT8": "B", "UINT16": "H", "UINT32": "I", "UINT64": "Q", "INT8": "b", "INT16": "h", "INT32": "i",
    "INT64": "q", "FP16": "e", "FP32": "f", "FP64": "d",
}  # fmt: skip
DATATYPES = frozenset(LAYOUTS) | {"BYTES"}
_MAX_DIMENSIONS = 8
_MAX_CELLS = 4_000_000


def check_shape(shape: object, name: str) -> list[int]:
    """Return a shape of one to eight sizes; raise MalformedBodyError for anything else."""
    if (
        not isinstance(shape, list)
        or not 1 <= len(shape) <= _MAX_DIMENSIONS
        or not all(type(size) is int and 0 <= size <= _MAX_CELLS for size in shape)
    ):
        raise MalformedBodyError(f"input {name!r} needs a shape such as [2] or [2, 1]", field=name)
    return shape


def flatten(data: object, shape: list[int], name: str) -> list[object]:
    """Return nested or flat JSON data in row-major order; its length must be what the shape says."""
    if not isinstance(data, list):
        raise MalformedBodyError(f"input {name!r} needs data: a list", field=name)
    for _ in range(_MAX_DIMENSIONS):
        if not data or not isinstance(data[0], list):
            break
        if not all(isinstance(part, list) for part in data):
            raise MalformedBodyError(f"input {name!r}: data is nested unevenly", field=name)
        data = [cell for part in data for cell in part]
    if len(data) != prod(shape):
        raise MalformedBodyError(f"input {name!r} has {len(data)} values for shape {shape}", field=name)
    return data


def decode(raw: memoryview, datatype: str, shape: list[int], name: str) -> Sequence[object]:
    """Return the values of a binary tensor; raise MalformedBodyError when its length is not what the shape says."""
    count = prod(shape)
    if datatype == "BYTES":
        return _texts(raw, count, name)
    layout = LAYOUTS[datatype]
    if len(raw) != Struct(f"<{layout}").size * count:
        raise MalformedBodyError(f"input {name!r} has {len(raw)} bytes for {count} values of {datatype}", field=name)
    return unpack_from(f"<{count}{layout}", raw)


def _texts(raw: memoryview, count: int, name: str) -> list[object]:
    texts: list[object] = []
    at = 0
    try:
        for _ in range(count):
            (length,) = unpack_from("<I", raw, at)
            at += 4 + length
            if at > len(raw):
                break
            texts.append(str(raw[at - length : at], "utf-8"))
    except (StructError, UnicodeDecodeError) as error:
        raise MalformedBodyError(f"input {name!r} is not {count} lengths and UTF-8 texts", field=name) from error
    if at != len(raw) or len(texts) != count:
        raise MalformedBodyError(f"input {name!r} is not {count} lengths and UTF-8 texts", field=name)
    return texts


def encode(datatype: str, flat: Sequence[Any]) -> bytes:
    """Return values as a binary tensor."""
    if datatype == "BYTES":
        parts = [text.encode() for text in flat]
        return b"".join(len(part).to_bytes(4, "little") + part for part in parts)
    return Struct(f"<{len(flat)}{LAYOUTS[datatype]}").pack(*flat)


def label_datatype(labels: Sequence[Any] | None) -> str:
    """Return the datatype of class labels, or of numbers when there are no classes."""
    if labels is None:
        return "FP64"
    kinds = {type(label) for label in labels}
    if kinds == {bool}:
        return "BOOL"
    if kinds == {int}:
        return "INT64"
    return "FP64" if kinds <= {int, float} else "BYTES"
