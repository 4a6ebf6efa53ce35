"""Who may ask a server on the loopback address: programs of this machine and the server's own pages, no other page.

A browser sends whatever any page asks for, to this machine too. It tells where a request comes from, though, and which
name led here; both are compared with what the server is called itself.

The emulator needs this most: it runs functions as processes and checks no signature, so whoever can call it can run
code as its user, and it allows every page to read its answers. Nothing but the standard library is imported here,
because the emulator's environment has nothing of this project.
"""

from __future__ import annotations

import json
import re
from collections.abc import Awaitable, Callable, Collection, Coroutine, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Coroutine[Any, Any, None]]

NAMES = ("127.0.0.1", "localhost", "[::1]")
EXTRA_HOSTS = "extra-hosts"
_REPORT = re.compile(r"/[^/]+/.+/report\.html")
_LINK = re.compile(r"x-amz-[a-z-]+|response-content-(?:type|disposition)|x-id", re.IGNORECASE)
# A stored page that is opened in a browser gets an origin of its own, so it cannot call the stack it came from.
_ADDED = ((b"content-security-policy", b"sandbox allow-scripts"), (b"cross-origin-resource-policy", b"same-origin"))


def loopback_hosts(port: int) -> frozenset[str]:
    """Return the values of the Host header by which a server on this port of the loopback address is meant."""
    return frozenset(f"{name}:{port}" for name in NAMES)


def refusal_reason(hosts: Collection[str], headers: Mapping[str, Any]) -> str | None:
    """Return why a request with these headers, their names in lower case, is refused, or None when it may pass."""
    if headers.get("host", "").lower() not in hosts:
        return "only loopback names are answered"
    origin = headers.get("origin")
    if origin is not None and origin.lower().removeprefix("http://") not in hosts:
        return "pages of another origin are not answered"
    if headers.get("sec-fetch-site", "none") not in {"none", "same-origin"}:
        return "pages of another site are not answered"
    return None


def guarded(app: App, port: int, state: Path) -> App:
    """Return an ASGI application behind the door; what it answers can be read by no page of another origin.

    Besides the loopback names, the hosts in the file `extra-hosts` of the state folder are answered: `sam local` writes
    there, while it runs, under which address containers reach the stack.
    """
    hosts = loopback_hosts(port)

    async def answer(scope: Message, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await app(scope, receive, send)
        elif reason := _refusal(scope, hosts, state / EXTRA_HOSTS):
            await _refuse(scope, receive, send, reason)
        else:
            await app(scope, receive, _for_nobody_else(send))

    return answer


def _refusal(scope: Message, hosts: frozenset[str], extra: Path) -> str | None:
    headers = {name.decode("latin-1").lower(): value.decode("latin-1") for name, value in scope.get("headers", ())}
    if scope.get("method") == "OPTIONS":
        return "no other origin may ask, so none asks in advance"
    if _opens_report(scope, headers):
        headers["sec-fetch-site"] = "none"
    return refusal_reason(hosts, headers) and refusal_reason(hosts | _listed(extra), headers)


def _opens_report(scope: Message, headers: Mapping[str, str]) -> bool:
    """Return whether a person follows the dashboard's link to a report: the new page replaces the old one.

    The dashboard has another port, so its site is the same and its origin another. A page that was replaced can read
    nothing, and the link can only show a report: it has no parameters besides those of a presigned link.
    """
    followed = ("GET", "same-site", "navigate", "document")
    told = (scope.get("method"), *(headers.get(f"sec-fetch-{name}") for name in ("site", "mode", "dest")))
    query = parse_qsl(scope.get("query_string", b"").decode("latin-1"), keep_blank_values=True)
    plain = all(_LINK.fullmatch(name) for name, _ in query)
    return told == followed and plain and _REPORT.fullmatch(scope["path"]) is not None


def _listed(file: Path) -> frozenset[str]:
    try:
        return frozenset(file.read_text().split())
    except FileNotFoundError:
        return frozenset()


async def _refuse(scope: Message, receive: Receive, send: Send, reason: str) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    body = json.dumps({"message": reason}).encode()
    headers = [(b"content-type", b"application/json"), (b"content-length", str(len(body)).encode())]
    await send({"type": "http.response.start", "status": 403, "headers": headers})
    await send({"type": "http.response.body", "body": body})


def _for_nobody_else(send: Send) -> Send:
    """Return a sender that drops permissions for other origins and adds what keeps stored pages to themselves."""

    async def forward(message: Message) -> None:
        if message["type"] == "http.response.start":
            kept = [(name, value) for name, value in message["headers"] if not _is_permission(name)]
            message = {**message, "headers": [*kept, *_ADDED]}
        await send(message)

    return forward


def _is_permission(name: bytes) -> bool:
    return name.lower().startswith(b"access-control-")
