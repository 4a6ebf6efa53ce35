"""A place to train in: table and buckets in moto, prepared tables as intake writes them, the real replay handler."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING, Any

import boto3
import numpy as np
import orjson
from moto import mock_aws

from inference import replay
from modelloop import keys
from modelloop.aws import clients
from modelloop.aws.dataplane.objects import Fetched
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.registry import manifests
from modelloop.aws.registry.registry import Registry
from modelloop.aws.serving import pointers
from modelloop.aws.settings import settings
from modelloop.aws.storage import Bucket
from modelloop.contracts.manifest import manifest_from_json
from modelloop.errors import ArtifactRefusedError
from modelloop.ids import uuid7
from modelloop.rollout import moves
from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import Split
from modelloop.versions.prepared_table import SliceLabels, TableFile
from modelloop.versions.run import Dataset, Run
from tests.support.prepared_tables import document_of, table_facts
from tests.support.sides import side
from tests.support.stores import ARTIFACTS
from trainer.handler import handler

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import pytest
    from numpy.typing import NDArray

KEYS = [("pk", "HASH"), ("sk", "RANGE")]
NUMBERS = Encoding([Column("a", "number"), Column("b", "number"), Column("kind", "text", ("red", "green", "blue"))])


@dataclass(frozen=True)
class Context:
    """As much of the Lambda context as the trainer reads."""

    seconds: float = 120.0

    def get_remaining_time_in_millis(self) -> int:
        return int(self.seconds * 1000)


@dataclass
class Data:
    """A table as columns of encoded slots, its target, and what identifies each row."""

    matrix: NDArray[np.float32]
    target: NDArray[Any]
    task: str = "classification"
    classes: list[Any] | None = field(default_factory=lambda: ["no", "yes"])
    encoding: Encoding = NUMBERS
    spec: Spec = field(default_factory=lambda: Spec(estimators=("linear",)))
    times: NDArray[np.float64] | None = None
    slices: dict[str, tuple[list[str], NDArray[np.int16]]] = field(default_factory=dict)
    sides: NDArray[np.uint8] | None = None
    contents: NDArray[np.int32] | None = None
    copies: bool = False
    kind: str = split.CONTENT
    name: str = "y"
    first_line: str | None = None

    def membership(self) -> NDArray[np.uint8]:
        if self.sides is not None:
            return self.sides
        if self.times is not None:
            return split.by_time(self.times, self.spec.holdout)
        return np.array([side(share, self.spec.holdout) for share in self._shares()], np.uint8)

    def identities(self) -> NDArray[np.uint32]:
        return np.array([share * split.PLACES for share in self._shares()], np.uint32)

    def _shares(self) -> list[float]:
        salt = split.salt("m")
        return [split.share(salt, row.tobytes().hex()) for row in self.matrix]

    def split(self) -> Split:
        """Return what intake writes of the way that rows were split."""
        if self.times is not None:
            column = self.spec.time_column or "t"
            return Split(split.TIME, column, rule=split.time_rule(column, "number"))
        share, salt = self.spec.holdout, split.salt("m")
        rule = split.hash_rule(self.kind, None, share, salt, {}, ())
        different = None if self.contents is None else len(np.unique(self.contents))
        return Split(self.kind, None, share, salt, {}, rule=rule, different=different, copies=self.copies)


class Lab:
    """The trainer with everything around it."""

    def __init__(self) -> None:
        self.registry = Registry("table")

    def prepare(
        self, data: Data, *, cause: str = "upload", run_id: str | None = None, request_id: str | None = None
    ) -> Run:
        """Write a prepared table and its queued run."""
        digest = sha256(data.matrix.tobytes() + data.target.tobytes()).hexdigest()
        dataset = Dataset("s3://data/datasets/m/t.csv", "v", digest, "t.csv", data.matrix.nbytes, len(data.target))
        run = Run(
            model="m", run_id=run_id or uuid7(), cause=cause, dataset=dataset, spec_digest=data.spec.digest,
            created_at="2026-01-01T00:00:00.000Z", stage="queued", percent=20, request_id=request_id,
        )  # fmt: skip
        run = self.registry.create_run(run)
        kind = np.int32 if data.task == "classification" else np.float64
        files = {
            "matrix.npy": _npy(data.matrix.astype(np.float32)),
            "target.npy": _npy(data.target.astype(kind)),
            "membership.npy": _npy(data.membership()),
        }
        if data.times is not None:
            files["times.npy"] = _npy(data.times)
        if data.contents is not None:
            files["contents.npy"] = _npy(data.contents)
        if data.times is None:
            files["identities.npy"] = _npy(data.identities())
        if data.slices:
            files["slices.npy"] = _npy(np.column_stack([codes for _, codes in data.slices.values()]))
        return self._store(run, data, files, rows=len(data.target))

    def prepare_imported(self, content: bytes, data: Data, *, labelled: bool = True, reference: bool = True) -> Run:
        """Write what intake makes of an imported model, with `data` as its reference table."""
        arrays: dict[str, Any] = {}
        if reference:
            arrays = {
                "matrix.npy": data.matrix,
                "membership.npy": split.of_reference(data.matrix, data.task, split.salt("m")),
            }
            if labelled:
                arrays["target.npy"] = data.target
            if data.slices:
                arrays["slices.npy"] = np.column_stack([codes for _, codes in data.slices.values()])
        files = {"model.onnx": content, **{name: _npy(array) for name, array in arrays.items()}}
        digest = sha256(content).hexdigest()
        dataset = Dataset("s3://data/models/m/x.onnx", "v", digest, "x.onnx", len(content))
        run = Run(
            model="m", run_id=uuid7(), cause="model", dataset=dataset, spec_digest=data.spec.digest,
            created_at="2026-01-01T00:00:00.000Z", stage="queued", percent=20,
        )  # fmt: skip
        run = self.registry.create_run(run)
        return self._store(run, data, files, imported=True, rows=len(data.target) if reference else 0)

    def _store(self, run: Run, data: Data, files: dict[str, bytes], *, rows: int, imported: bool = False) -> Run:
        """Write the files of a prepared table and its document."""
        facts = table_facts(
            data.encoding, data.spec, task=data.task, classes=data.classes or (), target=data.name, rows=rows,
            salt=split.salt("m"), split=data.split(), imported=imported,
            slices=[SliceLabels(name, labels) for name, (labels, _) in data.slices.items()],
            first_line=data.first_line,
        )  # fmt: skip
        described = {name: TableFile(sha256(body).hexdigest(), len(body)) for name, body in files.items()}
        document = document_of(facts, run_id=run.run_id, dataset=run.dataset, files=described)
        for name, body in {**files, "table.json": document.to_bytes()}.items():
            Bucket("artifacts").put(keys.prepared("m", run.run_id, name), body)
        return run

    def import_model(self, content: bytes, data: Data, **options: bool) -> Run:
        """Prepare an imported model, deliver its run and return it as it ended."""
        run = self.prepare_imported(content, data, **options)
        assert self.deliver(run) == {"batchItemFailures": []}
        return self.registry.get_run("m", run.run_id)

    def deliver(self, run: Run, seconds: float = 120.0) -> dict[str, Any]:
        """Hand the run's message to the handler."""
        named = {"model": run.model, "run_id": run.run_id, "request_id": run.request_id}
        body = orjson.dumps({"format_version": 1, **named}).decode()
        failures: dict[str, Any] = handler({"Records": [{"messageId": "1", "body": body}]}, Context(seconds))
        return failures

    def train(self, data: Data, **options: Any) -> Run:
        """Prepare, deliver and return the run as it ended."""
        run = self.prepare(data, **options)
        assert self.deliver(run) == {"batchItemFailures": []}
        return self.registry.get_run("m", run.run_id)

    def manifest(self, run: Run) -> dict[str, Any]:
        return dict(orjson.loads(Bucket("artifacts").get(keys.version("m", run.run_id, keys.MANIFEST))))

    def bundle(self, run: Run) -> dict[str, Any]:
        return dict(orjson.loads(Bucket("artifacts").get(keys.version("m", run.run_id, keys.BUNDLE))))

    def pointer(self) -> Any:
        return pointers.read(ARTIFACTS, "m")[0]

    def promote(self, run: Run) -> None:
        """Make a run's version the champion, as a person would."""
        pointer, etag = pointers.read(ARTIFACTS, "m")
        ref = manifest_from_json(self.manifest(run)).ref
        now = "2026-01-01T00:00:00.000Z"
        pointers.publish(ARTIFACTS, moves.promote(pointer, ref, model="m", now=now, who="tester", why="test"), etag)


