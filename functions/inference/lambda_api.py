"""The two calls of Lambda's Extensions API, over a plain socket: an HTTP library would cost a third of a cold start."""

from __future__ import annotations

import socket
from typing import Self

import orjson

_VERSION = "2020-01-01"
_REGISTER_SECONDS = 2.0


class LambdaApi:
    """A registered internal extension."""

    def __init__(self, address: str, identifier: str) -> None:
        self._address, self._identifier = address, identifier

    @classmethod
    def register(cls, address: str, name: str) -> Self:
        """Register for invocations; raises OSError when the API does not take it."""
        body = b'{"events":["INVOKE"]}'
        head = f"Lambda-Extension-Name: {name}\r\nContent-Type: application/json\r\n"
        headers, _ = _call(address, "POST", "register", head, body, _REGISTER_SECONDS)
        identifier = headers.get("lambda-extension-identifier")
        if not identifier:
            raise OSError("the Extensions API gave no identifier")
        return cls(address, identifier)

    def next_event(self) -> float:
        """Wait for the next invocation and return its deadline, in Unix milliseconds."""
        head = f"Lambda-Extension-Identifier: {self._identifier}\r\n"
        _, body = _call(self._address, "GET", "event/next", head, b"", None)
        return float(orjson.loads(body)["deadlineMs"])


def _call(
    address: str, method: str, path: str, head: str, body: bytes, timeout: float | None
) -> tuple[dict[str, str], bytes]:
    host, _, port = address.partition(":")
    with socket.create_connection((host, int(port or 80)), timeout) as connection:
        connection.sendall(
            f"{method} /{_VERSION}/extension/{path} HTTP/1.0\r\nHost: {address}\r\n{head}"
            f"Content-Length: {len(body)}\r\nConnection: close\r\n\r\n".encode()
            + body
        )
        with connection.makefile("rb") as answer:
            raw = answer.read()
    head_raw, _, payload = raw.partition(b"\r\n\r\n")
    status, *lines = head_raw.decode("latin-1").split("\r\n")
    if status.split(" ")[1:2] != ["200"]:
        raise OSError(f"the Extensions API answered {status!r} to {path}")
    headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    if headers.get("transfer-encoding") == "chunked":
        payload = _dechunk(payload)
    return headers, payload


def _dechunk(raw: bytes) -> bytes:
    body = b""
    while raw:
        size, _, rest = raw.partition(b"\r\n")
        length = int(size.split(b";")[0], 16)
        if not length:
            break
        body, raw = body + rest[:length], rest[length + 2 :]
    return body
