from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import pytest

from modelloop_stack.server.front_door import EXTRA_HOSTS, guarded

if TYPE_CHECKING:
    from pathlib import Path

PORT = 4566
HOST = f"127.0.0.1:{PORT}"
PERMISSIVE = [(b"Access-Control-Allow-Origin", b"*"), (b"access-control-allow-headers", b"*"), (b"ETag", b'"e"')]
LINK = {"sec-fetch-site": "same-site", "sec-fetch-mode": "navigate", "sec-fetch-dest": "document"}
REPORT = "/artifacts/versions/m/run/report.html"


async def emulator(_: dict[str, Any], __: Any, send: Any) -> None:
    await send({"type": "http.response.start", "status": 200, "headers": PERMISSIVE})
    await send({"type": "http.response.body", "body": b"secret"})


def ask(
    state: Path, method: str = "GET", path: str = "/", query: str = "", **headers: str
) -> tuple[int, dict[str, str]]:
    """Return status and headers of the answer to a request; underscores in names of headers stand for hyphens."""
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "http.request"}

    told = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    scope = {"type": "http", "method": method, "path": path, "query_string": query.encode(), "headers": told}
    asyncio.run(guarded(emulator, PORT, state)(scope, receive, send))
    answered = {name.decode().lower(): value.decode() for name, value in sent[0]["headers"]}
    assert (sent[1]["body"] == b"secret") is (sent[0]["status"] == 200)
    return sent[0]["status"], answered


@pytest.mark.parametrize("host", [HOST, f"localhost:{PORT}", f"LOCALHOST:{PORT}", f"[::1]:{PORT}"])
def test_a_program_of_this_machine_is_answered(tmp_path: Path, host: str) -> None:
    assert ask(tmp_path, host=host)[0] == 200
    assert ask(tmp_path, "POST", host=host, sec_fetch_site="none")[0] == 200
    assert ask(tmp_path, "PUT", host=host, origin=f"http://{HOST}", sec_fetch_site="same-origin")[0] == 200


@pytest.mark.parametrize(
    "host", ["evil.example", f"evil.example:{PORT}", "127.0.0.1", "127.0.0.1:1", f"127.0.0.1.evil.example:{PORT}", ""]
)
def test_a_name_that_is_not_its_own_is_refused(tmp_path: Path, host: str) -> None:
    assert ask(tmp_path, host=host)[0] == 403


def test_a_request_without_a_host_is_refused(tmp_path: Path) -> None:
    assert ask(tmp_path)[0] == 403


@pytest.mark.parametrize(
    "headers",
    [{"origin": "http://evil.example"}, {"origin": "null"}, {"origin": "http://127.0.0.1:1"}, {"origin": ""},
     {"sec_fetch_site": "cross-site"}, {"sec_fetch_site": "same-site"}, {"sec_fetch_site": "new"}],
)  # fmt: skip
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
def test_a_page_of_another_origin_is_refused(tmp_path: Path, method: str, headers: dict[str, str]) -> None:
    status, answered = ask(tmp_path, method, host=HOST, **headers)

    assert status == 403
    assert not [name for name in answered if name.startswith("access-control")]


def test_nobody_asks_in_advance(tmp_path: Path) -> None:
    assert ask(tmp_path, "OPTIONS", host=HOST)[0] == 403


def test_no_other_origin_may_read_an_answer_and_a_stored_page_is_a_world_of_its_own(tmp_path: Path) -> None:
    _, answered = ask(tmp_path, host=HOST)

    assert answered == {
        "etag": '"e"',
        "content-security-policy": "sandbox allow-scripts",
        "cross-origin-resource-policy": "same-origin",
    }


def test_the_address_that_sam_local_forwards_from_is_answered_while_it_is_listed(tmp_path: Path) -> None:
    bridge = "10.88.0.1:43001"
    assert ask(tmp_path, host=bridge)[0] == 403

    (tmp_path / EXTRA_HOSTS).write_text(f"{bridge}\n")
    assert ask(tmp_path, host=bridge)[0] == 200
    assert ask(tmp_path, host=bridge, sec_fetch_site="cross-site")[0] == 403
    assert ask(tmp_path, host="10.88.0.1:43002")[0] == 403


def test_the_dashboards_link_opens_a_report(tmp_path: Path) -> None:
    assert (
        ask(tmp_path, path=REPORT, query="X-Amz-Signature=1&response-content-type=text%2Fhtml", host=HOST, **LINK)[0]
        == 200
    )


@pytest.mark.parametrize(
    ("method", "path", "query", "changed"),
    [("POST", REPORT, "", {}),
     ("GET", "/artifacts/versions/m/run/bundle.json", "", {}),
     ("GET", "/", "Action=CreateQueue&QueueName=q", {}),
     ("GET", REPORT, "Action=CreateQueue&QueueName=q", {}),
     ("GET", REPORT, "", {"sec-fetch-site": "cross-site"}),
     ("GET", REPORT, "", {"sec-fetch-dest": "iframe"}),
     ("GET", REPORT, "", {"sec-fetch-mode": "no-cors"}),
     ("GET", REPORT, "", {"origin": "http://127.0.0.1:8788"})],
)  # fmt: skip
def test_nothing_but_such_a_link_may_come_from_another_port(
    tmp_path: Path, method: str, path: str, query: str, changed: dict[str, str]
) -> None:
    assert ask(tmp_path, method, path, query, host=HOST, **LINK | changed)[0] == 403


def test_a_websocket_of_another_origin_is_closed_before_it_opens(tmp_path: Path) -> None:
    sent: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        sent.append(message)

    async def receive() -> dict[str, Any]:
        return {"type": "websocket.connect"}

    headers = [(b"host", HOST.encode()), (b"origin", b"http://evil.example")]
    asyncio.run(
        guarded(emulator, PORT, tmp_path)({"type": "websocket", "path": "/", "headers": headers}, receive, send)
    )

    assert sent == [{"type": "websocket.close", "code": 1008}]
