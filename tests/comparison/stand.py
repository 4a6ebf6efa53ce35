"""All functions of the template in one process, with stores and queues around them: every event is handed on by hand.

Only what keeps its name is touched: the handlers that the template names, the command line's entry point, and the
services' own protocols. Each invocation is a step with a name; time passes between steps and stands still within one.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import os
import sys
from base64 import b64decode, b64encode
from functools import partial
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

from tests.comparison import routes
from tests.comparison.endpoint import STAGE, Endpoint
from tests.comparison.environment import (
    AGGREGATION,
    ARTIFACTS,
    CAPTURE,
    DATA,
    ENVIRONMENT,
    MEMORY_MB,
    NAMED,
    REGION,
    SECONDS_A_STEP,
    STREAMS,
    TABLE,
    TRAINER,
    TRIGGER,
    VERDICTS,
    WHO,
    Answer,
    Context,
    Journal,
)
from tests.comparison.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from tests.comparison.stillness import Stillness


class Stand:
    """The stack. Make one in a process of its own: the environment and the clocks of that process are its."""

    def __init__(self, stillness: Stillness, folder: Path) -> None:
        self.still, self.folder, self.journal = stillness, folder, Journal()
        self._output = io.StringIO()
        self._undelivered: dict[str, list[bytes]] = {stream: [] for stream in STREAMS.values()}
        self.stores = Stores()
        self.endpoint = Endpoint(self._call, self._serve)
        os.environ.update(ENVIRONMENT | self._addresses())
        os.environ["MODELLOOP_STACK_FILE"] = str(self._describe())
        stillness.install()
        sys.stdout = self._output
        self.stores.provision()

    def _addresses(self) -> dict[str, str]:
        services = ("LAMBDA", "FIREHOSE", "SQS", "EVENTBRIDGE")
        return {"AWS_ENDPOINT_URL": self.stores.url} | {
            f"AWS_ENDPOINT_URL_{name}": self.endpoint.url for name in services
        }

    def _describe(self) -> Path:
        """Write the stack's description for the command line."""
        file = self.folder / "stack.json"
        file.write_text(
            json.dumps({
                "stack_name": "loop", "region": REGION, "api_url": self.endpoint.url + STAGE, "api_key": "key",
                "data_bucket": DATA, "artifacts_bucket": ARTIFACTS, "capture_bucket": CAPTURE, "table": TABLE,
                "endpoint_url": self.stores.url,
            })
        )  # fmt: skip
        return file

    # Steps

    def step(self, name: str, work: Callable[[], Any]) -> Any:
        """Do one thing at one moment, and keep what left the functions meanwhile."""
        assert name not in self.journal.results, f"two steps are named {name}"
        self.still.pass_seconds(SECONDS_A_STEP)
        self.still.sow(name)
        self.journal.results[name] = None
        try:
            return work()
        finally:
            self._keep(name)

    def wait(self, *, minutes: float = 0, hours: float = 0) -> None:
        """Let time pass."""
        self.still.pass_seconds(60 * minutes + 3_600 * hours)

    def _keep(self, name: str) -> None:
        sent = self.endpoint.sent
        for stream, record in sent.records:
            self._undelivered[stream].append(record)
            self.journal.captures.setdefault(name, []).extend(record.splitlines())
        left = {
            "messages": [{"body": json.loads(one["MessageBody"]), **_rest(one)} for one in sent.messages],
            "events": [{**one, "Detail": json.loads(one["Detail"])} for one in sent.entries],
            "requests": [[function, json.loads(payload)] for function, payload in sent.requests],
            "calls": [[function, json.loads(asked), json.loads(said)] for function, asked, said in sent.calls],
        }
        if sent.messages:
            self.journal.messages[name] = [one["MessageBody"] for one in sent.messages]
        if any(left.values()):
            self.journal.sent[name] = {kind: entries for kind, entries in left.items() if entries}
        self.journal.calls += sent.calls
        self.journal.requests += sent.requests
        sent.records, sent.messages, sent.entries, sent.requests, sent.calls = [], [], [], [], []
        self._keep_metrics(name)

    def _keep_metrics(self, name: str) -> None:
        lines = self._printed().splitlines()
        entries = [json.loads(line) for line in lines if line.startswith("{") and '"_aws"' in line]
        if entries:
            self.journal.metrics[name] = entries

    def _printed(self) -> str:
        text = self._output.getvalue()
        self._output.seek(0)
        self._output.truncate()
        return text

    def _invoke(self, handler: str, event: Any) -> Any:
        module, _, name = handler.rpartition(".")
        function = getattr(importlib.import_module(module), name)
        return function(event, Context(handler.partition(".")[0], MEMORY_MB.get(handler, 1024)))

    def _call(self, function: str, event: Any) -> Any:
        return self._invoke(NAMED[function], event)

    # Uploads and training

    def put(self, name: str, key: str, body: bytes) -> dict[str, Any]:
        """Store an upload and return the record of S3's event."""
        return self.stores.put(DATA, name, key, body, self.now())

    def now(self) -> str:
        """Return this moment as S3 writes it."""
        seconds, millis = divmod(self.still.now_ms, 1_000)
        import time  # noqa: PLC0415  its clocks are replaced; this only formats

        return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{millis:03d}Z"

    def upload(self, name: str, key: str, body: bytes) -> Any:
        """Upload a file, run intake on its event, and train what it queued; return intake's result."""

        def work() -> Any:
            return self._invoke(TRIGGER, {"Records": [self.put(name, key, body)]})

        result = self.journal.results[f"{name}/intake"] = self.step(name, work)
        self.train(name)
        return result

    def request(self, name: str, payload: bytes) -> Any:
        """Hand an asynchronous request to the training trigger, and train what it queued."""
        result = self.step(name, lambda: self._invoke(TRIGGER, json.loads(payload)))
        self.journal.results[f"{name}/intake"] = result
        self.train(name)
        return result

    def train(self, name: str) -> None:
        """Deliver the runs that a step queued to the trainer."""
        for message in self.journal.messages.get(name, ()):
            event = {"Records": [_sqs_record(message)]}
            result = self.step(f"{name}/training", partial(self._invoke, TRAINER, event))
            self.journal.results[f"{name}/training"] = result

    # The API

    def ask(
        self,
        name: str,
        method: str,
        path: str,
        body: bytes = b"",
        *,
        headers: dict[str, str] | None = None,
        query: dict[str, str] | None = None,
    ) -> Answer:
        """Send one request to the API, and keep the answer under the step's name."""
        status, answered, content = self.step(
            name, lambda: self._route(method, path, query or {}, headers or {}, body, request_id=name)
        )
        answer = self.journal.answers[name] = Answer(status, answered, content)
        return answer

    def act(self, name: str, path: str, **document: Any) -> Answer:
        """Send a document to the control plane."""
        return self.ask(name, "POST", path, json.dumps(document).encode(), headers={"content-type": "application/json"})

    def _serve(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes
    ) -> tuple[int, dict[str, str], bytes]:
        return self._route(method, path, query, headers, body, request_id="command-line")

    def _route(
        self, method: str, path: str, query: dict[str, str], headers: dict[str, str], body: bytes, *, request_id: str
    ) -> tuple[int, dict[str, str], bytes]:
        match = routes.find(method, path)
        if match is None:
            return 403, {}, b'{"message":"Missing Authentication Token"}'
        route, parameters = match
        answer = self._invoke(route.handler, {
            "resource": route.path, "path": path, "httpMethod": method, "headers": headers,
            "queryStringParameters": query or None, "pathParameters": parameters or None,
            "requestContext": {"requestId": request_id, "identity": {"userArn": WHO}},
            "body": b64encode(body).decode() if body else None, "isBase64Encoded": bool(body),
        })  # fmt: skip
        text: str = answer["body"]
        content = b64decode(text) if answer.get("isBase64Encoded") else text.encode()
        return answer["statusCode"], answer["headers"], content

    # Captures and verdicts

    def deliver(self, name: str, change: Callable[[dict[str, Any]], dict[str, Any]] | None = None) -> None:
        """Put what waits in the streams into the capture bucket and aggregate it; `change` rewrites each record."""
        for prefix, stream in STREAMS.items():
            records, self._undelivered[stream] = self._undelivered[stream], []
            if not records:
                continue
            lines = [line for record in records for line in record.splitlines()]
            if change is not None:
                lines = [json.dumps(change(json.loads(line)), separators=(",", ":")).encode() for line in lines]
            self.drop(f"{name}/{prefix}", prefix, b"".join(line + b"\n" for line in lines))

    def drop(self, name: str, prefix: str, lines: bytes) -> Any:
        """Store an object of captures as the stream does, and aggregate it."""

        def work() -> Any:
            key = f"{prefix}/{self.now()[:13].replace('-', '/').replace('T', '/')}/{name.replace('/', '-')}.gz"
            record = self.stores.put(CAPTURE, name, key, gzip.compress(lines, mtime=0), self.now())
            return self._invoke(AGGREGATION, {"Records": [_sqs_record(json.dumps({"Records": [record]}))]})

        result = self.journal.results[f"{name}/aggregation"] = self.step(name, work)
        return result

    def tick(self, name: str, model: str | None = None) -> Any:
        """Let the schedule's function look once."""
        event = {} if model is None else {"model": model}
        result = self.step(name, lambda: self._invoke(VERDICTS, event))
        self.journal.results[f"{name}/verdict"] = result
        return result

    # The command line

    def run(self, name: str, *words: str) -> str:
        """Run the command line as its entry point does; return what it printed."""
        (command,) = entry_points(group="console_scripts", name="modelloop")

        def work() -> str:
            before, sys.argv = sys.argv, ["modelloop", *words]
            try:
                command.load()()
            except SystemExit as end:
                if end.code:
                    raise RuntimeError(f"modelloop {' '.join(words)}: {self._printed()}") from end
            finally:
                sys.argv = before
            return "".join(line for line in self._printed().splitlines(True) if not line.startswith('{"level"'))

        printed: str = self.step(name, work)
        self.journal.results[f"{name}/printed"] = json.loads(printed)
        return printed


def _rest(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in {"MessageBody", "QueueUrl"}}


def _sqs_record(body: str) -> dict[str, Any]:
    return {
        "messageId": "message", "receiptHandle": "receipt", "body": body, "attributes": {}, "messageAttributes": {},
        "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:queue",
        "awsRegion": REGION,
    }  # fmt: skip
