from __future__ import annotations

import io
import json
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from urllib.parse import quote_plus

import boto3
import numpy as np
from moto import mock_aws

from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.registry.registry import Registry
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from training_trigger.handler import handler
from training_trigger.services import Trainer

if TYPE_CHECKING:
    from collections.abc import Iterator

    import pytest

    from modelloop.versions.run import Run

DEPLOYED = Trainer(memory_mb=3_008, storage_mb=4_096)
DATA, ARTIFACTS, TABLE = "test-data", "test-artifacts", "test-table"


class Context:
    function_name = "training-trigger"
    memory_limit_in_mb = 2048
    invoked_function_arn = "arn:aws:lambda:eu-west-1:123456789012:function:training-trigger"
    aws_request_id = "request-1"


@dataclass
class Stage:
    """The buckets, table and queue that intake works on, and a way to upload and deliver."""

    queue_url: str
    registry: Registry
    sequence: int = 0
    context: Context = field(default_factory=Context)

    def event(self, key: str, body: bytes, **changes: Any) -> dict[str, Any]:
        answer = clients.client("s3").put_object(Bucket=DATA, Key=key, Body=body)
        self.sequence += 1
        stored = {
            "key": quote_plus(key, safe="/"),
            "size": len(body),
            "eTag": answer["ETag"].strip('"'),
            "versionId": answer["VersionId"],
            "sequencer": f"{self.sequence:016X}",
        }
        return {
            "Records": [
                {
                    "eventSource": "aws:s3",
                    "eventName": "ObjectCreated:Put",
                    "eventTime": f"2026-11-23T10:00:{self.sequence % 60:02d}.000Z",
                    "s3": {"bucket": {"name": DATA}, "object": stored | changes},
                }
            ]
        }

    def deliver(self, event: dict[str, Any]) -> list[dict[str, Any]]:
        return handler(event, self.context)["outcomes"]  # type: ignore[no-any-return]

    def upload(self, file: str, body: bytes | str, model: str = "m") -> Run:
        """Upload a table, deliver its event, and return the run that came of it."""
        raw = body if isinstance(body, bytes) else body.encode()
        (outcome,) = self.deliver(self.event(keys.dataset(model, file), raw))
        return self.registry.get_run(model, outcome["run_id"])

    def spec(self, text: str, model: str = "m") -> None:
        clients.client("s3").put_object(Bucket=DATA, Key=keys.spec(model), Body=text.encode())

    def messages(self) -> list[dict[str, Any]]:
        sqs = clients.client("sqs")
        found: list[dict[str, Any]] = []
        while True:
            batch = sqs.receive_message(QueueUrl=self.queue_url, MaxNumberOfMessages=10).get("Messages", [])
            if not batch:
                return found
            for message in batch:
                found.append(json.loads(message["Body"]))
                sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])

    def wipe(self) -> None:
        """Empty the buckets, the table and the queue; the clients stay, because making them is what takes long."""
        s3, dynamodb = clients.client("s3"), clients.client("dynamodb")
        for bucket in (DATA, ARTIFACTS):
            listed = s3.list_object_versions(Bucket=bucket)
            for item in [*listed.get("Versions", []), *listed.get("DeleteMarkers", [])]:
                s3.delete_object(Bucket=bucket, Key=item["Key"], VersionId=item["VersionId"])
        for item in dynamodb.scan(TableName=TABLE)["Items"]:
            dynamodb.delete_item(TableName=TABLE, Key={"pk": item["pk"], "sk": item["sk"]})
        self.messages()

    def table(self, run: Run) -> dict[str, Any]:
        return json.loads(Bucket(ARTIFACTS).get(keys.prepared(run.model, run.run_id, "table.json")))  # type: ignore[no-any-return]

    def array(self, run: Run, name: str) -> Any:
        return np.load(io.BytesIO(Bucket(ARTIFACTS).get(keys.prepared(run.model, run.run_id, name))))


@contextmanager
def provisioned(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-west-1")
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "testing")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
    monkeypatch.setenv("MODELLOOP_TABLE", TABLE)
    monkeypatch.setenv("MODELLOOP_DATA_BUCKET", DATA)
    monkeypatch.setenv("MODELLOOP_ARTIFACTS_BUCKET", ARTIFACTS)
    monkeypatch.delenv("AWS_ENDPOINT_URL", raising=False)
    with mock_aws():
        clients.client.cache_clear()
        s3 = boto3.client("s3")
        for bucket in (DATA, ARTIFACTS):
            s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
            s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
        boto3.client("dynamodb").create_table(
            TableName=TABLE,
            BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
            AttributeDefinitions=[
                {"AttributeName": "pk", "AttributeType": "S"},
                {"AttributeName": "sk", "AttributeType": "S"},
            ],
        )
        url = boto3.client("sqs").create_queue(
            QueueName="runs.fifo", Attributes={"FifoQueue": "true", "ContentBasedDeduplication": "false"}
        )["QueueUrl"]
        monkeypatch.setenv("MODELLOOP_RUNS_QUEUE_URL", url)
        settings.cache_clear()
        yield Stage(url, Registry(TABLE))
        clients.client.cache_clear()
        settings.cache_clear()
