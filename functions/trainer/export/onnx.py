"""ONNX for models without a flat form: converted in a process of its own, under a timeout."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import joblib

from modelloop.errors import ExportMismatchError
from modelloop.keys import ONNX
from trainer.export.graph import input_and_output

if TYPE_CHECKING:
    from modelloop.tables.encoding import Encoding
    from trainer.families.model import Model

_SECONDS = 120.0
_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class OnnxFile:
    """A converted model and the facts that a bundle carries about it."""

    content: bytes
    input: str
    output: str

    def facts(self) -> dict[str, Any]:
        """Return the `onnx` part of a serving bundle."""
        return {
            "file": ONNX,
            "sha256": sha256(self.content).hexdigest(),
            "bytes": len(self.content),
            "input": self.input,
            "outputs": [self.output],
        }


def to_onnx(model: Model, encoding: Encoding, seconds: float = _SECONDS) -> OnnxFile:
    """Convert a fitted model; raise ExportMismatchError with a short reason when that fails or takes too long.

    A converted model is not yet a right one: replay decides.
    """
    with TemporaryDirectory() as folder:
        source, result = Path(folder, "model.joblib"), Path(folder, ONNX)
        joblib.dump(model, source)
        _run([str(source), str(len(encoding.slots)), str(result)], type(model.estimator).__name__, seconds)
        content = result.read_bytes()
    return OnnxFile(content, *input_and_output(content))


def _run(arguments: list[str], name: str, seconds: float) -> None:
    command = [sys.executable, "-m", "trainer.export.conversion", *arguments]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    try:
        ran = subprocess.run(  # noqa: S603  our own program, on files that we wrote
            command, env=environment, capture_output=True, timeout=seconds, check=False
        )
    except subprocess.TimeoutExpired as error:
        raise ExportMismatchError(f"converting {name} to ONNX took more than {seconds:.0f} s") from error
    if ran.returncode:
        lines = ran.stderr.decode(errors="replace").strip().splitlines() or [f"exit status {ran.returncode}"]
        raise ExportMismatchError(f"{name} cannot be converted to ONNX: {lines[-1][:_LONGEST_REASON]}")
