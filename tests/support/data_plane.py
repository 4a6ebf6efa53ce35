"""A real S3 endpoint on loopback, a bundle, and the handler over them."""

from __future__ import annotations

import hashlib
import json
import warnings
from base64 import b64encode
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import orjson
import pytest

from modelloop import keys
from modelloop.aws.settings import settings
from modelloop.tables.encoding import Column, Encoding

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

BUCKET = "artifacts"
RUN = "0190c000-0000-7000-8000-00000000000{}"
ENCODING = Encoding([Column("mass", "number"), Column("island", "text", ("Biscoe", "Dream"))])
LINEAR: dict[str, Any] = {
    "format_version": 1,
    "classes": 2,
    "task": "classification",
    "slots": 2,
    "form": "linear",
    "link": "logit",
    "inclusive": False,
    "by_eights": True,
    "intercept": [0.0],
    "numbers": [0],
    "weights": [[1.0]],
    "missing": [[0.5]],
    "categories": [1],
    "tables": [[[-2.0, 2.0, 0.0, 0.0]]],
}


def make_bundle(**changes: Any) -> dict[str, Any]:
    """A logistic model: mass + (-2 for Biscoe, +2 for Dream); p(1) of mass 0 on an unseen island is 0.5."""
    return {
        "format_version": 1,
        "model": "penguins",
        "run_id": RUN.format(1),
        "task": "classification",
        "classes": ["Adelie", "Gentoo"],
        "threshold": None,
        "encoding": ENCODING.to_json(),
        "target": "species",
        "engine": "flat",
        "flat": LINEAR,
        "onnx": None,
        "golden": {
            "rows": [{"mass": 0.0, "island": "elsewhere"}],
            "outputs": [{"predict": "Adelie", "predict_proba": [0.5, 0.5]}],
        },
        "interval": None,
        "capture": {"percent": 100, "mask": []},
    } | changes


def regression_bundle(**changes: Any) -> dict[str, Any]:
    return make_bundle(
        task="regression",
        classes=None,
        flat=LINEAR | {"task": "regression", "classes": 0, "link": "identity"},
        golden={"rows": [{"mass": 1.5, "island": "Dream"}], "outputs": [{"predict": 3.5, "predict_proba": None}]},
        interval={"quantiles": {"0.9": 1.25}},
        **changes,
    )


def stumps_bundle() -> dict[str, Any]:
    """A tree of one test: 10 up to a mass of 2, else or without one 20."""
    trees = {
        "format_version": 1, "form": "trees", "task": "regression", "classes": 0, "slots": 2, "link": "identity",
        "inclusive": False, "by_eights": False, "base": [0.0], "divisor": 1.0, "values": None, "fill": None,
        "flags": [], "codes": {}, "feature": [0, -1, -1], "number": [2.0, 10.0, 20.0], "sizes": [2],
        "cover": [4.0, 4.0], "missing_left": [], "tests": [],
    }  # fmt: skip
    golden = {"rows": [{"mass": 1.5, "island": "Dream"}], "outputs": [{"predict": 10.0, "predict_proba": None}]}
    return regression_bundle() | {"flat": trees, "golden": golden}


@dataclass
class RecordingStream:
    """Stands for a delivery stream: keeps what it is given, fails when told to."""

    lines: list[dict[str, Any]] = field(default_factory=list)
    error: Exception | None = None

    def put(self, records: Sequence[bytes], *, deadline: float | None = None) -> None:
        del deadline
        if self.error is not None:
            raise self.error
        self.lines += [orjson.loads(line) for record in records for line in record.splitlines()]


