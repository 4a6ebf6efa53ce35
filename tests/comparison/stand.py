"""All functions of the template in one process, with stores and queues around them: every event is handed on by hand.

Only what keeps its name is touched: the handlers that the template names, the command line's entry point, and the
services' own protocols. Each invocation is a step with a name; time passes between steps and stands still within one.
"""

from __future__ import annotations

import gzip
import importlib
import io
import json
import logging
import os
import sys
import warnings
from base64 import b64decode, b64encode
from dataclasses import dataclass, field
from functools import cache
from hashlib import sha256
from importlib.metadata import entry_points
from typing import TYPE_CHECKING, Any

import boto3

from tests.comparison import routes
from tests.comparison.endpoint import STAGE, Endpoint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from pathlib import Path

    from tests.comparison.stillness import Stillness

REGION = "eu-central-1"
TABLE = "loop-table"
DATA, ARTIFACTS, CAPTURE = "loop-data", "loop-artifacts", "loop-capture"
STREAMS = {"captures": "captures", "feedback": "feedback"}  # prefix in the bucket, name of the stream
WHO = "arn:aws:iam::123456789012:user/tester"
SECONDS_A_STEP = 20.0  # longer than pointers are trusted without a look
KEYS = [("pk", "HASH"), ("sk", "RANGE")]

TRIGGER, TRAINER, REPLAY = "training_trigger.handler.handler", "trainer.handler.handler", "inference.replay.handler"
INFERENCE, CONTROL = "inference.handler.handler", "control.handler.handler"
AGGREGATION, VERDICTS = "metrics_aggregation.handler.handler", "metrics_aggregation.verdicts.handler"
NAMED = {"training-trigger": TRIGGER, "replay": REPLAY}
MEMORY_MB = {TRIGGER: 3008, TRAINER: 3008, AGGREGATION: 2048, REPLAY: 1769}

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "000000000000",
    "AWS_SECRET_ACCESS_KEY": "000000000000",
    "AWS_REGION": REGION,
    "AWS_DEFAULT_REGION": REGION,
    "AWS_XRAY_SDK_ENABLED": "false",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "3008",
    "POWERTOOLS_METRICS_NAMESPACE": "Modelloop",
    "POWERTOOLS_TRACE_DISABLED": "true",
    "MODELLOOP_TABLE": TABLE,
    "MODELLOOP_DATA_BUCKET": DATA,
    "MODELLOOP_ARTIFACTS_BUCKET": ARTIFACTS,
    "MODELLOOP_CAPTURE_BUCKET": CAPTURE,
    "MODELLOOP_RUNS_QUEUE_URL": f"https://sqs.{REGION}.amazonaws.com/000000000000/runs.fifo",
    "MODELLOOP_CAPTURE_STREAM": STREAMS["captures"],
    "MODELLOOP_FEEDBACK_STREAM": STREAMS["feedback"],
    "MODELLOOP_REPLAY_FUNCTION": "replay",
    "MODELLOOP_TRIGGER_FUNCTION": "training-trigger",
    "MODELLOOP_EVENT_BUS": "loop",
    "MODELLOOP_CAPTURE_MODE": "before",
    "MODELLOOP_CAPTURE_LINGER": "0",
    "MODELLOOP_POINTER_SOFT_SECONDS": "15",
    "MODELLOOP_POINTER_HARD_SECONDS": "60",
    "MODELLOOP_LABEL_DELAY_HOURS": "24",
    "MODELLOOP_INFERENCE_MEMORY": "1024",
    "MODELLOOP_GB_SECOND_PRICE": "0.0000166667",
    "MODELLOOP_MILLION_REQUESTS_PRICE": "3.70",
    "MODELLOOP_TRAINER_MEMORY": "3008",
    "MODELLOOP_TRAINER_STORAGE": "4096",
}  # what the template gives, the embedded stack's way of capturing, and names that every machine has alike


@dataclass(frozen=True, slots=True)
class Context:
    """As much of the Lambda context as functions read."""

    function_name: str
    memory_limit_in_mb: int
    aws_request_id: str = "invocation"
    invoked_function_arn: str = f"arn:aws:lambda:{REGION}:123456789012:function:loop"

    def get_remaining_time_in_millis(self) -> int:
        return 900_000


