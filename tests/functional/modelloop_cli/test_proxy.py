from __future__ import annotations

import json
import socket
import struct
from threading import Event
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from modelloop_cli.proxy import Proxy, running
from modelloop_client.client import Client
from modelloop_client.stacks import find_stack

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

PAGES = {"/dashboard/": ("text/html; charset=utf-8", b"<!doctype html><title>Loop</title>")}


@pytest.fixture
def proxy(stack_file: Path) -> Iterator[Proxy]:  # noqa: ARG001  it names the stack by the environment
    with Client(find_stack(), pause=0.0) as client, running(Proxy(client, 0, PAGES, "/dashboard/")) as server:
        yield server


@pytest.fixture
def user(proxy: Proxy) -> Iterator[httpx.Client]:
    """A program that knows the token."""
    with httpx.Client(base_url=proxy.url, headers={"authorization": f"Bearer {proxy.token.text}"}) as client:
        yield client


def test_control_routes_get_a_signature_and_data_routes_the_key(api: Any, user: httpx.Client) -> None:
    api.on("GET /metrics", (200, b"# HELP x\n"))
    api.on("POST /v2/models/m/infer", (200, {"model_name": "m"}))

    assert user.get("/metrics").text == "# HELP x\n"
    answer = user.post("/v2/models/m/infer", json={"inputs": []}, headers={"x-modelloop-sticky-key": "u1"})

    assert answer.json() == {"model_name": "m"}
    assert answer.headers["x-modelloop-version"] == "3"
    control, data = api.asked
    assert control.headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert "x-api-key" not in control.headers
    assert data.headers["x-api-key"] == "k-123"
    assert data.headers["x-modelloop-sticky-key"] == "u1"
    assert data.json == {"inputs": []}


def test_query_and_refusals_pass_unchanged(api: Any, user: httpx.Client) -> None:
    api.on("GET /models/m/summary", (422, {"error": "from is after to"}))

    answer = user.get("/models/m/summary", params={"from": "2026-11-23T00:00:00Z", "to": ""})

    assert (answer.status_code, answer.json()) == (422, {"error": "from is after to"})
    assert api.asked[0].query["from"] == "2026-11-23T00:00:00Z"


def test_a_body_does_not_wait_until_its_headers_are_acknowledged(
    api: Any, proxy: Proxy, user: httpx.Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Linux acknowledges a lone segment of a kept connection up to 40 ms late, and Nagle's algorithm waits for that."""
    api.on("GET /models", (200, {"models": []}))
    options: list[int] = []

    def note(exchange: Any, *_: object) -> None:
        options.append(exchange.connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY))

    monkeypatch.setattr(proxy.RequestHandlerClass, "log_message", note)
    assert user.get("/models").status_code == 200
    assert options == [1]


def test_it_listens_on_loopback_alone(proxy: Proxy) -> None:
    assert proxy.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:80", "localhost:1", ""])
def test_names_that_are_not_its_own_are_refused(api: Any, user: httpx.Client, host: str) -> None:
    answer = user.get("/models", headers={"host": host})

    assert answer.status_code == 403
    assert api.asked == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_every_loopback_name_is_answered(api: Any, proxy: Proxy, user: httpx.Client, name: str) -> None:
    api.on("GET /models", (200, {"models": []}))

    assert user.get("/models", headers={"host": f"{name}:{proxy.server_port}"}).status_code == 200


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://127.0.0.1:1"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_pages_of_other_origins_are_refused(api: Any, user: httpx.Client, method: str, headers: dict[str, str]) -> None:
    answer = user.request(method, "/models/m/promote", headers=headers)

    assert answer.status_code == 403
    assert set(answer.json()) == {"error", "error_code", "message", "field", "row"}
    assert api.asked == []


def test_its_own_page_may_ask_and_is_served_under_a_strict_policy(api: Any, proxy: Proxy, user: httpx.Client) -> None:
    api.on("POST /models/m/promote", (200, {"revision": 2}))

    page = user.get("/dashboard/")
    answer = user.post("/models/m/promote", json={}, headers={"origin": proxy.url, "sec-fetch-site": "same-origin"})

    assert page.text.startswith("<!doctype html>")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/../secrets", "/v2/%2e%2e/models", "/models/../../x"])
def test_paths_that_leave_the_api_are_refused(api: Any, proxy: Proxy, path: str) -> None:
    assert _raw(
        proxy, f"GET {path} HTTP/1.1\r\nHost: {_host(proxy)}\r\n{_bearer(proxy)}Connection: close\r\n\r\n"
    ).startswith("HTTP/1.1 400")
    assert api.asked == []


@pytest.mark.parametrize(
    ("header", "status"),
    [("Content-Length: -1", 411), ("Content-Length: x", 411), ("Transfer-Encoding: chunked", 411),
     ("Content-Length: 99999999", 413), (f"Content-Length: {'9' * 5_000}", 413)],
)  # fmt: skip
def test_bodies_without_an_honest_length_are_refused(api: Any, proxy: Proxy, header: str, status: int) -> None:
    answer = _raw(proxy, f"POST /models/m/promote HTTP/1.1\r\nHost: {_host(proxy)}\r\n{_bearer(proxy)}{header}\r\n\r\n")

    assert answer.startswith(f"HTTP/1.1 {status}")
    assert api.asked == []


def test_a_stack_that_is_down_is_a_502_in_the_error_form(proxy: Proxy, stack_file: Path) -> None:
    stack_file.write_text(stack_file.read_text().replace(proxy.client.stack.api_url, "http://127.0.0.1:9/v1"))
    with Client(find_stack()) as client, running(Proxy(client)) as lonely:
        bearer = {"authorization": f"Bearer {lonely.token.text}"}
        answer = httpx.get(f"{lonely.url}/models", headers=bearer, timeout=30)

    assert answer.status_code == 502
    assert "nothing answers" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/dashboard", "/?x=1"])
