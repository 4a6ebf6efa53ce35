"""One conversion to ONNX, as a program of its own: converters can hang, and their errors run to thousands of lines.

Usage: python -m trainer.export.conversion MODEL.joblib SLOTS RESULT.onnx
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import joblib
from onnx import compose
from skl2onnx import convert_sklearn
from skl2onnx.common.data_types import FloatTensorType

from trainer.export.graph import PREPARED, bound_below, preparation_graph

if TYPE_CHECKING:
    from trainer.families.model import Model

_INPUT = "modelloop_matrix"


def convert(model: Model, slots: int) -> bytes:
    """Return an ONNX file from encoded vectors to class probabilities, or to one number a row."""
    estimator: Any = model.estimator
    width = int(getattr(estimator, "n_features_in_", 0)) or None
    options = {id(estimator): {"zipmap": False}} if hasattr(estimator, "classes_") else None
    converted = convert_sklearn(
        estimator, "modelloop", [(_INPUT, FloatTensorType([None, width]))], options=options, doc_string=""
    )
    prepared = preparation_graph(model.preparation, slots, list(converted.opset_import), converted.ir_version)
    merged = compose.merge_models(
        prepared, converted, [(PREPARED, _INPUT)], outputs=[converted.graph.output[-1].name], name="modelloop"
    )
    if model.floor is not None:
        bound_below(merged.graph, model.floor)
    return bytes(merged.SerializeToString(deterministic=True))


def main(arguments: list[str]) -> None:
    """Convert the model in one file into another."""
    source, slots, result = arguments
    Path(result).write_bytes(convert(joblib.load(source), int(slots)))


if __name__ == "__main__":
    main(sys.argv[1:])
