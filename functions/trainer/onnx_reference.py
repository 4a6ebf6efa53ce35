"""ONNX by its reference implementation: slow, exact, and independent of the runtime that will serve."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from onnx.reference import ReferenceEvaluator

from modelloop.errors import DatasetRejectedError
from trainer.evaluation import Outcome

if TYPE_CHECKING:
    from trainer.table import Part

SUM_SLACK = 1e-3
MOST_ROWS = 1000


class OnnxReference:
    """Answers as the model of an ONNX file should; `classes` is 0 for regression."""

    def __init__(self, content: bytes, *, output: str, classes: int, threshold: float | None = None) -> None:
        try:
            self._evaluator = ReferenceEvaluator(content)
        except Exception as error:  # it raises whatever its operators raise
            raise _refusal(error) from error
        self._output = output
        self._classes = classes
        self._threshold = threshold

    @property
    def most_rows(self) -> int:
        """How many rows it can be asked about in reasonable time."""
        return MOST_ROWS

    def outcome(self, part: Part) -> Outcome:
        """Return what the model says; raise DatasetRejectedError when it cannot be run or gives no probabilities."""
        cells = self._run(part)
        if not self._classes:
            return Outcome(part.target, cells[:, 0], None)
        if cells.shape[1] != self._classes:
            raise DatasetRejectedError(f"the model gives {cells.shape[1]} probabilities for {self._classes} classes")
        if (cells < -SUM_SLACK).any() or (np.abs(cells.sum(axis=1) - 1.0) > SUM_SLACK).any():
            raise DatasetRejectedError("the outputs are no probabilities; add a softmax (or sigmoid) to the model")
        if self._threshold is not None and self._classes == 2:  # noqa: PLR2004  two classes
            return Outcome(part.target, (cells[:, 1] >= self._threshold).astype(np.float64), cells)
        return Outcome(part.target, cells.argmax(axis=1).astype(np.float64), cells)

    def _run(self, part: Part) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
        name = self._evaluator.input_names[0]
        try:
            with np.errstate(all="ignore"):
                answers: Any = self._evaluator.run([self._output], {name: part.matrix.astype(np.float32)})
        except Exception as error:  # it raises whatever its operators raise
            raise _refusal(error) from error
        return np.asarray(answers[0], np.float64).reshape(part.rows, -1)


def _refusal(error: Exception) -> DatasetRejectedError:
    told = (str(error).strip() or type(error).__name__).splitlines()[0][:300]
    return DatasetRejectedError(f"the ONNX model cannot be run: {told}")
