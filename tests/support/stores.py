"""The stores that functions use, in process: one table, three versioned buckets."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import requests  # type: ignore[import-untyped]  # the client that moto listens to
from moto import mock_aws

from modelloop.aws import clients
from modelloop.aws.registry.registry import Registry
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from modelloop.aws.stores import Stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

REGION = "eu-central-1"
KEYS = [("pk", "HASH"), ("sk", "RANGE")]
ARTIFACTS = Bucket("artifacts")
BUCKETS = {"data": "DATA_BUCKET", "artifacts": "ARTIFACTS_BUCKET", "capture": "CAPTURE_BUCKET"}


@contextmanager
def simulated_services() -> Iterator[None]:
    """Answer AWS calls in process; enter once a module, because building clients takes long."""
    with mock_aws():
        clients.client.cache_clear()
        yield
    clients.client.cache_clear()


@contextmanager
def stores(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """Inside simulated_services, yield the registry of an empty table, beside three empty, versioned buckets."""
    variables = {"MODELLOOP_TABLE": "table", "AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION}
    variables |= {f"MODELLOOP_{variable}": bucket for bucket, variable in BUCKETS.items()}
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    settings.cache_clear()
    requests.post("http://motoapi.amazonaws.com/moto-api/reset", timeout=5)
    _provision()
    yield Registry("table")
    settings.cache_clear()


def stores_of(registry: Registry) -> Stores:
    """Return a table and the bucket of versions that stands beside it."""
    return Stores(registry, ARTIFACTS)


def _provision() -> None:
    table: dict[str, Any] = {
        "KeySchema": [{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
        "AttributeDefinitions": [{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
    }
    clients.client("dynamodb").create_table(TableName="table", BillingMode="PAY_PER_REQUEST", **table)
    s3 = clients.client("s3")
    for bucket in BUCKETS:
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
