from __future__ import annotations

import io
import json
import sys
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlsplit

import boto3
import httpx
import pytest
from moto.server import ThreadedMotoServer

from modelloop_cli.dashboard import PREFIX, pages
from modelloop_cli.main import main
from modelloop_cli.proxy import Proxy, running
from modelloop_client.client import Client
from modelloop_client.stacks import find_stack
from tests.support import browser as browsers
from tests.support import penguins_page
from tests.support.local_server import serving

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from selenium import webdriver

REGION = "eu-west-1"
BUCKETS = {"data_bucket": "loop-data", "artifacts_bucket": "loop-artifacts", "capture_bucket": "loop-capture"}


@dataclass
class Asked:
    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


type Answer = tuple[int, Any]


@dataclass
class Api:
    """A small HTTP server in the place of API Gateway: answers as told, remembers what it was asked."""

    url: str
    asked: list[Asked] = field(default_factory=list)
    routes: dict[str, list[Answer] | Callable[[Asked], Answer]] = field(default_factory=dict)

    def on(self, route: str, *answers: Answer | Callable[[Asked], Answer]) -> None:
        """Answer `METHOD /path` with these, one after the other; the last one stays."""
        first = answers[0]
        self.routes[route] = first if callable(first) else list(answers)  # type: ignore[arg-type]

    def answer(self, asked: Asked) -> Answer:
        self.asked.append(asked)
        told = self.routes.get(f"{asked.method} {asked.path}")
        if told is None:
            return 404, {"error": f"nothing at {asked.path}", "error_code": "RESOURCE_DOES_NOT_EXIST"}
        if callable(told):
            return told(asked)
        return told.pop(0) if len(told) > 1 else told[0]


@pytest.fixture
def api() -> Iterator[Api]:
    class Exchange(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True

        def do_GET(self) -> None:
            self.reply()

        def do_POST(self) -> None:
            self.reply()

        def reply(self) -> None:
            place = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            asked = Asked(self.command, place.path.removeprefix("/v1"), dict(parse_qsl(place.query)), headers, body)
            status, document = served.answer(asked)
            content = document if isinstance(document, bytes) else json.dumps(document).encode()
            self.send_response(status)
            self.send_header("content-type", "application/json")
            self.send_header("x-modelloop-version", "3")
            self.send_header("content-length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    with serving(Exchange) as port:
        served = Api(f"http://127.0.0.1:{port}/v1")
        yield served


@pytest.fixture(scope="session")
def aws_url() -> Iterator[str]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def s3(aws_url: str) -> Any:
    client: Any = boto3.client("s3", endpoint_url=aws_url, region_name=REGION, **_IDENTITY)
    httpx.post(f"{aws_url}/moto-api/reset").raise_for_status()
    client.create_bucket(Bucket="loop-data", CreateBucketConfiguration={"LocationConstraint": REGION})
    client.put_bucket_versioning(Bucket="loop-data", VersioningConfiguration={"Status": "Enabled"})
    return client


_IDENTITY: dict[str, Any] = {"aws_access_key_id": "test", "aws_secret_access_key": "test"}


@pytest.fixture
def stack_file(api: Api, aws_url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An embedded stack's description whose API is the small server and whose AWS is moto's server."""
    file = tmp_path / "stack.json"
    facts = {
        "stack_name": "loop", "region": REGION, "api_url": api.url, "api_key": "k-123", "endpoint_url": aws_url,
        "table": "loop-table", "extra": "fields of later versions are fine", **BUCKETS,
    }  # fmt: skip
    file.write_text(json.dumps(facts))
    monkeypatch.setenv("MODELLOOP_STACK_FILE", str(file))
    return file


@dataclass
class Ended:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


@pytest.fixture
def modelloop(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Callable[..., Ended]:
    """Run the command line in this process, as its entry point does."""

    def run(*words: str, stdin: str = "") -> Ended:
        monkeypatch.setattr(sys, "argv", ["modelloop", *words])
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode()), encoding="utf-8"))
        monkeypatch.setenv("COLUMNS", "200")
        code: Any = 0
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
        out, err = capfd.readouterr()
        return Ended(code, out, err)

    return run


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    with browsers.opened() as driver:
        yield driver


@pytest.fixture
def page(api: Api, browser: webdriver.Chrome, stack_file: Path) -> Iterator[str]:  # noqa: ARG001  names the stack
    """Return the page's address, over a small server that knows one model."""
    penguins_page.seed(api)
    browsers.log(browser)
    with Client(find_stack()) as client, running(Proxy(client, 0, pages(), PREFIX)) as proxy:
        yield proxy.entrance
        browser.get("about:blank")
