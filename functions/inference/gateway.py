"""API Gateway's proxy events and answers: bodies in base64, gzip, caps, and the one error form."""

from __future__ import annotations

import zlib
from binascii import Error as Base64Error
from binascii import a2b_base64, b2a_base64
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.errors import MalformedBodyError, ModelloopError, TooLargeError, UnsupportedMediaError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from inference.protocols.exchange import Reply

MOST_BYTES = 4_000_000
MOST_ANSWER_BYTES = 6 * 1024 * 1024 - 64 * 1024
_WINDOWS = {"gzip": 16 + zlib.MAX_WBITS, "x-gzip": 16 + zlib.MAX_WBITS, "deflate": zlib.MAX_WBITS}
_LONGEST_TEXT = 500
_MEASURED_ABOVE = MOST_ANSWER_BYTES // 2


class Call:
    """One request: its route, path parameters, lower-case headers and identifiers."""

    __slots__ = ("event", "headers", "parameters", "request_id", "route")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.event = event
        self.route = f"{event['httpMethod']} {event['resource']}"
        self.parameters: dict[str, str] = event.get("pathParameters") or {}
        self.headers: dict[str, str] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        self.request_id: str = (event.get("requestContext") or {}).get("requestId") or ""

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    def body(self) -> bytes:
        """Return the decoded body. Raises TooLargeError, MalformedBodyError, UnsupportedMediaError."""
        raw = self.event.get("body") or ""
        if len(raw) > MOST_BYTES * 4 // 3 + 4:
            raise _too_large()
        body = _from_base64(raw) if self.event.get("isBase64Encoded") else raw.encode("utf-8", "replace")
        coding = self.headers.get("content-encoding", "").strip().lower()
        if coding not in ("", "identity"):
            body = _inflate(body, coding)
        if len(body) > MOST_BYTES:
            raise _too_large()
        return body


def _too_large() -> TooLargeError:
    return TooLargeError(f"the body is larger than {MOST_BYTES} bytes: send the rows in parts")


def _from_base64(raw: str) -> bytes:
    try:
        return a2b_base64(raw, strict_mode=True)
    except (Base64Error, ValueError):
        raise MalformedBodyError("the body is not base64, though the event says so") from None


def _inflate(body: bytes, coding: str) -> bytes:
    window = _WINDOWS.get(coding)
    if window is None:
        raise UnsupportedMediaError(
            f"content encoding {coding[:40]!r} is not gzip or deflate", field="Content-Encoding"
        )
    inflater = zlib.decompressobj(window)
    try:
        inflated = inflater.decompress(body, MOST_BYTES + 1)
    except zlib.error:
        raise MalformedBodyError(f"the body is not {coding}") from None
    if len(inflated) <= MOST_BYTES and not inflater.eof:
        raise MalformedBodyError(f"the {coding} body is cut short")
    return inflated


def respond(status: int, reply: Reply, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the proxy answer; raise TooLargeError when the invocation's answer would pass its limit."""
    text = reply.headers.get("Content-Type") != "application/octet-stream"
    body = reply.body.decode() if text else b2a_base64(reply.body, newline=False).decode()
    if len(reply.body) > _MEASURED_ABOVE and len(reply.body) + _escapes(reply.body, text=text) > MOST_ANSWER_BYTES:
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


def refuse(error: ModelloopError, headers: Mapping[str, str]) -> dict[str, Any]:
    """Return the one error form; names that the caller sent are shown no longer than it takes to recognise them."""
    body = {name: _clipped(value) for name, value in error.body().items()}
    return {
        "statusCode": error.status,
        "headers": {"Content-Type": "application/json", **headers},
        "body": orjson.dumps(body).decode(),
        "isBase64Encoded": False,
    }


def _clipped(value: str | int | None) -> str | int | None:
    return value[:_LONGEST_TEXT] + "…" if isinstance(value, str) and len(value) > _LONGEST_TEXT else value
