"""A proxy on loopback for clients that cannot sign: a browser, an old Prometheus, a protocol client.

It signs with the caller's own identity, so it answers nobody else: it listens on the loopback address alone, accepts
only loopback names in the Host header (a rebound DNS name is refused), refuses requests from pages of another origin,
and asks everybody for its token.
"""

from __future__ import annotations

import json
import sys
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

from modelloop.errors import ModelloopError
from modelloop_cli.access_token import PARAMETER, AccessToken, random_token
from modelloop_client.failures import CommandError, explain
from modelloop_stack.server.front_door import loopback_hosts, refusal_reason

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from modelloop_client.client import Client

LOOPBACK = "127.0.0.1"
METHODS = "GET, HEAD, POST"
MAX_BODY = 10 * 1024 * 1024  # bytes that API Gateway accepts
MAX_DIGITS = 20  # of a Content-Length; Python itself refuses to read thousands
_SENT = ("accept", "content-type", "content-encoding", "inference-header-content-length", "if-none-match")
_RETURNED = ("content-type", "inference-header-content-length", "location", "etag", "retry-after")
_OWN = "x-modelloop-"

Page = tuple[str, bytes]
"""Content type and content."""


class Proxy(ThreadingHTTPServer):
    """Forwards to one stack; `pages` are own files by path, served under a strict content-security policy.

    With `home`, the path of one of them, `/` and that path without its last slash redirect there. `token` is asked of
    every request; by default it is a random one.
    """

    daemon_threads = True

    def __init__(
        self,
        client: Client,
        port: int = 0,
        pages: Mapping[str, Page] | None = None,
        home: str | None = None,
        token: str | None = None,
    ) -> None:
        super().__init__((LOOPBACK, port), _Exchange)
        self.client = client
        self.pages = pages or {}
        self.home = home
        self.redirected = frozenset({"/", home.rstrip("/")} if home else ())
        self.hosts = loopback_hosts(self.server_port)
        self.token = AccessToken(token or random_token(), self.server_port)

    @property
    def url(self) -> str:
        """Return the address that clients connect to."""
        return f"http://{LOOPBACK}:{self.server_port}"

    @property
    def entrance(self) -> str:
        """Return the address that lets a browser in: `home`, or the API's root, with the token."""
        return f"{self.url}{self.home or '/'}?{urlencode({PARAMETER: self.token.text})}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Print nothing when a client left before its answer: a browser that reloads does so every time."""
        if not isinstance(sys.exception(), ConnectionError):
            super().handle_error(request, client_address)


