"""API Gateway's part in front of a handler, as a WSGI application: keys, routes, proxy events, base64 bodies."""

from __future__ import annotations

import re
from base64 import b64decode, b64encode
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import orjson

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from modelloop.contracts.http_request import HttpAnswer

    type _Answer = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Gateway:
    """Serves routes ("GET /models/{model}") of one handler to callers that send the key."""

    handler: Callable[[dict[str, Any], object], HttpAnswer]
    routes: tuple[str, ...]
    key: str

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        status, headers, body = self._answer(environ)
        start_response(f"{status} {HTTPStatus(status).phrase}", list(headers.items()))
        return [body]

    def _answer(self, environ: dict[str, Any]) -> _Answer:
        method, path = environ["REQUEST_METHOD"], _path(environ)
        if environ.get("HTTP_X_API_KEY") != self.key:
            return _refuse(403, "FORBIDDEN", "send the API key")
        found = [(route, _match(route, method, path)) for route in self.routes]
        hits = [(route, parameters) for route, parameters in found if parameters is not None]
        if not hits:
            return _refuse(403, "FORBIDDEN", f"there is no {method} of that path")
        route, parameters = min(hits, key=lambda hit: len(hit[1]))  # what is spelled out goes before parameters
        answer = self.handler(_event(environ, route, parameters), None)
        raw = answer["body"]
        body = b64decode(raw) if answer.get("isBase64Encoded") else raw.encode()
        return answer["statusCode"], answer["headers"], body


def _path(environ: dict[str, Any]) -> str:
    raw: str = environ["PATH_INFO"]
    return raw.encode("latin-1").decode("utf-8", "replace")


def _match(route: str, method: str, path: str) -> dict[str, str] | None:
    own, _, template = route.partition(" ")
    pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(template))
    found = re.fullmatch(pattern, path, re.DOTALL) if own == method else None
    return None if found is None else {name: unquote(value) for name, value in found.groupdict().items()}


def _event(environ: dict[str, Any], route: str, parameters: dict[str, str]) -> dict[str, Any]:
    method, _, resource = route.partition(" ")
    headers = {name[5:].replace("_", "-").title(): value for name, value in environ.items() if name.startswith("HTTP_")}
    if environ.get("CONTENT_TYPE"):
        headers["Content-Type"] = environ["CONTENT_TYPE"]
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    return {
        "resource": resource,
        "httpMethod": method,
        "headers": headers,
        "pathParameters": parameters or None,
        "requestContext": {"requestId": "request"},
        "body": b64encode(body).decode() if body else None,
        "isBase64Encoded": bool(body),
    }


def _refuse(status: int, code: str, message: str) -> _Answer:
    body = {"error": message, "error_code": code, "message": message, "field": None, "row": None}
    return status, {"Content-Type": "application/json"}, orjson.dumps(body)
