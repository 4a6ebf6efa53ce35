"""The AWS services that carry messages, as one small HTTP server: what is sent to them is kept, and answered with yes.

S3 and DynamoDB hold state and are moto's. Lambda, SQS, Firehose and EventBridge only take something over; and the
requests of the command line to the API arrive here too. Each is found by its `AWS_ENDPOINT_URL_<SERVICE>`, so nothing
of the product has to be replaced.
"""

from __future__ import annotations

import json
from base64 import b64decode
from dataclasses import dataclass, field
from hashlib import md5
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    type Invoke = Callable[[str, Any], Any]
    type Api = Callable[[str, str, dict[str, str], dict[str, str], bytes], tuple[int, dict[str, str], bytes]]

STAGE = "/v1"
_INVOCATIONS = "/2015-03-31/functions/"


@dataclass
class Sent:
    """What left the functions since it was taken last, in order."""

    records: list[tuple[str, bytes]] = field(default_factory=list)  # stream and data
    messages: list[dict[str, Any]] = field(default_factory=list)  # of queues
    entries: list[dict[str, Any]] = field(default_factory=list)  # of event buses
    requests: list[tuple[str, bytes]] = field(default_factory=list)  # asynchronous invocations: function and payload
    calls: list[tuple[str, bytes, bytes]] = field(default_factory=list)  # synchronous ones, with their answers


class Endpoint:
    """The server; `invoke` runs a function that is called synchronously, `api` answers requests to the API."""

    def __init__(self, invoke: Invoke, api: Api) -> None:
        self.sent = Sent()
        self._invoke, self._api = invoke, api
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()

    def close(self) -> None:
        """Stop listening."""
        self._server.shutdown()
        self._server.server_close()

    def answer(self, method: str, target: str, headers: dict[str, str], body: bytes) -> _Reply:
        """Answer one request to any of the services."""
        place = urlsplit(target)
        if place.path.startswith(_INVOCATIONS):
            return self._invocation(place.path, headers, body)
        if place.path.startswith(STAGE + "/"):
            path = unquote(place.path.removeprefix(STAGE))
            return self._api(method, path, dict(parse_qsl(place.query)), headers, body)
        answers = {"PutRecordBatch": self._records, "SendMessage": self._message, "PutEvents": self._entries}
        operation = headers.get("x-amz-target", "").rpartition(".")[2]
        content = json.dumps(answers[operation](json.loads(body))).encode()
        return 200, {"Content-Type": "application/x-amz-json-1.1"}, content

    def _invocation(self, path: str, headers: dict[str, str], body: bytes) -> _Reply:
        name = unquote(path.removeprefix(_INVOCATIONS).partition("/")[0])
        if headers.get("x-amz-invocation-type") == "Event":
            self.sent.requests.append((name, body))
            return 202, {}, b""
        answer = json.dumps(self._invoke(name, json.loads(body))).encode()
        self.sent.calls.append((name, body, answer))
        return 200, {"Content-Type": "application/json"}, answer

    def _records(self, request: dict[str, Any]) -> dict[str, Any]:
        records = [b64decode(record["Data"]) for record in request["Records"]]
        self.sent.records += [(request["DeliveryStreamName"], record) for record in records]
        return {"FailedPutCount": 0, "RequestResponses": [{"RecordId": "record"} for _ in records]}

    def _message(self, request: dict[str, Any]) -> dict[str, Any]:
        self.sent.messages.append(request)
        digest = md5(request["MessageBody"].encode(), usedforsecurity=False).hexdigest()
        return {"MD5OfMessageBody": digest, "MessageId": "message"}

    def _entries(self, request: dict[str, Any]) -> dict[str, Any]:
        self.sent.entries += request["Entries"]
        return {"FailedEntryCount": 0, "Entries": [{"EventId": "event"} for _ in request["Entries"]]}


type _Reply = tuple[int, dict[str, str], bytes]


def _handler(endpoint: Endpoint) -> type[BaseHTTPRequestHandler]:
    class Exchange(BaseHTTPRequestHandler):
        disable_nagle_algorithm = True  # else an answer in two parts waits 40 ms for the caller's acknowledgement
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            self._reply()

        def do_POST(self) -> None:
            self._reply()

        def _reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            headers = {name.lower(): value for name, value in self.headers.items()}
            status, answered, content = endpoint.answer(self.command, self.path, headers, body)
            self.send_response(status)
            for name, value in answered.items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: object) -> None:
            pass

    return Exchange
