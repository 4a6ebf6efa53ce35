"""A version without a flat form as it serves: rows go to the replay function in batches, and its answers come back."""

from __future__ import annotations

import time
from base64 import b64decode
from dataclasses import dataclass
from io import BytesIO
from typing import TYPE_CHECKING

import numpy as np

from modelloop import keys
from modelloop.contracts.replay_request import ReplayRequest, replay_verdict_from_json
from modelloop.errors import DatasetRejectedError, ExportMismatchError
from trainer.evaluation.predictors import predictions_from_cells

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.contracts.manifest_parts import FileFacts
    from trainer.rows import Part, Predictions
    from trainer.services import Services

    type Cells = NDArray[np.float64]

VECTORS = "asked.npy"
MAX_CELLS, MAX_ROWS = 300_000, 20_000  # an answer of 3 MB; Lambda's may have 6
CALL_SECONDS, PATIENCE_SECONDS = 20.0, 20.0
PROBE_ROWS = 256


@dataclass(frozen=True, slots=True)
class ServedBundle:
    """A stored serving bundle: its key, digest and size, and what it takes and gives; `classes` is 0 for regression."""

    model: str
    run_id: str
    file: str
    facts: FileFacts
    slots: int
    classes: int
    threshold: float | None
    request_id: str | None = None


class Served:
    """Predicts through the serving runtime; `asking` is the run that asks, whose folder holds the rows meanwhile."""

    def __init__(self, services: Services, bundle: ServedBundle, asking: str) -> None:
        self._services = services
        self._bundle = bundle
        self._scratch = keys.prepared(bundle.model, asking, VECTORS)
        self._known: dict[bytes, Cells] = {}
        self._pace: float | None = None

    @property
    def max_rows(self) -> int:
        """Return as many as it answers in 20 seconds, by its speed on made-up rows."""
        return max(1, int(PATIENCE_SECONDS / self.seconds_a_row))

    @property
    def seconds_a_row(self) -> float:
        """Return what a further row costs, beside what every call does; measured once."""
        if self._pace is None:
            seconds = []
            for rows in (1, 1, PROBE_ROWS):  # the first call may be a cold start
                started = time.monotonic()
                self._call(np.zeros((rows, self._bundle.slots), np.float32))
                seconds.append(time.monotonic() - started)
            self._pace = max((seconds[2] - seconds[1]) / (PROBE_ROWS - 1), 1e-6)
        return self._pace

    def predict(self, part: Part) -> Predictions:
        """Return what the version predicts of the rows.

        Raises DatasetRejectedError when it cannot be run or gives no probabilities.
        """
        rows = [row.tobytes() for row in part.matrix]
        unknown = [place for place, row in enumerate(rows) if row not in self._known]
        answers = iter(self._ask(part.matrix[unknown]))
        cells = [self._known[row] if row in self._known else next(answers) for row in rows]
        matrix = np.array(cells, np.float64).reshape(part.rows, -1)
        return predictions_from_cells(part, matrix, self._bundle.classes, self._bundle.threshold)

    def remember(self, matrix: NDArray[np.float32], deadline: float) -> int:
        """Ask about rows in their order until the deadline, keep the answers; return how many rows were answered."""
        cells = self._ask(matrix, deadline)
        self._known |= dict(zip((row.tobytes() for row in matrix), cells, strict=False))
        return len(cells)

    def _ask(self, matrix: NDArray[np.float32], deadline: float = float("inf")) -> Cells:
        columns = max(self._bundle.classes, 1)
        size = min(MAX_ROWS, MAX_CELLS // columns, max(1, int(CALL_SECONDS / self.seconds_a_row)))
        parts: list[Cells] = []
        for start in range(0, len(matrix), size):
            if parts and time.monotonic() >= deadline:
                break
            parts.append(self._call(matrix[start : start + size]))
        return np.concatenate(parts) if parts else np.zeros((0, columns))

    def _call(self, matrix: NDArray[np.float32]) -> Cells:
        buffer = BytesIO()
        np.save(buffer, np.ascontiguousarray(matrix, np.float32), allow_pickle=False)
        self._services.artifacts.put(self._scratch, buffer.getvalue())
        bundle = self._bundle
        request = ReplayRequest(
            bundle.model, bundle.run_id, bundle.request_id, bundle.file, bundle.facts.sha256, bundle.facts.bytes,
            vectors=self._scratch,
        )  # fmt: skip
        try:
            verdict = replay_verdict_from_json(self._services.runtime.replay(request.to_json()))
        except ExportMismatchError as error:
            raise _refusal(error.message) from error
        if verdict.answers is None:
            raise _refusal(verdict.reason)
        return np.frombuffer(b64decode(verdict.answers), np.float64).reshape(len(matrix), -1)


def _refusal(reason: str | None) -> DatasetRejectedError:
    return DatasetRejectedError(
        f"the serving runtime cannot run the model: {reason}; export it with float32 inputs and operators that "
        "onnxruntime has"
    )