@dataclass(frozen=True, slots=True)
class Answer:
    """What the API answered: `body` as it travels after API Gateway decoded it."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)

    @property
    def prediction_id(self) -> str:
        return self.headers["x-modelloop-prediction-id"]


@dataclass
class Journal:
    """What was seen from outside, step by step: each name is a kind of what is recorded."""

    answers: dict[str, Answer] = field(default_factory=dict)
    captures: dict[str, list[bytes]] = field(default_factory=dict)
    sent: dict[str, Any] = field(default_factory=dict)
    results: dict[str, Any] = field(default_factory=dict)
    metrics: dict[str, list[dict[str, Any]]] = field(default_factory=dict)
    calls: list[tuple[str, bytes, bytes]] = field(default_factory=list)
    requests: list[tuple[str, bytes]] = field(default_factory=list)
    messages: dict[str, list[str]] = field(default_factory=dict)


class Stand:
    """The stack. Make one in a process of its own: the environment and the clocks of that process are its."""

    def __init__(self, stillness: Stillness, folder: Path) -> None:
        self.still, self.folder, self.journal = stillness, folder, Journal()
        self._output = io.StringIO()
        self._undelivered: dict[str, list[bytes]] = {stream: [] for stream in STREAMS.values()}
        self._uploads = 0
        self._moto = _start_moto()
        self.endpoint = Endpoint(self._call, self._serve)
        os.environ.update(ENVIRONMENT | self._addresses())
        os.environ["MODELLOOP_STACK_FILE"] = str(self._describe())
        stillness.install()
        sys.stdout = self._output
        self._provision()

    def _addresses(self) -> dict[str, str]:
        services = ("LAMBDA", "FIREHOSE", "SQS", "EVENTBRIDGE")
        return {"AWS_ENDPOINT_URL": self._moto} | {f"AWS_ENDPOINT_URL_{name}": self.endpoint.url for name in services}

    def _describe(self) -> Path:
        """Write the stack's description for the command line."""
        file = self.folder / "stack.json"
        file.write_text(
            json.dumps({
                "stack_name": "loop", "region": REGION, "api_url": self.endpoint.url + STAGE, "api_key": "key",
                "data_bucket": DATA, "artifacts_bucket": ARTIFACTS, "capture_bucket": CAPTURE, "table": TABLE,
                "endpoint_url": self._moto,
            })
        )  # fmt: skip
        return file

    @cache  # noqa: B019  there is one stand in a process
    def aws(self, service: str) -> Any:
        """Return a client of the stores."""
        client: Any = boto3.client  # the overloads are one a service
        return client(service, endpoint_url=self._moto, region_name=REGION)

    def _provision(self) -> None:
        self.aws("dynamodb").create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
        )  # fmt: skip
        for bucket in (DATA, ARTIFACTS, CAPTURE):
            self.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

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
        return self._put(DATA, name, key, body)

    def _put(self, bucket: str, seed: str, key: str, body: bytes) -> dict[str, Any]:
        """Store an object whose version id follows from a name; return its record in an event."""
        number = int.from_bytes(sha256(seed.encode()).digest()[:4])
        _post(f"{self._moto}/moto-api/seed?a={number}")
        self._uploads += 1
        version = self.aws("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        thing = {"key": key, "size": len(body), "versionId": version, "sequencer": f"{self._uploads:016X}"}
        return {
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventTime": self.now(),
            "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": thing},
        }  # fmt: skip

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
            record = _sqs_record(message)
            result = self.step(f"{name}/training", lambda event=record: self._invoke(TRAINER, {"Records": [event]}))
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
        **query: str,
    ) -> Answer:
        """Send one request to the API, and keep the answer under the step's name."""
        status, answered, content = self.step(
            name, lambda: self._route(method, path, query, headers or {}, body, request_id=name)
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
            record = self._put(CAPTURE, name, key, gzip.compress(lines, mtime=0))
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
                assert not end.code, f"modelloop {' '.join(words)}: {self._printed()}"
            finally:
                sys.argv = before
            return "".join(line for line in self._printed().splitlines(True) if not line.startswith('{"level"'))

        printed: str = self.step(name, work)
        self.journal.results[f"{name}/printed"] = json.loads(printed)
        return printed

    # What is stored

    def items(self) -> list[dict[str, Any]]:
        """Return every item of the table, typed as DynamoDB does."""
        pages = self.aws("dynamodb").get_paginator("scan").paginate(TableName=TABLE, ConsistentRead=True)
        return [item for page in pages for item in page["Items"]]

    def versions(self, bucket: str) -> dict[str, list[bytes]]:
        """Return what every key ever held that was not purged, oldest first; writes of the same bytes count once."""
        stored: dict[str, list[bytes]] = {}
        for page in self.aws("s3").get_paginator("list_object_versions").paginate(Bucket=bucket):
            for version in reversed(page.get("Versions", ())):
                key = version["Key"]
                body = self.aws("s3").get_object(Bucket=bucket, Key=key, VersionId=version["VersionId"])["Body"].read()
                bodies = stored.setdefault(key, [])
                if not bodies or bodies[-1] != body:
                    bodies.append(body)
        return stored

    def read(self, bucket: str, key: str) -> bytes:
        """Return an object."""
        body: bytes = self.aws("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
        return body


def _start_moto() -> str:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import ThreadedMotoServer  # noqa: PLC0415  its import warns

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}"


def _post(url: str) -> None:
    from urllib.request import Request, urlopen  # noqa: PLC0415

    with urlopen(Request(url, method="POST"), timeout=10) as answer:
        answer.read()


def _rest(message: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in message.items() if name not in {"MessageBody", "QueueUrl"}}


def _sqs_record(body: str) -> dict[str, Any]:
    return {
        "messageId": "message", "receiptHandle": "receipt", "body": body, "attributes": {}, "messageAttributes": {},
        "md5OfBody": "", "eventSource": "aws:sqs", "eventSourceARN": f"arn:aws:sqs:{REGION}:123456789012:queue",
        "awsRegion": REGION,
    }  # fmt: skip


def rows_of(lines: Sequence[bytes]) -> list[dict[str, Any]]:
    """Return JSON lines as documents."""
    return [json.loads(line) for line in lines]
