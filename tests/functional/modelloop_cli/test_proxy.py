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


def test_control_routes_get_a_signature_and_data_routes_the_key(api: Any, proxy: Proxy) -> None:
    api.on("GET /metrics", (200, b"# HELP x\n"))
    api.on("POST /v2/models/m/infer", (200, {"model_name": "m"}))

    assert httpx.get(f"{proxy.url}/metrics").text == "# HELP x\n"
    answer = httpx.post(f"{proxy.url}/v2/models/m/infer", json={"inputs": []}, headers={"x-modelloop-sticky-key": "u1"})

    assert answer.json() == {"model_name": "m"}
    assert answer.headers["x-modelloop-version"] == "3"
    control, data = api.asked
    assert control.headers["authorization"].startswith("AWS4-HMAC-SHA256")
    assert "x-api-key" not in control.headers
    assert data.headers["x-api-key"] == "k-123"
    assert data.headers["x-modelloop-sticky-key"] == "u1"
    assert data.json == {"inputs": []}


def test_query_and_refusals_pass_unchanged(api: Any, proxy: Proxy) -> None:
    api.on("GET /models/m/summary", (422, {"error": "from is after to"}))

    answer = httpx.get(f"{proxy.url}/models/m/summary", params={"from": "2026-11-23T00:00:00Z", "to": ""})

    assert (answer.status_code, answer.json()) == (422, {"error": "from is after to"})
    assert api.asked[0].query["from"] == "2026-11-23T00:00:00Z"


def test_it_listens_on_loopback_alone(proxy: Proxy) -> None:
    assert proxy.server_address[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["evil.example", "127.0.0.1", "127.0.0.1.evil.example:80", "localhost:1", ""])
def test_names_that_are_not_its_own_are_refused(api: Any, proxy: Proxy, host: str) -> None:
    answer = httpx.get(f"{proxy.url}/models", headers={"host": host})

    assert answer.status_code == 403
    assert api.asked == []


@pytest.mark.parametrize("name", ["127.0.0.1", "localhost", "[::1]", "LOCALHOST"])
def test_every_loopback_name_is_answered(api: Any, proxy: Proxy, name: str) -> None:
    api.on("GET /models", (200, {"models": []}))

    assert httpx.get(f"{proxy.url}/models", headers={"host": f"{name}:{proxy.server_port}"}).status_code == 200


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
def test_pages_of_other_origins_are_refused(api: Any, proxy: Proxy, method: str, headers: dict[str, str]) -> None:
    answer = httpx.request(method, f"{proxy.url}/models/m/promote", headers=headers)

    assert answer.status_code == 403
    assert set(answer.json()) == {"error", "error_code", "message", "field", "row"}
    assert api.asked == []


def test_its_own_page_may_ask_and_is_served_under_a_strict_policy(api: Any, proxy: Proxy) -> None:
    api.on("POST /models/m/promote", (200, {"revision": 2}))

    page = httpx.get(f"{proxy.url}/dashboard/")
    answer = httpx.post(
        f"{proxy.url}/models/m/promote", json={}, headers={"origin": proxy.url, "sec-fetch-site": "same-origin"}
    )

    assert page.text.startswith("<!doctype html>")
    assert page.headers["content-security-policy"].startswith("default-src 'none'; script-src 'self'")
    assert "unsafe" not in page.headers["content-security-policy"]
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/../secrets", "/v2/%2e%2e/models", "/models/../../x"])
def test_paths_that_leave_the_api_are_refused(api: Any, proxy: Proxy, path: str) -> None:
    assert _raw(proxy, f"GET {path} HTTP/1.1\r\nHost: {_host(proxy)}\r\nConnection: close\r\n\r\n").startswith(
        "HTTP/1.1 400"
    )
    assert api.asked == []


@pytest.mark.parametrize(
    ("header", "status"),
    [("Content-Length: -1", 411), ("Content-Length: x", 411), ("Transfer-Encoding: chunked", 411),
     ("Content-Length: 99999999", 413), (f"Content-Length: {'9' * 5_000}", 413)],
)  # fmt: skip
def test_bodies_without_an_honest_length_are_refused(api: Any, proxy: Proxy, header: str, status: int) -> None:
    answer = _raw(proxy, f"POST /models/m/promote HTTP/1.1\r\nHost: {_host(proxy)}\r\n{header}\r\n\r\n")

    assert answer.startswith(f"HTTP/1.1 {status}")
    assert api.asked == []


def test_a_stack_that_is_down_is_a_502_in_the_error_form(proxy: Proxy, stack_file: Path) -> None:
    stack_file.write_text(stack_file.read_text().replace(proxy.client.stack.api_url, "http://127.0.0.1:9/v1"))
    with Client(find_stack()) as client, running(Proxy(client)) as lonely:
        answer = httpx.get(f"{lonely.url}/models", timeout=30)

    assert answer.status_code == 502
    assert "nothing answers" in answer.json()["error"]


@pytest.mark.parametrize("path", ["/", "/dashboard", "/?x=1"])
def test_the_address_alone_leads_to_the_page(api: Any, proxy: Proxy, path: str) -> None:
    answer = httpx.get(proxy.url + path, follow_redirects=False)

    assert (answer.status_code, answer.headers["location"]) == (302, "/dashboard/")
    assert api.asked == []


@pytest.mark.parametrize("method", ["DELETE", "PUT", "PATCH", "BREW"])
def test_a_method_that_no_route_has_is_refused_in_the_error_form(api: Any, proxy: Proxy, method: str) -> None:
    answer = httpx.request(method, f"{proxy.url}/models/m")

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
        left.wait(10)
        return 200, {"models": "x" * 4_000_000}  # more than a socket takes by itself

    api.on("GET /models", answer)
    closing = proxy.shutdown_request

    def close(request: Any) -> None:
        closing(request)
        answered.set()

    proxy.shutdown_request = close  # type: ignore[method-assign]
    with socket.create_connection(("127.0.0.1", proxy.server_port)) as connection:
        connection.sendall(f"GET /models HTTP/1.1\r\nHost: {_host(proxy)}\r\n\r\n".encode())
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))  # leave by a reset
    left.set()

    assert answered.wait(10)
    assert capfd.readouterr().err == ""


def _host(proxy: Proxy) -> str:
    return f"127.0.0.1:{proxy.server_port}"


def _raw(proxy: Proxy, request: str) -> str:
    with socket.create_connection(("127.0.0.1", proxy.server_port), timeout=10) as connection:
        connection.sendall(request.encode())
        return connection.makefile("rb").read().decode()
