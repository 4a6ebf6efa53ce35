"""Prove the export: the serving runtime must give the estimator's answers on holdout, mixed and boundary rows."""

from __future__ import annotations

from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys
from modelloop.contracts.replay_request import ReplayRequest, replay_verdict_from_json
from modelloop.errors import ExportMismatchError
from trainer.rows import Part, subsample

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.bundle import EngineForm
    from modelloop.contracts.replay_request import ReplayVerdict
    from modelloop.versions.run import Run
    from trainer.release.sources import File
    from trainer.rows import Predictor
    from trainer.services import Services
    from trainer.table import PreparedTable

HOLDOUT_ROWS, MIXED_ROWS, BOUNDARY_ROWS = 3000, 1000, 1000
MISSING_SHARE = 0.1
VECTORS, EXPECTED = "replay-vectors.npy", "replay-expected.npy"


def prove(
    services: Services, table: PreparedTable, run: Run, proof: Predictor, file: File, form: EngineForm
) -> ReplayVerdict:
    """Have the uploaded bundle replayed; return the verdict.

    Raises ExportMismatchError when the answers differ from the predictions of `proof`.
    """
    model, run_id = run.model, run.run_id
    vectors = rows_to_replay(table, form)
    vectors = vectors[subsample(len(vectors), proof.max_rows, table.seed)]
    predictions = proof.predict(Part(vectors, np.zeros(len(vectors))))
    expected = predictions.predicted if predictions.proba is None else predictions.proba
    places = {name: keys.prepared(model, run_id, name) for name in (VECTORS, EXPECTED)}
    services.artifacts.put(places[VECTORS], _npy(vectors))
    services.artifacts.put(places[EXPECTED], _npy(expected.astype(np.float64)))
    facts = file.facts()
    request = ReplayRequest(
        model, run_id, run.request_id, keys.version(model, run_id, file.name), facts.sha256, facts.bytes,
        vectors=places[VECTORS], expected=places[EXPECTED],
    )  # fmt: skip
    verdict = replay_verdict_from_json(services.runtime.replay(request.to_json()))
    if not verdict.ok or not verdict.golden_ok:
        reason = verdict.reason or f"{verdict.mismatches} of {verdict.rows} rows differ"
        raise ExportMismatchError(f"the serving engine does not reproduce the fitted model: {reason}")
    return verdict


def rows_to_replay(table: PreparedTable, form: EngineForm) -> NDArray[np.float32]:
    """Return holdout rows, rows mixed from columns of different rows, and rows beside the thresholds of the model."""
    generator = np.random.default_rng(table.seed)
    seen = (table.train if table.train.rows else table.rows).matrix
    holdout = table.holdout.matrix[subsample(table.holdout.rows, HOLDOUT_ROWS, table.seed)]
    mixed = _mixed(seen, MIXED_ROWS, generator)
    numbers = {place for place, slot in enumerate(table.encoding.slots) if slot.kind == "number"}
    tests = [test for test in _thresholds(form) if test[0] in numbers]
    boundary = _at_thresholds(_mixed(seen, BOUNDARY_ROWS, generator), tests, generator)
    return np.concatenate([holdout, mixed, boundary])


def _mixed(matrix: NDArray[np.float32], rows: int, generator: np.random.Generator) -> NDArray[np.float32]:
    picks = generator.integers(0, len(matrix), (rows, matrix.shape[1]))
    mixed = np.take_along_axis(matrix, picks, axis=0)
    mixed[generator.random(mixed.shape) < MISSING_SHARE] = np.nan
    return mixed


def _at_thresholds(
    matrix: NDArray[np.float32], tests: list[tuple[int, float]], generator: np.random.Generator
) -> NDArray[np.float32]:
    """Put one cell of each row at, just below or just above a threshold of its slot."""
    if not tests:
        return matrix[:0]
    for row, pick in enumerate(generator.integers(0, len(tests), len(matrix))):
        slot, threshold = tests[pick]
        at = np.float32(threshold)
        matrix[row, slot] = (at, np.nextafter(at, np.float32(-np.inf)), np.nextafter(at, np.float32(np.inf)))[row % 3]
    matrix[~np.isfinite(matrix) & ~np.isnan(matrix)] = np.nan
    return matrix


def _thresholds(form: EngineForm) -> list[tuple[int, float]]:
    """Return (slot, threshold) of the tests of a flat form of trees and of a blend's tree members; else nothing."""
    flat: Mapping[str, Any] = form.flat or {}
    members: Sequence[Mapping[str, Any]] = flat.get("members", [flat])
    max_number = float(np.finfo(np.float32).max)
    return [
        (slot, number)
        for trees in members
        if trees.get("form") == "trees"
        for slot, number in zip(trees["feature"], trees["number"], strict=True)
        if 0 <= slot < flat["slots"] and abs(number) < max_number
    ]


def _npy(array: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()
