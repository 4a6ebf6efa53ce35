"""A double of Lambda's own side: the Runtime API and the Extensions API over HTTP on loopback.

It keeps the service's rules that matter here: an extension registers before the runtime's first Next, each invocation
goes to both, and the environment is idle only when both have asked for the next one.
"""

from __future__ import annotations

import json
import threading
import time
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from queue import Queue
from typing import Any, Self
from uuid import uuid4

RUNTIME, EXTENSION = "/2018-06-01/runtime", "/2020-01-01/extension"


@dataclass
class Invocation:
    """One invocation; times are seconds of time.perf_counter, None until they have come."""

    event: Any
    timeout: float
    id: str = field(default_factory=lambda: str(uuid4()))
    sent: float = 0.0
    answered: float | None = None
    idle: float | None = None
    taken: set[str] = field(default_factory=set)
    returned: set[str] = field(default_factory=set)
    response: Any = None
    error: Any = None
    done: threading.Event = field(default_factory=threading.Event)
    quiet: threading.Event = field(default_factory=threading.Event)


class LambdaService:
    """Serves one environment."""

    def __init__(self) -> None:
        self.extensions: list[str] = []
        self.init_error: Any = None
        self.ready = threading.Event()
        self._to_runtime: Queue[Invocation | None] = Queue()
        self._to_extension: Queue[Invocation | None] = Queue()
        self._current: Invocation | None = None
        self._lock = threading.Lock()
        service = self

        class Handler(_Handler):
            owner = service

        self._server = _Server(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.address = f"127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._to_runtime.put(None)
        self._to_extension.put(None)
        self._server.shutdown()
        self._server.server_close()

    def invoke(self, event: Any, *, timeout: float = 60.0, wait_idle: bool = False) -> Invocation:
        """Invoke and wait for the answer, with `wait_idle` until the environment could be frozen."""
        invocation = Invocation(event, timeout)
        with self._lock:
            self._current = invocation
        invocation.sent = time.perf_counter()
        self._to_runtime.put(invocation)
        if not invocation.done.wait(timeout):
            raise TimeoutError(f"no answer; init error: {self.init_error}")
        if wait_idle and not invocation.quiet.wait(timeout):
            raise TimeoutError("the environment did not come to rest")
        return invocation

    def came_back(self, who: str) -> None:
        """Note that the runtime or the extension is done with what it had and asks for the next invocation."""
        with self._lock:
            current = self._current
            if current is None or who not in current.taken:
                return
            current.returned.add(who)
            if current.returned >= {"runtime", *self.extensions}:
                current.idle = time.perf_counter()
                current.quiet.set()

    def next_for(self, who: str) -> Invocation | None:
        """Block until there is an invocation."""
        self.came_back(who)
        invocation = (self._to_runtime if who == "runtime" else self._to_extension).get()
        if invocation is not None:
            invocation.taken.add(who)
            if who == "runtime" and self.extensions:
                self._to_extension.put(invocation)
        return invocation

    def finish(self, body: bytes, *, failed: bool) -> None:
        """Take an answer."""
        assert self._current is not None
        self._current.answered = time.perf_counter()
        if failed:
            self._current.error = json.loads(body)
        else:
            self._current.response = json.loads(body)
        self._current.done.set()


class _Server(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """Say nothing of environments that were killed."""


class _Handler(BaseHTTPRequestHandler):
    owner: LambdaService
    protocol_version = "HTTP/1.1"
    wbufsize = -1
    disable_nagle_algorithm = True

    def log_message(self, *_: object) -> None:
        """Stay quiet."""

    def _send(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        if self.path == f"{RUNTIME}/invocation/next":
            self.owner.ready.set()
            self._give("runtime")
        elif self.path == f"{EXTENSION}/event/next":
            self._give(self.headers["Lambda-Extension-Identifier"])
        else:
            self._send(404, b"{}")

    def _give(self, who: str) -> None:
        invocation = self.owner.next_for(who)
        if invocation is None:
            self.close_connection = True
            return
        deadline = int((time.time() + invocation.timeout) * 1000)
        if who != "runtime":
            body = {"eventType": "INVOKE", "deadlineMs": deadline, "requestId": invocation.id}
            self._send(200, json.dumps(body).encode())
            return
        headers = {
            "Lambda-Runtime-Aws-Request-Id": invocation.id,
            "Lambda-Runtime-Deadline-Ms": str(deadline),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:123456789012:function:test",
        }
        self._send(200, json.dumps(invocation.event).encode(), headers)

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if self.path == f"{EXTENSION}/register":
            self._register(body)
        elif self.path.startswith(f"{RUNTIME}/invocation/"):
            self.owner.finish(body, failed=self.path.endswith("/error"))
            self._send(202, b"{}")
        elif self.path == f"{RUNTIME}/init/error":
            self.owner.init_error = json.loads(body)
            self._send(202, b"{}")
        else:
            self._send(404, b"{}")

    def _register(self, body: bytes) -> None:
        events = json.loads(body)["events"]
        if self.owner.ready.is_set() or events != ["INVOKE"]:
            self._send(403, b'{"errorType":"Extension.NotAllowed"}')
            return
        identifier = str(uuid4())
        self.owner.extensions.append(identifier)
        self._send(200, b"{}", {"Lambda-Extension-Identifier": identifier})
