"""ONNX by its reference implementation: slow, exact, and independent of the runtime that will serve."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from modelloop.errors import DatasetRejectedError
from trainer.evaluation.predictors import predictions_from_cells

if TYPE_CHECKING:
    from trainer.rows import Part, Predictions

MIN_ROWS, MAX_ROWS = 16, 4000
SECONDS = 30.0


class OnnxReference:
    """Predicts as the model of an ONNX file should; `classes` is 0 for regression."""

    def __init__(self, content: bytes, *, output: str, classes: int, threshold: float | None = None) -> None:
        try:
            self._evaluator = ReferenceEvaluator(content)
        except Exception as error:  # it raises whatever its operators raise
            raise _refusal(error) from error
        self._output = output
        self._classes = classes
        self._threshold = threshold
        self._seconds_a_row = SECONDS / MIN_ROWS

    @property
    def max_rows(self) -> int:
        """Return as many as it answers in half a minute, by the speed of its last answer; few before that."""
        return max(MIN_ROWS, min(MAX_ROWS, int(SECONDS / self._seconds_a_row)))

    def predict(self, part: Part) -> Predictions:
        """Return what the model predicts; raise DatasetRejectedError when it cannot be run or has no probabilities."""
        started = time.monotonic()
        cells = self._run(part)
        self._seconds_a_row = max((time.monotonic() - started) / max(part.rows, 1), 1e-6)
        return predictions_from_cells(part, cells, self._classes, self._threshold)

    def _run(self, part: Part) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        name = self._evaluator.input_names[0]
        try:
            with np.errstate(all="ignore"):
                answers: Any = self._evaluator.run([self._output], {name: part.matrix.astype(np.float32)})
        except Exception as error:  # it raises whatever its operators raise
            raise _refusal(error) from error
        return np.asarray(answers[0], np.float64).reshape(part.rows, -1)


def _refusal(error: Exception) -> DatasetRejectedError:
    reason = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return DatasetRejectedError(f"the ONNX model cannot be run: {reason}")