@dataclass(frozen=True)
class BucketObjects:
    """The data plane's reader of objects over a bucket in process, which its own client cannot reach.

    It has a client of its own, so that nobody takes its calls for the trainer's.
    """

    bucket: str
    client: Any

    def get(self, key: str, *, most_bytes: int) -> Fetched:
        answer = self.client.get_object(Bucket=self.bucket, Key=key)
        body, etag = answer["Body"].read(), answer["ETag"]
        if len(body) > most_bytes:
            raise ArtifactRefusedError(f"{key} has {len(body)} bytes, at most {most_bytes} are read")
        return Fetched(body, etag)


@contextmanager
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    """Open an empty lab."""
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")
    monkeypatch.setenv("MODELLOOP_TABLE", "table")
    monkeypatch.setenv("MODELLOOP_ARTIFACTS_BUCKET", "artifacts")
    monkeypatch.setattr(ReplayFunction, "replay", lambda _, event: replayed(event))
    with mock_aws():
        clients.client.cache_clear()
        manifests.read.cache_clear()
        objects = BucketObjects("artifacts", boto3.client("s3"))
        monkeypatch.setattr(replay, "_objects", lambda: objects)
        settings.cache_clear()
        _provision()
        yield Lab()
    clients.client.cache_clear()
    settings.cache_clear()


