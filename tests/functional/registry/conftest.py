from __future__ import annotations

from typing import TYPE_CHECKING

import boto3
import pytest
from moto import mock_aws

from modelloop.aws import clients
from modelloop.aws.registry import Registry
from modelloop.settings import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

KEYS = [("pk", "HASH"), ("sk", "RANGE")]


@pytest.fixture
def registry(monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:
    """An empty table and an empty, versioned artifacts bucket."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("MODELLOOP_TABLE", "table")
    monkeypatch.setenv("MODELLOOP_ARTIFACTS_BUCKET", "artifacts")
    with mock_aws():
        clients.reset()
        settings.cache_clear()
        _provision()
        yield Registry("table")
    clients.reset()
    settings.cache_clear()


def _provision() -> None:
    boto3.client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    s3 = boto3.client("s3")
    s3.create_bucket(Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"})
    s3.put_bucket_versioning(Bucket="artifacts", VersioningConfiguration={"Status": "Enabled"})
