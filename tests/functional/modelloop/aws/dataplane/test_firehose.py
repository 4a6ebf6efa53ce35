from __future__ import annotations

import base64
import json
import socket
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws.dataplane import firehose
from modelloop.aws.dataplane.firehose import Endpoint, Firehose, batches, endpoint_from_environment
from modelloop.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Service:
    """Answers PutRecordBatch as scripted: a status with a body, a list of refused records, or a dropped connection."""

    def __init__(self) -> None:
        self.script: list[Any] = []
        self.taken: list[bytes] = []
        self.calls = 0
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def log_message(self, *_: object) -> None:
                pass

            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                assert self.headers["X-Amz-Target"] == "Firehose_20150804.PutRecordBatch"
                assert self.headers["Authorization"].startswith("AWS4-HMAC-SHA256 Credential=id/")
                answer = owner.answer([base64.b64decode(record["Data"]) for record in body["Records"]])
                if answer is None:
                    self.connection.shutdown(socket.SHUT_RDWR)
                    self.close_connection = True
                    return
                status, document = answer
                raw = json.dumps(document).encode()
                self.send_response(status)
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True

    def answer(self, records: list[bytes]) -> tuple[int, Any] | None:
        self.calls += 1
        step = self.script.pop(0) if self.script else []
        if step == "drop":
            return None
        if isinstance(step, tuple):
            return step
        refused = set(step)
        self.taken += [record for at, record in enumerate(records) if at not in refused]
        slow = {"ErrorCode": "ServiceUnavailableException", "ErrorMessage": "slow down"}
        responses = [slow if at in refused else {"RecordId": "x"} for at in range(len(records))]
        return 200, {"FailedPutCount": len(refused), "RequestResponses": responses}


@pytest.fixture
def service(monkeypatch: pytest.MonkeyPatch) -> Iterator[Service]:
    service = Service()
    threading.Thread(target=service.server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    monkeypatch.setenv("AWS_ENDPOINT_URL_FIREHOSE", f"http://127.0.0.1:{service.server.server_address[1]}")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "id")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "secret")
    monkeypatch.setenv("AWS_SESSION_TOKEN", "token")
    monkeypatch.setattr(time, "sleep", lambda _: None)
    yield service
    service.server.shutdown()
    service.server.server_close()


@pytest.fixture
def client(service: Service) -> Iterator[Firehose]:
    assert service.calls == 0
    client = Firehose("captures")
    yield client
    client.close()


def test_refused_records_alone_are_sent_again(service: Service, client: Firehose) -> None:
    service.script = [[1, 2], [1], []]
    client.put([b"a", b"b", b"c", b"d"])
    assert sorted(service.taken) == [b"a", b"b", b"c", b"d"]
    assert service.calls == 3


@pytest.mark.parametrize(
    "fault",
    [
        (503, {}),
        (500, {"__type": "InternalFailure"}),
        (400, {"__type": "com.amazonaws#ThrottlingException"}),
        (400, {"__type": "ServiceUnavailableException"}),
        "drop",
    ],
)
def test_faults_that_pass_are_waited_out(service: Service, client: Firehose, fault: Any) -> None:
    service.script = [fault, fault]
    client.put([b"a"])
    assert service.taken == [b"a"]


def test_faults_that_last_are_transient_errors(service: Service, client: Firehose) -> None:
    service.script = [(503, {})] * 10
    with pytest.raises(TransientError, match="1 records"):
        client.put([b"a"])
    assert service.calls == firehose.ATTEMPTS


def test_a_refusal_that_stays_is_not_repeated(service: Service, client: Firehose) -> None:
    service.script = [(400, {"__type": "ResourceNotFoundException"})]
    with pytest.raises(TransientError, match="ResourceNotFoundException"):
        client.put([b"a"])
    assert service.calls == 1


def test_the_deadline_ends_the_attempts(service: Service, client: Firehose) -> None:
    service.script = [(503, {})] * 10
    with pytest.raises(TransientError):
        client.put([b"a"], deadline=time.monotonic() - 1)
    assert service.calls == 0


def test_a_connection_is_kept(service: Service, client: Firehose) -> None:
    client.put([b"a"])
    first = client._connection
    client.put([b"b"])
    assert client._connection is first
    assert service.taken == [b"a", b"b"]


def test_batches_keep_the_limits() -> None:
    assert [len(batch) for batch in batches([b"x"] * 1201)] == [500, 500, 201]
    sizes = [len(batch) for batch in batches([b"x" * 1_000_000] * 7)]
    assert sizes == [3, 3, 1]
    assert batches([]) == []


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        (None, Endpoint(True, "firehose.eu-west-1.amazonaws.com", 443)),
        ("http://127.0.0.1:4566", Endpoint(False, "127.0.0.1", 4566)),
        ("https://vpce-1.amazonaws.com", Endpoint(True, "vpce-1.amazonaws.com", 443)),
    ],
)
def test_endpoints(monkeypatch: pytest.MonkeyPatch, url: str | None, expected: Endpoint) -> None:
    monkeypatch.delenv("AWS_ENDPOINT_URL_FIREHOSE", raising=False)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    if url:
        monkeypatch.setenv("AWS_ENDPOINT_URL", url)
    found = endpoint_from_environment("eu-west-1")
    assert found == expected
    assert Endpoint(True, "h", 443).netloc == "h"
    assert Endpoint(False, "h", 4566).netloc == "h:4566"