def replayed(event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer with the replay function's handler, event and answer as JSON on the way as between functions."""
    answer = replay.handler(orjson.loads(orjson.dumps(event)), None)
    return dict(orjson.loads(orjson.dumps(answer)))


def sample(rows: int, seed: int, *, noise: float = 0.5, weights: Sequence[float] = (2.0, -1.5)) -> Data:
    """Return a binary table whose labels follow two numbers and a category, with missing cells."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 2)).astype(np.float32)
    kinds = generator.integers(0, 3, rows).astype(np.float32)
    score = numbers @ np.array(weights) + (kinds == 1) + noise * generator.logistic(size=rows)
    matrix = np.column_stack([numbers, kinds]).astype(np.float32)
    matrix[generator.random(matrix.shape) < 0.03] = np.nan
    return Data(matrix, (score > 0).astype(np.int32))


def regression_sample(rows: int, seed: int) -> Data:
    """Return a table whose target is a noisy plane."""
    data = sample(rows, seed)
    generator = np.random.default_rng(seed + 1)
    plane = np.nan_to_num(data.matrix) @ np.array([3.0, -2.0, 1.0]) + generator.normal(size=rows)
    return Data(data.matrix, plane, "regression", None)


def _npy(array: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def _provision() -> None:
    boto3.client("dynamodb").create_table(
        TableName="table",
        KeySchema=[{"AttributeName": name, "KeyType": kind} for name, kind in KEYS],  # type: ignore[typeddict-item]
        AttributeDefinitions=[{"AttributeName": name, "AttributeType": "S"} for name, _ in KEYS],
        BillingMode="PAY_PER_REQUEST",
    )
    boto3.client("s3").create_bucket(
        Bucket="artifacts", CreateBucketConfiguration={"LocationConstraint": "eu-central-1"}
    )


def outcomes(run: Run) -> dict[str, str]:
    assert run.gate is not None
    return {check.name: check.outcome for check in run.gate.checks}


def standing(run: Run) -> str:
    """Return release, unsure, approve or reject."""
    assert run.gate is not None
    return "unsure" if run.gate.unsure else run.gate.decision


def decision(run: Run) -> str:
    assert run.gate is not None
    return str(run.gate.decision)