class Store:
    """The artifacts bucket of the tests."""

    def __init__(self, client: Any, endpoint: str) -> None:
        self.client, self.endpoint = client, endpoint

    def put(self, key: str, body: bytes) -> None:
        self.client.put_object(Bucket=BUCKET, Key=key, Body=body)

    def version(self, number: int = 1, **changes: Any) -> dict[str, Any]:
        """Store a bundle and return its reference."""
        run_id = RUN.format(number)
        bundle = make_bundle(**({"run_id": run_id} | changes)) if "task" not in changes else changes
        return self.bundle(bundle | {"run_id": run_id}, number)

    def bundle(self, bundle: dict[str, Any], number: int) -> dict[str, Any]:
        body = json.dumps(bundle).encode()
        key = keys.version(bundle["model"], bundle["run_id"], keys.BUNDLE)
        self.put(key, body)
        digest = hashlib.sha256(body).hexdigest()
        return {"version": number, "run_id": bundle["run_id"], "file": key, "sha256": digest, "bytes": len(body)}

    def pointer(self, champion: dict[str, Any] | None, model: str = "penguins", **changes: Any) -> None:
        document = {"format_version": 1, "model": model, "revision": 1, "champion": champion} | changes
        self.put(keys.pointer(model), json.dumps(document).encode())

    def clear(self) -> None:
        for entry in self.client.list_objects_v2(Bucket=BUCKET).get("Contents", []):
            self.client.delete_object(Bucket=BUCKET, Key=entry["Key"])


@pytest.fixture(scope="session")
def endpoint() -> Iterator[str]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from moto.server import ThreadedMotoServer  # noqa: PLC0415  its import warns

    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="session")
def bucket(endpoint: str) -> Any:
    client = boto3.client(
        "s3",
        endpoint_url=endpoint,
        region_name="us-east-1",
        aws_access_key_id="id",
        aws_secret_access_key="secret",
    )
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def store(bucket: Any, endpoint: str) -> Iterator[Store]:
    store = Store(bucket, endpoint)
    yield store
    store.clear()


@pytest.fixture
def plane(store: Store, monkeypatch: pytest.MonkeyPatch) -> Iterator[Plane]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "id",
        "AWS_SECRET_ACCESS_KEY": "secret",
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": store.endpoint,
        "MODELLOOP_ARTIFACTS_BUCKET": BUCKET,
        "MODELLOOP_CAPTURE_STREAM": "captures",
        "MODELLOOP_FEEDBACK_STREAM": "feedback",
        "MODELLOOP_CAPTURE_MODE": "before",
        "MODELLOOP_POINTER_SOFT_SECONDS": "0",
        "MODELLOOP_POINTER_HARD_SECONDS": "0",
    }.items():
        monkeypatch.setenv(name, value)
    settings.cache_clear()
    plane = Plane()
    yield plane
    settings.cache_clear()
    plane.forget()


class Plane:
    """The handler as API Gateway calls it, with its streams recorded."""

    def __init__(self) -> None:
        from inference.handler import service  # noqa: PLC0415  reads the environment

        service.cache_clear()
        self.service = service()
        self.captures, self.labels = RecordingStream(), RecordingStream()
        self.service.outbox._stream = self.captures
        self.service.feedback = self.labels  # type: ignore[assignment]
        self.forget: Callable[[], None] = service.cache_clear

    def call(
        self,
        route: str,
        body: Any = None,
        *,
        headers: dict[str, str] | None = None,
        request_id: str = "request",
        encoded: bool = True,
        **parameters: str,
    ) -> SimpleNamespace:
        from inference.handler import handler  # noqa: PLC0415

        method, _, resource = route.partition(" ")
        raw = body if isinstance(body, bytes) else b"" if body is None else json.dumps(body).encode()
        answer = handler(
            {
                "resource": resource,
                "httpMethod": method,
                "headers": headers or {},
                "pathParameters": parameters or None,
                "requestContext": {"requestId": request_id},
                "body": b64encode(raw).decode() if encoded else raw.decode(),
                "isBase64Encoded": encoded,
            },
            None,
        )
        return SimpleNamespace(status=answer["statusCode"], headers=answer["headers"], raw=answer)

    def json(self, *args: Any, **kwargs: Any) -> tuple[int, Any]:
        answer = self.call(*args, **kwargs)
        assert answer.headers["Content-Type"] == "application/json"
        return answer.status, json.loads(answer.raw["body"])