def test_the_address_alone_leads_to_the_page(api: Any, user: httpx.Client, path: str) -> None:
    answer = user.get(path)

    assert (answer.status_code, answer.headers["location"]) == (302, "/dashboard/")
    assert api.asked == []


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "BREW"])
def test_a_method_that_no_route_has_is_refused_in_the_error_form(api: Any, user: httpx.Client, method: str) -> None:
    answer = user.request(method, "/models/m")

    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, HEAD, POST")
    assert answer.json()["error_code"] == "BAD_REQUEST"
    assert method in answer.json()["error"]
    assert api.asked == []


def test_an_address_that_is_too_long_is_refused_in_the_error_form(proxy: Proxy) -> None:
    answer = _raw(proxy, f"GET /{'x' * 65_533} HTTP/1.1\r\n")

    assert answer.startswith("HTTP/1.1 414")
    assert json.loads(answer.partition("\r\n\r\n")[2])["error_code"] == "BAD_REQUEST"


def test_a_client_that_leaves_before_its_answer_leaves_the_terminal_silent(
    api: Any, proxy: Proxy, capfd: pytest.CaptureFixture[str]
) -> None:
    left, answered = Event(), Event()

    def answer(_: Any) -> tuple[int, Any]:
        left.wait(60)
        return 200, {"models": "x" * 4_000_000}  # more than a socket takes by itself

    api.on("GET /models", answer)
    closing = proxy.shutdown_request

    def close(request: Any) -> None:
        closing(request)
        answered.set()

    proxy.shutdown_request = close  # type: ignore[method-assign]
    with socket.create_connection(("127.0.0.1", proxy.server_port)) as connection:
        connection.sendall(f"GET /models HTTP/1.1\r\nHost: {_host(proxy)}\r\n{_bearer(proxy)}\r\n".encode())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave by a reset
    left.set()

    assert answered.wait(60)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "headers",
    [{}, {"authorization": "Bearer"}, {"authorization": "Bearer x"}, {"authorization": "Basic {token}"},
     {"cookie": "modelloop-1={token}"}, {"cookie": "modelloop-{port}=x"}, {"cookie": "modelloop-{port}="},
     {"cookie": "=;=\x7f"}, {"authorization": "Bearer \u00e9"}],
)  # fmt: skip
@pytest.mark.parametrize(("method", "path"), [("GET", "/models"), ("POST", "/models/m/freeze"), ("GET", "/dashboard/")])
def test_whoever_has_no_token_gets_nothing(
    api: Any, proxy: Proxy, method: str, path: str, headers: dict[str, str]
) -> None:
    facts = {"token": proxy.token.text, "port": proxy.server_port}
    sent = {name.encode(): value.format(**facts).encode() for name, value in headers.items()}
    answer = httpx.request(method, proxy.url + path, headers=sent)

    assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer")
    assert answer.json()["error_code"] == "UNAUTHENTICATED"
    assert proxy.token.text not in answer.text
    assert api.asked == []


def test_a_page_gets_the_token_by_its_address_and_keeps_it_as_a_cookie(api: Any, proxy: Proxy) -> None:
    api.on("POST /models/m/freeze", (200, {"revision": 2}))

    with httpx.Client(base_url=proxy.url) as browser:
        opened = browser.get(proxy.entrance)
        page = browser.get(opened.headers["location"])
        frozen = browser.post("/models/m/freeze", json={"reason": "x", "on": True})

    assert (opened.status_code, opened.headers["location"]) == (302, "/dashboard/")
    assert opened.headers["set-cookie"] == (
        f"modelloop-{proxy.server_port}={proxy.token.text}; HttpOnly; SameSite=Strict; Path=/"
    )
    assert (page.status_code, frozen.status_code) == (200, 200)
    assert "cookie" not in api.asked[0].headers
    assert proxy.token.text not in api.asked[0].headers["authorization"]


@pytest.mark.parametrize("address", ["/?token=x", "/dashboard/?token=", "/models?x=token", "/models?token=x"])
def test_a_wrong_token_in_an_address_opens_nothing(api: Any, proxy: Proxy, address: str) -> None:
    answer = httpx.get(proxy.url + address)

    assert answer.status_code == 401
    assert "set-cookie" not in answer.headers
    assert api.asked == []


def test_the_token_leaves_the_address_and_leads_to_no_other_host(proxy: Proxy) -> None:
    token = proxy.token.text
    answer = httpx.get(f"{proxy.url}/models?from=a+b&token={token}&to=")
    assert answer.headers["location"] == "/models?from=a+b&to="
    raw = _raw(
        proxy, f"GET //evil.example/?token={token} HTTP/1.1\r\nHost: {_host(proxy)}\r\nConnection: close\r\n\r\n"
    )
    assert "Location: //" not in raw.replace("location", "Location")


def test_every_start_has_another_token(proxy: Proxy) -> None:
    with running(Proxy(proxy.client)) as other:
        assert len(other.token.text) > 40
        assert other.token.text != proxy.token.text


def _host(proxy: Proxy) -> str:
    return f"127.0.0.1:{proxy.server_port}"


def _bearer(proxy: Proxy) -> str:
    return f"Authorization: Bearer {proxy.token.text}\r\n"


def _raw(proxy: Proxy, request: str) -> str:
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=60) as connection:
        connection.sendall(request.encode())
        return connection.makefile("rb").read().decode()
