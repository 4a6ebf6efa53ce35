"""Warm figures in one process: the handler, its own floor, the usual handler, and scikit-learn on a ready table."""

from __future__ import annotations

import gc
import io
import os
import sys
import time
from base64 import b64decode
from contextlib import contextmanager
from dataclasses import dataclass
from statistics import median, quantiles
from typing import TYPE_CHECKING, Any

import joblib
import orjson

from tests.benchmarks.serving import cold, models
from tests.benchmarks.serving.handlers import usual_app

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from inference.models import Model
    from modelloop.contracts.http_request import HttpAnswer

ROWS_MANY = 1_000


@dataclass(frozen=True, slots=True)
class Timing:
    """Microseconds a call."""

    typical: float
    p99: float


@dataclass(frozen=True, slots=True)
class Warm:
    """One family's figures; `ready` is scikit-learn alone on a ready DataFrame, `served` ours on parsed columns.

    `encoded` is the part of `served` before the model: columns of Python values to float vectors.
    """

    family: str
    floor: Timing
    ours: Timing
    usual: Timing
    many_ours: Timing
    many_usual: Timing
    served: Timing
    encoded: Timing
    ready: Timing
    bundle_bytes: int
    pickle_bytes: int


def measure(contender: models.Contender) -> Warm:
    """Measure one family; calls of the contenders alternate in blocks, so that all see the same machine."""
    pickled = pickle(contender)
    usual_app._model = joblib.load(io.BytesIO(pickled))
    one, many = cold.event(contender, 1), cold.event(contender, ROWS_MANY)
    with _handler(contender) as (ours, model):
        for request in (one, many):
            _check_equal(ours(request), usual_app.handler(request, None))
        single = alternate(
            {"floor": lambda: floor(model, one), "ours": lambda: ours(one), "usual": lambda: _usual(one)},
            {"floor": 200, "ours": 200, "usual": 12},
            blocks=15,
        )
        query, frame = _cells(many), contender.frame[:ROWS_MANY]
        several = alternate(
            {
                "ours": lambda: ours(many),
                "usual": lambda: _usual(many),
                "served": lambda: model.engine.predict(model.encoding.read(ROWS_MANY, query).block),
                "encoded": lambda: model.encoding.read(ROWS_MANY, query).block,
                "ready": lambda: contender.framed.predict_proba(frame),
            },
            dict.fromkeys(("ours", "usual", "served", "encoded", "ready"), 1),
            blocks=40,
        )
    return Warm(
        contender.family, single["floor"], single["ours"], single["usual"], several["ours"], several["usual"],
        several["served"], several["encoded"], several["ready"], len(contender.bundle), len(pickled),
    )  # fmt: skip


def pickle(contender: models.Contender) -> bytes:
    """Return the usual pipeline as its joblib file."""
    buffer = io.BytesIO()
    joblib.dump(contender.pipeline, buffer)
    return buffer.getvalue()


def floor(model: Model, request: dict[str, Any]) -> dict[str, Any]:
    """Parse, encode, evaluate and serialise with nothing else: no checks, no versions, no log, no metrics."""
    inputs = orjson.loads(b64decode(request["body"]))["inputs"]
    cells = {tensor["name"]: tensor["data"] for tensor in inputs}
    rows = inputs[0]["shape"][0]
    outputs = model.engine.predict(model.encoding.read(rows, cells).block)
    proba = [share for row in outputs.proba or () for share in row]
    found = [
        {"name": "predict", "shape": [rows], "datatype": "INT64", "data": outputs.predict},
        {"name": "predict_proba", "shape": [rows, 2], "datatype": "FP64", "data": proba},
    ]
    answer = {"model_name": "bench", "model_version": "1", "id": "x", "outputs": found}
    return {"statusCode": 200, "body": orjson.dumps(answer).decode()}


def _usual(request: dict[str, Any]) -> dict[str, Any]:
    return usual_app.handler(request, None)


def _cells(request: dict[str, Any]) -> dict[str, list[Any]]:
    return {tensor["name"]: tensor["data"] for tensor in orjson.loads(b64decode(request["body"]))["inputs"]}


def _check_equal(ours: HttpAnswer, usual: dict[str, Any]) -> None:
    """Both must answer every row with a probability; they are fitted on the same rows and agree almost everywhere."""
    mine = {output["name"]: output["data"] for output in orjson.loads(ours["body"])["outputs"]}
    theirs = orjson.loads(usual["body"])
    agree = sum(one == two for one, two in zip(mine["predict"], theirs["predict"], strict=True))
    assert agree >= 0.9 * len(theirs["predict"]), agree


@contextmanager
def _handler(contender: models.Contender) -> Iterator[tuple[Callable[[dict[str, Any]], HttpAnswer], Model]]:
    """Yield the handler over objects in memory, its captures dropped as if they went after the response."""
    os.environ["MODELLOOP_CAPTURE_MODE"] = "before"
    from inference import handler  # noqa: PLC0415  reads the environment
    from modelloop.contracts.pointer import VersionRef  # noqa: PLC0415

    reference = VersionRef(**contender.reference())
    plane = handler.service()
    memory = Memory({reference.file: contender.bundle, "serving/bench.json": contender.pointer()})
    plane.pointers._objects = plane.model_cache._objects = memory  # type: ignore[assignment]
    plane.pointers._cached.clear()
    plane.pointers._hard = plane.pointers._soft = float("inf")
    handler._after_response = Drop(plane)  # type: ignore[assignment]
    with _quiet():
        handler.handler(cold.event(contender, 1), None)
        yield lambda request: handler.handler(request, None), plane.model_cache.get(reference)


class Drop:
    """Stands for the extension: takes what waits and forgets it."""

    def __init__(self, plane: Any) -> None:
        self._plane = plane

    def answered(self) -> None:
        self._plane.outbox._waiting.clear()


class Memory:
    """Objects in memory, so that warm figures hold no network."""

    def __init__(self, objects: dict[str, bytes]) -> None:
        self._objects = objects

    def get_changed(self, key: str, _etag: str | None, *, most_bytes: int) -> Any:
        from modelloop.aws.dataplane.objects import Fetched  # noqa: PLC0415

        assert len(self._objects[key]) <= most_bytes
        return Fetched(self._objects[key], "etag")

    def get(self, key: str, *, most_bytes: int) -> Any:
        return self.get_changed(key, None, most_bytes=most_bytes)


@contextmanager
def _quiet() -> Iterator[None]:
    """Send log lines where Lambda would: a pipe that somebody else reads; here, nowhere."""
    shown, sys.stdout = sys.stdout, open(os.devnull, "w")  # noqa: SIM115, PTH123  closed below
    try:
        yield
    finally:
        sys.stdout.close()
        sys.stdout = shown


def alternate(calls: dict[str, Callable[[], Any]], each: dict[str, int], blocks: int) -> dict[str, Timing]:
    """Return each call's timing; calls alternate in blocks, so that all see the same machine."""
    times: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    gc.freeze()  # a function's heap is small; this process holds all contenders
    for block in range(blocks + 1):
        for name, call in calls.items():
            for _ in range(each[name]):
                started = time.perf_counter()
                call()
                spent = time.perf_counter() - started
                if block:
                    times[name].append(spent * 1e6)
    return {name: Timing(median(spent), quantiles(spent, n=100)[98]) for name, spent in times.items()}
