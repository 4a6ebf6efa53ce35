"""The stores: a table and three versioned buckets in moto, with version ids that follow from names."""

from __future__ import annotations

import logging
import warnings
from functools import cache
from hashlib import sha256
from typing import Any
from urllib.request import Request, urlopen

import boto3

from tests.comparison.environment import ARTIFACTS, CAPTURE, DATA, REGION, TABLE

KEYS = [("pk", "HASH"), ("sk", "RANGE")]


class Stores:
    """S3 and DynamoDB of one stand."""

    def __init__(self) -> None:
        self.url = _start_moto()
        self._uploads = 0

    @cache  # noqa: B019  there is one stand in a process
    def aws(self, service: str) -> Any:
        """Return a client of the stores."""
        client: Any = boto3.client  # the overloads are one a service
        return client(service, endpoint_url=self.url, region_name=REGION)

    def provision(self) -> None:
        """Make the table and the buckets."""
        self.aws("dynamodb").create_table(
            TableName=TABLE, BillingMode="PAY_PER_REQUEST",
            KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],
            AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
        )  # fmt: skip
        for bucket in (DATA, ARTIFACTS, CAPTURE):
            self.aws("s3").create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": REGION})
            self.aws("s3").put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})

    def put(self, bucket: str, seed: str, key: str, body: bytes, time: str) -> dict[str, Any]:
        """Store an object whose version id follows from a name; return its record in an event."""
        number = int.from_bytes(sha256(seed.encode()).digest()[:4])
        _post(f"{self.url}/moto-api/seed?a={number}")
        self._uploads += 1
        version = self.aws("s3").put_object(Bucket=bucket, Key=key, Body=body)["VersionId"]
        thing = {"key": key, "size": len(body), "versionId": version, "sequencer": f"{self._uploads:016X}"}
        return {
            "eventVersion": "2.1", "eventSource": "aws:s3", "awsRegion": REGION, "eventTime": time,
            "eventName": "ObjectCreated:Put", "s3": {"bucket": {"name": bucket}, "object": thing},
        }  # fmt: skip

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

    with urlopen(Request(url, method="POST"), timeout=10) as answer:
        answer.read()
