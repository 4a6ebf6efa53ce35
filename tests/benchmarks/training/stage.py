"""Buckets, table, queue and replay in other processes, and the two functions run on them for their figures."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3

from modelloop_stack.build.paths import ROOT
from tests.benchmarks.serving.endpoint import CREDENTIALS, REGION, endpoint

if TYPE_CHECKING:
    from collections.abc import Iterator

HERE = Path(__file__).parent
DATA, ARTIFACTS, TABLE = "bench-data", "bench-artifacts", "bench-table"
INTAKE_MEMORY, TRAINER_MEMORY = 3_008, 10_240


@dataclass(frozen=True, slots=True)
class Spent:
    """What one process took: seconds by the clock and of processors, peak MB of memory and disk, and its answer.

    `whole` are the seconds from the start of Python to its end.
    """

    wall: float
    cpu: float
    peak_mb: float
    disk_mb: float
    answer: Any
    whole: float


class Stage:
    """Everything around the two functions."""

    def __init__(self, variables: dict[str, str]) -> None:
        self.variables = variables
        self.turn = 0

    def client(self, service: str) -> Any:
        """Return a client of the stage's own endpoint."""
        client: Any = boto3.client  # the overloads are one a service
        return client(
            service, endpoint_url=self.variables["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id="id", aws_secret_access_key="secret",
        )  # fmt: skip

    def take_in(self, table: Path, model: str) -> Spent:
        """Upload a table and run intake on its event."""
        key, self.turn = f"datasets/{model}/{table.name}", self.turn + 1
        s3 = self.client("s3")
        s3.put_object(Bucket=DATA, Key=f"datasets/{model}/model.yaml", Body=b"target: target\n")
        with table.open("rb") as body:
            version = s3.put_object(Bucket=DATA, Key=key, Body=body)["VersionId"]
        thing = {"key": key, "size": table.stat().st_size, "versionId": version, "sequencer": f"{self.turn:016X}"}
        record = {
            "eventSource": "aws:s3", "eventName": "ObjectCreated:Put",
            "eventTime": f"2026-01-01T00:{self.turn:02d}:00.000Z",
            "s3": {"bucket": {"name": DATA}, "object": thing},
        }  # fmt: skip
        with tempfile.NamedTemporaryFile("w", suffix=".json") as event:
            event.write(json.dumps({"Records": [record]}))
            event.flush()
            return self.run("intake", event.name, memory=INTAKE_MEMORY)

    def train(self, outcome: dict[str, Any]) -> Spent:
        """Run the trainer on a queued run."""
        message = {"format_version": 1, "model": outcome["model"], "run_id": outcome["run_id"]}
        return self.run("trainer", json.dumps(message), memory=TRAINER_MEMORY)

    def run(self, what: str, *arguments: str, memory: int) -> Spent:
        """Do one kind of work in a process of its own, with a scratch folder of its own."""
        with tempfile.TemporaryDirectory() as scratch:
            own = {"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": str(memory), "TMPDIR": scratch}
            started = time.perf_counter()
            done = subprocess.run(
                [sys.executable, str(HERE / "worker.py"), what, *arguments],
                env={**os.environ, **self.variables, **own}, capture_output=True, text=True, check=False,
            )  # fmt: skip
        if done.returncode:
            raise RuntimeError(f"{what} failed: {done.stderr[-3000:]}")
        return Spent(**json.loads(done.stderr.strip().splitlines()[-1]), whole=time.perf_counter() - started)

    def find_run(self, outcome: dict[str, Any]) -> dict[str, Any]:
        """Return the item of a run."""
        key = {"pk": {"S": f"MODEL#{outcome['model']}"}, "sk": {"S": f"RUN#{outcome['run_id']}"}}
        return dict(self.client("dynamodb").get_item(TableName=TABLE, Key=key)["Item"])


@contextmanager
def stage() -> Iterator[Stage]:
    """Yield an empty stage."""
    with endpoint() as address:
        variables = CREDENTIALS | {
            "AWS_DEFAULT_REGION": REGION, "AWS_ENDPOINT_URL": address, "MODELLOOP_TABLE": TABLE,
            "MODELLOOP_DATA_BUCKET": DATA, "MODELLOOP_ARTIFACTS_BUCKET": ARTIFACTS,
            "MODELLOOP_TRAINER_MEMORY": str(TRAINER_MEMORY), "MODELLOOP_TRAINER_STORAGE": "10240",
            "MODELLOOP_REPLAY_FUNCTION": "replay", "POWERTOOLS_METRICS_NAMESPACE": "Modelloop",
            "POWERTOOLS_SERVICE_NAME": "bench", "PYTHONPATH": str(ROOT),
        }  # fmt: skip
        with _replay(variables) as replay:
            made = Stage(variables | {"AWS_ENDPOINT_URL_LAMBDA": replay})
            _furnish(made)
            yield made


def _furnish(made: Stage) -> None:
    s3 = made.client("s3")
    for bucket in (DATA, ARTIFACTS):
        s3.create_bucket(Bucket=bucket)
        s3.put_bucket_versioning(Bucket=bucket, VersioningConfiguration={"Status": "Enabled"})
    made.client("dynamodb").create_table(
        TableName=TABLE, BillingMode="PAY_PER_REQUEST",
        KeySchema=[{"AttributeName": "pk", "KeyType": "HASH"}, {"AttributeName": "sk", "KeyType": "RANGE"}],
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name in ("pk", "sk")],
    )  # fmt: skip
    queue = made.client("sqs").create_queue(QueueName="runs.fifo", Attributes={"FifoQueue": "true"})
    made.variables["MODELLOOP_RUNS_QUEUE_URL"] = queue["QueueUrl"]


@contextmanager
def _replay(variables: dict[str, str]) -> Iterator[str]:
    """Yield the address of the replay function."""
    process = subprocess.Popen(
        [sys.executable, str(HERE / "replay_server.py")], stdout=subprocess.PIPE, text=True,
        env={**os.environ, **variables},
    )  # fmt: skip
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{int(process.stdout.readline())}"
    finally:
        process.kill()
        process.wait()
        if process.stdout:
            process.stdout.close()
