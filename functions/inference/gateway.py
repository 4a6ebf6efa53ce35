"""Bodies of requests, unpacked and capped, and API Gateway's proxy answers with the one error form."""

from __future__ import annotations

import zlib
from binascii import b2a_base64
from typing import TYPE_CHECKING

import orjson

from modelloop.errors import (
    MalformedBodyError,
    MissingColumnsError,
    ModelloopError,
    TooLargeError,
    UnsupportedMediaError,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.protocols.exchange import Reply
    from modelloop.contracts.http_request import HttpAnswer, HttpRequest

MAX_BYTES = 4_000_000
MAX_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024
_TOO_LARGE = f"the body is larger than {MAX_BYTES} bytes: send the rows in parts"
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_MAX_TEXT = 500
_MAX_NAMES = 100_000  # of the model's own columns, of which it may have 1,000
_MAX_MEMBERS = 100
_GZIP = b"\x1f\x8b"
_MEASURED_ABOVE = MAX_ANSWER_BYTES // 2


def read_body(request: HttpRequest) -> bytes:
    """Return the unpacked body: packed as its header says, or a gzip file as it is sent without saying so.

    Raises TooLargeError, MalformedBodyError or UnsupportedMediaError.
    """
    body = request.content(max_characters=MAX_BYTES * 4 // 3 + 4, too_large=_TOO_LARGE)
    coding = request.headers.get("content-encoding", "").strip().lower()
    if coding not in ("", "identity"):
        body = _inflate(body, coding)
    if body.startswith(_GZIP):
        body = _inflate(body, "gzip")
    if len(body) > MAX_BYTES:
        raise TooLargeError(_TOO_LARGE)
    return body


def _inflate(body: bytes, coding: str) -> bytes:
    window = _WINDOWS.get(coding)
    if window is None:
        raise UnsupportedMediaError(
            f"content encoding {coding[:40]!r} is not gzip or deflate", field="Content-Encoding"
        )
    inflated = b""
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(window)
        try:
            inflated += inflater.decompress(body, MAX_BYTES + 1 - len(inflated))
        except zlib.error:
            raise MalformedBodyError(f"the body is not {coding}") from None
        if len(inflated) > MAX_BYTES:
            return inflated
        if not inflater.eof:
            raise MalformedBodyError(f"the {coding} body is cut short")
        body = inflater.unused_data.lstrip(b"\0")  # a gzip file may have several members, and be padded
        if not body:
            return inflated
    raise MalformedBodyError(f"the {coding} body has more than {_MAX_MEMBERS} parts: pack it as one")


def respond(status: int, reply: Reply, headers: Mapping[str, str]) -> HttpAnswer:
    """Return the proxy answer; raise TooLargeError when the invocation's answer would pass its limit."""
    text = reply.headers.get("Content-Type") != "application/octet-stream"
    body = reply.body.decode() if text else b2a_base64(reply.body, newline=False).decode()
    if len(reply.body) > _MEASURED_ABOVE and len(reply.body) + _escapes(reply.body, text=text) > MAX_ANSWER_BYTES:
        raise TooLargeError("the answer would be larger than 6 MiB: send the rows in parts or ask for fewer outputs")
    return {
        "statusCode": status,
        "headers": {**reply.headers, **headers},
        "body": body,
        "isBase64Encoded": not text,
    }


def _escapes(body: bytes, *, text: bool) -> int:
    """Return by how many bytes a body grows inside the invocation's JSON answer."""
    return body.count(b'"') + body.count(b"\\") if text else len(body) // 3 + 4


def refuse(error: ModelloopError, headers: Mapping[str, str]) -> HttpAnswer:
    """Return the proxy answer of an error; long texts, such as names that the caller sent, are cut."""
    longest = _MAX_NAMES if isinstance(error, MissingColumnsError) else _MAX_TEXT
    body = {name: _clipped(value, longest) for name, value in error.body().items()}
    return {
        "statusCode": error.status,
        "headers": {"Content-Type": "application/json", **headers},
        "body": orjson.dumps(body).decode(),
        "isBase64Encoded": False,
    }


def _clipped(value: str | int | None, longest: int) -> str | int | None:
    return value[:longest] + "…" if isinstance(value, str) and len(value) > longest else value
