"""onnxruntime, for models that have no flat form. Imported when the first such model is loaded, not before."""

from __future__ import annotations

from struct import Struct
from typing import TYPE_CHECKING, Any

import numpy as np
import onnxruntime

from modelloop.errors import ArtifactRefusedError, InvalidValueError
from modelloop.flat import Outputs

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.flat import Contributions

_BINARY = 2
_ROWS = 4096  # a run: bounds the memory of intermediate tensors
_ERRORS_ONLY = 3


class OnnxModel:
    """A session with one float input [rows, slots] and one float output: class probabilities, or one number a row.

    It answers as `modelloop.flat.FlatModel` does, without explanations.
    """

    def __init__(self, session: Any, *, output: str, task: str, classes: int) -> None:
        self.task = task
        self.classes = classes
        self._session = session
        self._input: str = session.get_inputs()[0].name
        self._output = output
        self.slots: int = session.get_inputs()[0].shape[1]

    def predict(self, vectors: Sequence[Sequence[float]], threshold: float | None = None) -> Outputs:
        """Return predictions for encoded vectors; `threshold` as in `FlatModel.predict`."""
        cells = self._run(_matrix(vectors, self.slots))
        if self.task == "regression":
            return Outputs(cells[:, 0].tolist(), None)
        if cells.shape[1] != self.classes:
            raise ArtifactRefusedError(
                f"the ONNX model gives {cells.shape[1]} probabilities for {self.classes} classes"
            )
        if threshold is not None and self.classes == _BINARY:
            labels = (cells[:, 1] >= threshold).astype(np.intp)
        else:
            labels = cells.argmax(axis=1)
        return Outputs(labels.tolist(), cells.tolist())

    def explain(self, _vector: Sequence[float], _label: int | None = None) -> Contributions:
        """Raise InvalidValueError: only flat models can say why."""
        raise InvalidValueError("this model has no explanations; linear and tree models do", field="explain")

    def _run(self, matrix: NDArray[np.float32]) -> NDArray[np.float64]:
        parts = [
            self._session.run([self._output], {self._input: matrix[start : start + _ROWS]})[0]
            for start in range(0, len(matrix), _ROWS)
        ]
        return np.concatenate([np.asarray(part, dtype=np.float64).reshape(len(part), -1) for part in parts])


def load_onnx(content: bytes, *, output: str, task: str, classes: int) -> OnnxModel:
    """Return the model of an ONNX file, whose digest the caller has checked.

    `output` is the one to read: probabilities for classification, else the numbers. Raises ArtifactRefusedError
    when onnxruntime does not take the file or the file has other inputs or outputs.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = _ERRORS_ONLY
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime's errors share no base class of their own
        raise ArtifactRefusedError(f"onnxruntime refuses the model: {str(error)[:300]}") from error
    inputs, outputs = session.get_inputs(), {tensor.name for tensor in session.get_outputs()}
    if len(inputs) != 1 or inputs[0].type != "tensor(float)" or output not in outputs:
        raise ArtifactRefusedError("an ONNX model must have one float input, and the output that its bundle names")
    if len(inputs[0].shape) != _BINARY or not isinstance(inputs[0].shape[1], int):
        raise ArtifactRefusedError("the input of an ONNX model must have the shape [rows, slots]")
    return OnnxModel(session, output=output, task=task, classes=classes)


def _matrix(vectors: Sequence[Sequence[float]], slots: int) -> NDArray[np.float32]:
    pack = Struct(f"{slots}f").pack
    return np.frombuffer(b"".join([pack(*vector) for vector in vectors]), dtype=np.float32).reshape(-1, slots)
