"""Replay: whether an exported model answers in the serving runtime as the estimator did."""

from __future__ import annotations

from base64 import b64encode
from dataclasses import replace
from functools import cache
from struct import Struct
from typing import TYPE_CHECKING, Any

from inference import models, telemetry
from modelloop.aws.dataplane.objects import Objects
from modelloop.aws.settings import settings
from modelloop.contracts.replay_request import ReplayRequest, ReplayVerdict, replay_request_from_json
from modelloop.errors import ArtifactRefusedError, NotFoundError
from modelloop.flat import FlatModel
from modelloop.versions.parity import compare, flat_tolerance, onnx_tolerance

if TYPE_CHECKING:
    from collections.abc import Sequence

    from inference.models import Model

    type _Rows = Sequence[Sequence[float]]

_MAX_BYTES = 512 * 1024 * 1024


def handler(event: dict[str, Any], _context: object) -> dict[str, str | int | float | bool | None]:
    """Answer a replay request with its verdict; raise ArtifactRefusedError for an event that is none."""
    request = replay_request_from_json(event)
    verdict = replay(_objects(), request)
    identifiers = {"model": request.model, "run_id": request.run_id, "request_id": request.request_id}
    shown = replace(verdict, answers=None).to_json()
    telemetry.logger().info("replayed", extra=identifiers | {"correlation_id": request.run_id, "verdict": shown})
    return verdict.to_json()


def replay(objects: Objects, request: ReplayRequest) -> ReplayVerdict:
    """Return what differs between the estimator's answers and the bundle's, or the bundle's own answers.

    Golden rows are replayed too when answers are compared. A bundle that is refused is not `ok`; a missing .npy file
    raises NotFoundError.
    """
    try:
        model, golden = models.unproven(objects, request.ref)
    except (ArtifactRefusedError, NotFoundError) as error:
        return ReplayVerdict(reason=error.message)
    vectors = _matrix(objects, request.vectors)
    if request.expected is None:
        return _answers(model, vectors)
    verdict = _compare(model, vectors, _matrix(objects, request.expected))
    try:
        models.prove(model, golden)
    except ArtifactRefusedError as error:
        return replace(verdict, ok=False, golden_ok=False, reason=verdict.reason or error.message)
    return verdict


def _answers(model: Model, vectors: _Rows) -> ReplayVerdict:
    """Return the answers to vectors, or why there are none: onnxruntime raises whatever its operators raise."""
    try:
        outputs = model.engine.predict(vectors)
    except Exception as error:  # noqa: BLE001  onnxruntime's errors share no base class of their own
        return ReplayVerdict(golden_ok=True, reason=f"{type(error).__name__}: {str(error)[:300]}")
    cells = outputs.proba if outputs.proba is not None else [[float(number)] for number in outputs.predict]
    packed = b"".join(Struct(f"{len(row)}d").pack(*row) for row in cells)
    answers = b64encode(packed).decode()
    return ReplayVerdict(rows=len(cells), engine=model.engine_name, answers=answers, ok=True, golden_ok=True)


def _compare(model: Model, vectors: _Rows, expected: _Rows) -> ReplayVerdict:
    outputs = model.engine.predict(vectors, model.threshold)
    engine = model.engine
    allowed = flat_tolerance(engine, vectors) if isinstance(engine, FlatModel) else onnx_tolerance(expected)
    parity = compare(expected, outputs, allowed, model.threshold)
    return ReplayVerdict(
        rows=parity.rows,
        mismatches=parity.mismatches,
        worst=parity.worst,
        label_ties=parity.label_ties,
        engine=model.engine_name,
        ok=parity.ok,
        golden_ok=True,
        reason=parity.reason,
    )


def _matrix(objects: Objects, key: str) -> list[list[float]]:
    """Return the rows of a .npy file; one number a row becomes a row of one."""
    from io import BytesIO  # noqa: PLC0415

    import numpy as np  # noqa: PLC0415  the data plane shares this folder and starts without it

    array = np.load(BytesIO(objects.get(key, most_bytes=_MAX_BYTES).body), allow_pickle=False)
    rows: list[list[float]] = array.reshape(len(array), -1).astype(np.float64).tolist()
    return rows


@cache
def _objects() -> Objects:
    return Objects(settings().artifacts_bucket)