@contextmanager
def running(proxy: Proxy) -> Iterator[Proxy]:
    """Serve in a thread while the block runs; yield the proxy."""
    thread = Thread(target=proxy.serve_forever, kwargs={"poll_interval": 0.05}, name="proxy", daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy.shutdown()
        thread.join()
        proxy.server_close()


PAGE_HEADERS = {
    "content-security-policy": "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
    "x-content-type-options": "nosniff",
    "referrer-policy": "no-referrer",
    "cross-origin-resource-policy": "same-origin",
    "cache-control": "no-store",
}


LET_IN = {"cache-control": "no-store", "referrer-policy": "no-referrer"}
NOT_LET_IN = "the token is missing or not the right one: open the address that the command printed, with its token"


class _Exchange(BaseHTTPRequestHandler):
    server: Proxy
    protocol_version = "HTTP/1.1"
    server_version = "modelloop"
    sys_version = ""
    timeout = 60
    disable_nagle_algorithm = True  # else a body waits 40 ms for the caller's acknowledgement of its headers

    def do_GET(self) -> None:
        self._answer()

    def do_HEAD(self) -> None:
        self._answer()

    def do_POST(self) -> None:
        self._answer()

    def log_message(self, *_: object) -> None:
        """Print nothing: the terminal is for what the command prints."""

    def send_error(self, code: int, message: str | None = None, explain: str | None = None) -> None:
        """Answer what the server itself refuses, such as a method that no route has, in the API's error form."""
        self.close_connection = True
        if code == HTTPStatus.NOT_IMPLEMENTED:
            reason = f"no route takes {self.command}; use {METHODS}"
            self._refuse(HTTPStatus.METHOD_NOT_ALLOWED, "BAD_REQUEST", reason, {"allow": METHODS})
        else:
            self._refuse(code, "BAD_REQUEST", message or explain or HTTPStatus(code).phrase)

    def _answer(self) -> None:
        headers = {name.lower(): value for name, value in self.headers.items()}
        if refusal := refusal_reason(self.server.hosts, headers):
            self._refuse(HTTPStatus.FORBIDDEN, "FORBIDDEN", refusal)
        elif self.command != "POST" and (address := self.server.token.address_without(self.path)):
            self._send(HTTPStatus.FOUND, {"location": address, "set-cookie": self.server.token.cookie, **LET_IN}, b"")
        elif not self.server.token.is_sent(headers):
            self.close_connection = True
            challenge = {"www-authenticate": "Bearer"}
            self._refuse(HTTPStatus.UNAUTHORIZED, "UNAUTHENTICATED", NOT_LET_IN, challenge)
        elif self.command != "POST" and self.server.home and urlsplit(self.path).path in self.server.redirected:
            self._send(HTTPStatus.FOUND, {"location": self.server.home, "cache-control": "no-store"}, b"")
        elif self.command != "POST" and (page := self.server.pages.get(urlsplit(self.path).path)):
            self._send(HTTPStatus.OK, {"content-type": page[0], **PAGE_HEADERS}, page[1])
        else:
            self._forward()

    def _forward(self) -> None:
        body = self._read_body()
        if body is None:
            return
        target = urlsplit(self.path)
        if not target.path.startswith("/") or ".." in unquote(target.path).split("/"):
            self._refuse(HTTPStatus.BAD_REQUEST, "BAD_REQUEST", "the path leads out of the API")
            return
        sent = {name: value for name, value in self.headers.items() if name.lower() in _SENT or _is_own(name)}
        try:
            answer = self.server.client.send(
                "GET" if self.command == "HEAD" else self.command,
                target.path,
                content=body,
                params=dict(parse_qsl(target.query, keep_blank_values=True)),
                headers=sent,
            )
        except Exception as error:  # noqa: BLE001  the edge: a client gets an answer, whatever went wrong here
            failure = explain(error) or CommandError(f"the proxy failed: {error!r}")
            self._refuse(HTTPStatus.BAD_GATEWAY, "BAD_GATEWAY", failure.message)
            return
        returned = {name: value for name, value in answer.headers.items() if name.lower() in _RETURNED or _is_own(name)}
        self._send(answer.status_code, {**returned, "x-content-type-options": "nosniff"}, answer.content)

    def _read_body(self) -> bytes | None:
        """Return the body, or None after it was refused."""
        length = self.headers.get("content-length", "0")
        if "transfer-encoding" in self.headers or not length.isascii() or not length.isdigit():
            self.close_connection = True
            self._refuse(HTTPStatus.LENGTH_REQUIRED, "BAD_REQUEST", "send the body with a Content-Length")
            return None
        if len(length) > MAX_DIGITS or int(length) > MAX_BODY:
            self.close_connection = True
            self._refuse(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "REQUEST_TOO_LARGE", "the body is over 10 MB")
            return None
        return self.rfile.read(int(length))

    def _refuse(self, status: int, code: str, message: str, headers: Mapping[str, str] | None = None) -> None:
        error = ModelloopError(message)
        body = json.dumps(error.body() | {"error_code": code}).encode()
        if status == HTTPStatus.FORBIDDEN:
            self.close_connection = True
        self._send(status, {"content-type": "application/json", **(headers or {})}, body)

    def _send(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(body)))
        if self.close_connection:
            self.send_header("connection", "close")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


def _is_own(name: str) -> bool:
    return name.lower().startswith(_OWN)
