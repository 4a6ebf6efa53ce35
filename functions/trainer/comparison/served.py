"""A version without a flat form as it serves: rows go to the replay function in batches, and its answers come back."""

from __future__ import annotations

import time
from base64 import b64decode
from io import BytesIO
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys
from modelloop.errors import DatasetRejectedError, ExportMismatchError
from trainer.onnx_import.answers import read

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from trainer.evaluation import Outcome
    from trainer.services import Services
    from trainer.table import Part

    type Cells = NDArray[np.float64]

FORMAT_VERSION = 1
ASKED = "asked.npy"
MOST_CELLS, MOST_ROWS = 300_000, 20_000  # an answer of 3 MB; Lambda's may have 6
CALL_SECONDS, PATIENCE_SECONDS = 20.0, 20.0
PROBE_ROWS = 256


class Served:
    """Answers through the serving runtime; `version` has model, run, key, digest and size of a serving bundle."""

    def __init__(
        self,
        services: Services,
        version: Mapping[str, Any],
        *,
        slots: int,
        classes: int,
        threshold: float | None,
        run_id: str,
    ) -> None:
        self._services = services
        self._version = version
        self._slots, self._classes, self._threshold = slots, classes, threshold
        self._scratch = keys.prepared(version["model"], run_id, ASKED)
        self._known: dict[bytes, Cells] = {}
        self._pace: float | None = None

    @property
    def most_rows(self) -> int:
        """As many as it answers in 20 seconds, by its speed on made-up rows."""
        return max(1, int(PATIENCE_SECONDS / self.seconds_a_row))

    @property
    def seconds_a_row(self) -> float:
        """What a further row costs, beside what every call does; measured once."""
        if self._pace is None:
            seconds = []
            for rows in (1, 1, PROBE_ROWS):  # the first call may be a cold start
                started = time.monotonic()
                self._call(np.zeros((rows, self._slots), np.float32))
                seconds.append(time.monotonic() - started)
            self._pace = max((seconds[2] - seconds[1]) / (PROBE_ROWS - 1), 1e-6)
        return self._pace

    def outcome(self, part: Part) -> Outcome:
        """Return what the version says; raise DatasetRejectedError when it cannot be run or says no probabilities."""
        rows = [row.tobytes() for row in part.matrix]
        unknown = [place for place, row in enumerate(rows) if row not in self._known]
        asked = iter(self._ask(part.matrix[unknown]))
        cells = [self._known[row] if row in self._known else next(asked) for row in rows]
        return read(part, np.array(cells, np.float64).reshape(part.rows, -1), self._classes, self._threshold)

    def remember(self, matrix: NDArray[np.float32], deadline: float) -> int:
        """Ask about rows in their order until the deadline, keep the answers; return how many rows were answered."""
        cells = self._ask(matrix, deadline)
        self._known |= dict(zip((row.tobytes() for row in matrix), cells, strict=False))
        return len(cells)

    def _ask(self, matrix: NDArray[np.float32], deadline: float = float("inf")) -> Cells:
        size = min(MOST_ROWS, MOST_CELLS // max(self._classes, 1), max(1, int(CALL_SECONDS / self.seconds_a_row)))
        parts: list[Cells] = []
        for start in range(0, len(matrix), size):
            if parts and time.monotonic() >= deadline:
                break
            parts.append(self._call(matrix[start : start + size]))
        return np.concatenate(parts) if parts else np.zeros((0, max(self._classes, 1)))

    def _call(self, matrix: NDArray[np.float32]) -> Cells:
        buffer = BytesIO()
        np.save(buffer, np.ascontiguousarray(matrix, np.float32), allow_pickle=False)
        self._services.artifacts.put(self._scratch, buffer.getvalue())
        event = {"format_version": FORMAT_VERSION, **self._version, "vectors": self._scratch}
        try:
            said = self._services.runtime.replay(event)
        except ExportMismatchError as error:
            raise _refusal(error.message) from error
        if said.get("answers") is None:
            raise _refusal(said.get("reason"))
        return np.frombuffer(b64decode(said["answers"]), np.float64).reshape(len(matrix), -1)


def _refusal(reason: str | None) -> DatasetRejectedError:
    return DatasetRejectedError(
        f"the serving runtime cannot run the model: {reason}; export it with float32 inputs and operators that "
        "onnxruntime has"
    )
