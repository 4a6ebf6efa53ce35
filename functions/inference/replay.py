"""Replay: the serving runtime's own word on whether an exported model answers as the estimator did."""

from __future__ import annotations

from base64 import b64encode
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

from inference import models, telemetry
from modelloop.aws.dataplane.objects import Objects
from modelloop.contracts.pointer import VersionRef
from modelloop.errors import ArtifactRefusedError, NotFoundError
from modelloop.flat import FlatModel
from modelloop.settings import settings
from modelloop.versions.parity import compare, flat_tolerance, onnx_tolerance

if TYPE_CHECKING:
    from inference.models import Model

_MOST_BYTES = 512 * 1024 * 1024


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Replay vectors through a stored bundle; answers what differs, never raises for a bundle that is refused.

    An event without `expected` asks for the answers themselves: float64 [rows, classes or 1], in base64.
    """
    verdict = _replay(event)
    named = {name: event.get(name) for name in ("model", "run_id", "request_id")} | {"correlation_id": event["run_id"]}
    told = {name: value for name, value in verdict.items() if name != "answers"}
    telemetry.logger().info("replayed", extra=named | {"verdict": told})
    return verdict


def _replay(event: dict[str, Any]) -> dict[str, Any]:
    objects = _objects()
    ref = VersionRef(0, event["run_id"], event["file"], event["sha256"], event["bytes"])
    try:
        model, golden = models.unproven(objects, ref)
    except (ArtifactRefusedError, NotFoundError) as error:
        return _verdict(ok=False, golden_ok=False, reason=error.message)
    vectors = _matrix(objects, event["vectors"])
    if "expected" not in event:
        return _answer(model, vectors)
    expected = _matrix(objects, event["expected"])
    verdict = _compare(model, vectors, expected)
    try:
        models.prove(model, golden)
    except ArtifactRefusedError as error:
        return verdict | {"ok": False, "golden_ok": False, "reason": verdict["reason"] or error.message}
    return verdict


def _answer(model: Model, vectors: list[list[float]]) -> dict[str, Any]:
    """Return the answers to vectors, or why there are none: onnxruntime raises whatever its operators raise."""
    try:
        outputs = model.engine.predict(vectors)
    except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
        return _verdict(ok=False, golden_ok=True, reason=f"{type(error).__name__}: {str(error)[:300]}")
    cells = outputs.proba if outputs.proba is not None else [[float(number)] for number in outputs.predict]
    packed = b"".join(Struct(f"{len(row)}d").pack(*row) for row in cells)
    answers = b64encode(packed).decode()
    return _verdict(ok=True, golden_ok=True, reason=None, rows=len(cells), engine=model.engine_name, answers=answers)


def _compare(model: Model, vectors: list[list[float]], expected: list[list[float]]) -> dict[str, Any]:
    outputs = model.engine.predict(vectors, model.threshold)
    engine = model.engine
    allowed = flat_tolerance(engine, vectors) if isinstance(engine, FlatModel) else onnx_tolerance(expected)
    parity = compare(expected, outputs, allowed, model.threshold)
    return _verdict(
        ok=parity.ok,
        golden_ok=True,
        reason=parity.reason,
        rows=parity.rows,
        mismatches=parity.mismatches,
        worst=parity.worst,
        label_ties=parity.label_ties,
        engine=model.engine_name,
    )


def _verdict(*, ok: bool, golden_ok: bool, reason: str | None, **facts: Any) -> dict[str, Any]:
    empty = {"rows": 0, "mismatches": 0, "worst": 0.0, "label_ties": 0, "engine": None, "answers": None}
    return {**empty, **facts, "ok": ok, "golden_ok": golden_ok, "reason": reason}


def _matrix(objects: Objects, key: str) -> list[list[float]]:
    """Read a .npy file as rows; one number a row becomes a row of one."""
    from io import BytesIO  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415  the data plane shares this folder and starts without it

    array = np.load(BytesIO(objects.get(key, most_bytes=_MOST_BYTES).body), allow_pickle=False)
    rows: list[list[float]] = array.reshape(len(array), -1).astype(np.float64).tolist()
    return rows


@cache
def _objects() -> Objects:
    return Objects(settings().artifacts_bucket)
