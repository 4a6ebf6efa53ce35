"""An S3 and Firehose endpoint in a process of its own, so that its work is not measured as ours."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import boto3

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.serving.models import Contender

BUCKET = "bench"
REGION = "us-east-1"
MODEL_KEY = "model.joblib"
_PROGRAM = """
import logging, signal, sys, threading, warnings
warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)
from moto.server import ThreadedMotoServer
server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
threading.Event().wait()
"""
CREDENTIALS = {"AWS_ACCESS_KEY_ID": "id", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_REGION": REGION}


@contextmanager
def endpoint() -> Iterator[str]:
    """Yield the address of a running endpoint."""
    process = subprocess.Popen(
        [sys.executable, "-c", _PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.send_signal(signal.SIGKILL)
        process.wait()
        if process.stdout:
            process.stdout.close()


def fill(address: str, contender: Contender, pickled: bytes) -> dict[str, str]:
    """Store both forms of a model and return the environment that both handlers need."""
    os.environ.update(CREDENTIALS)
    s3 = boto3.client("s3", endpoint_url=address, region_name=REGION)
    if BUCKET not in {bucket["Name"] for bucket in s3.list_buckets()["Buckets"]}:
        s3.create_bucket(Bucket=BUCKET)
        _streams(address)
    reference = contender.reference()
    s3.put_object(Bucket=BUCKET, Key=reference["file"], Body=contender.bundle)
    s3.put_object(Bucket=BUCKET, Key="serving/bench.json", Body=contender.pointer())
    s3.put_object(Bucket=BUCKET, Key=MODEL_KEY, Body=pickled)
    return CREDENTIALS | {
        "AWS_DEFAULT_REGION": REGION,
        "AWS_ENDPOINT_URL": address,
        "MODEL_BUCKET": BUCKET,
        "MODEL_KEY": MODEL_KEY,
        "MODELLOOP_ARTIFACTS_BUCKET": BUCKET,
        "MODELLOOP_CAPTURE_STREAM": "captures",
    }


def _streams(address: str) -> None:
    firehose = boto3.client("firehose", endpoint_url=address, region_name=REGION)
    destination = {"RoleARN": "arn:aws:iam::123456789012:role/firehose", "BucketARN": f"arn:aws:s3:::{BUCKET}"}
    where = json.loads(json.dumps(destination | {"Prefix": "captures/"}))
    firehose.create_delivery_stream(DeliveryStreamName="captures", S3DestinationConfiguration=where)
