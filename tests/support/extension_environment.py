"""A Lambda environment with its extension, and the stream that it delivers to."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tests.support.lambda_service import LambdaService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.data_plane import Store

FUNCTIONS = Path(__file__).parents[2] / "functions"
EVENT = {
    "resource": "/models/{model}/invocations",
    "httpMethod": "POST",
    "pathParameters": {"model": "penguins"},
    "headers": {"Content-Type": "application/json"},
    "requestContext": {"requestId": "r"},
    "body": json.dumps({"instances": [[1.0, "Dream"]]}),
    "isBase64Encoded": False,
}


def make_stream(endpoint: str, name: str) -> None:
    import boto3  # noqa: PLC0415

    firehose = boto3.client("firehose", endpoint_url=endpoint, region_name="us-east-1")
    firehose.create_delivery_stream(
        DeliveryStreamName=name,
        S3DestinationConfiguration={
            "RoleARN": "arn:aws:iam::123456789012:role/firehose",
            "BucketARN": "arn:aws:s3:::artifacts",
            "Prefix": f"{name}/",
        },
    )


def delivered(store: Store, name: str) -> list[dict[str, Any]]:
    listed = store.client.list_objects_v2(Bucket="artifacts", Prefix=f"{name}/").get("Contents", [])
    bodies = [store.client.get_object(Bucket="artifacts", Key=entry["Key"])["Body"].read() for entry in listed]
    return [json.loads(line) for body in bodies for line in body.splitlines()]


# The runtime client as Lambda starts it. An ending environment has a minute here instead of a quarter of a second: what
# it does then is tested, and not how quick a busy machine is.
PROGRAM = """
import runpy, sys
from inference import extension
extension._LAST_SECONDS = 60.0
sys.argv = ["awslambdaric", "inference.handler.handler"]
runpy.run_module("awslambdaric", run_name="__main__", alter_sys=True)
"""


@contextmanager
def environment(service: LambdaService, **more: str) -> Iterator[subprocess.Popen[bytes]]:
    variables = os.environ | {
        "AWS_LAMBDA_RUNTIME_API": service.address,
        "AWS_LAMBDA_FUNCTION_NAME": "inference",
        "AWS_LAMBDA_FUNCTION_VERSION": "1",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
        "AWS_LAMBDA_LOG_GROUP_NAME": "group",
        "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
        "_HANDLER": "inference.handler.handler",
        "LAMBDA_TASK_ROOT": str(FUNCTIONS),
        "PYTHONPATH": str(FUNCTIONS),
        "MODELLOOP_CAPTURE_MODE": "extension",
        **more,
    }
    process = subprocess.Popen([sys.executable, "-c", PROGRAM], env=variables, stdout=subprocess.DEVNULL)
    try:
        yield process
    finally:
        process.kill()
        process.wait()
