from __future__ import annotations

import logging
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from moto import mock_aws

from metrics_aggregation import handler, verdicts
from modelloop.aws import clients
from modelloop.aws.registry import manifests
from modelloop.aws.settings import settings
from tests.support.capture_world import World, manifest

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = [("pk", "HASH"), ("sk", "RANGE")]
ENVIRONMENT = {
    "AWS_REGION": "eu-central-1",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "MODELLOOP_TABLE": "table",
    "MODELLOOP_ARTIFACTS_BUCKET": "artifacts",
    "MODELLOOP_CAPTURE_BUCKET": "capture",
    "MODELLOOP_LABEL_DELAY_HOURS": "0",
    "MODELLOOP_EVENT_BUS": "bus",
    "MODELLOOP_TRIGGER_FUNCTION": "trigger",
    "POWERTOOLS_METRICS_NAMESPACE": "Modelloop",
    "POWERTOOLS_SERVICE_NAME": "test",
}


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    """Buckets and a table, with one model published."""
    for name, value in ENVIRONMENT.items():
        monkeypatch.setenv(name, value)
    forget()
    with mock_aws():
        provision()
        built = World()
        built.publish(manifest())
        yield built
    forget()


@pytest.fixture
def context() -> Any:
    return SimpleNamespace(
        function_name="f", memory_limit_in_mb=1024, invoked_function_arn="arn:f", aws_request_id="r",
        get_remaining_time_in_millis=lambda: 60_000,
    )  # fmt: skip


def forget() -> None:
    """Drop everything that a process remembers between invocations."""
    clients.client.cache_clear()
    settings.cache_clear()
    manifests.read.cache_clear()
    manifests.read.cache_clear()
    handler._lookup.cache_clear()
    handler._artifacts.cache_clear()
    verdicts._services.cache_clear()
    logging.getLogger("test").handlers.clear()


def provision() -> None:
    boto3.client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("events").create_event_bus(Name="bus")
    s3 = boto3.client("s3")
    for bucket in ("artifacts", "capture"):
        s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
