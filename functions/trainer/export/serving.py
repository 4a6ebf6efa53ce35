"""What serves a fitted model: its exact flat form, or ONNX, converted in a process of its own under a timeout."""

from __future__ import annotations

import os
import subprocess
import sys
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

import joblib

from modelloop.contracts.bundle import OnnxFile
from modelloop.errors import ExportMismatchError
from modelloop.keys import ONNX
from trainer.export import boosting, forests, histogram, linear
from trainer.export.graph import input_and_output
from trainer.families.blend import Blend
from trainer.families.link_space import HALF_LOGIT, link_of

if TYPE_CHECKING:
    from modelloop.json_types import JsonObject
    from modelloop.tables.encoding import Encoding
    from trainer.families.model import Model

FLAT_FORMAT_VERSION = 1
SECONDS = 120.0
MAX_REASON = 300
_OF_THE_WHOLE = frozenset({"link", "inclusive", "by_eights"})


def flatten(model: Model | Blend, encoding: Encoding) -> JsonObject | None:
    """Return the flat document of a fitted model: plain JSON types, every float exactly as fitted.

    None means that the engine has no exact form for this estimator or for one of its settings.
    """
    form = _blend(model, encoding) if isinstance(model, Blend) else _form(model, encoding)
    if form is None:
        return None
    classes = getattr(model, "classes_", ())
    return {
        "format_version": FLAT_FORMAT_VERSION,
        "task": "classification" if len(classes) else "regression",
        "classes": len(classes),
        "slots": len(encoding.slots),
        **form,
    }


def _form(model: Model, encoding: Encoding) -> JsonObject | None:
    return linear.form(model) or histogram.form(model, encoding) or forests.form(model) or boosting.form(model)


def _blend(blend: Blend, encoding: Encoding) -> JsonObject | None:
    """Return the weighted sum of the members' forms, without what a blend has once: the link and what follows it."""
    forms = [form for member in blend.members if (form := _form(member, encoding)) is not None]
    if len(forms) < len(blend.members):
        return None
    members: list[JsonObject] = [
        {name: part for name, part in form.items() if name not in _OF_THE_WHOLE} for form in forms
    ]
    return {
        "form": "blend",
        "link": blend.link,
        "inclusive": True,
        "by_eights": False,
        "weights": [
            2.0 * weight if link_of(member) == HALF_LOGIT else weight
            for weight, member in zip(blend.weights, blend.members, strict=True)
        ],
        "members": members,
    }


def to_onnx(model: Model, encoding: Encoding, seconds: float = SECONDS) -> tuple[bytes, OnnxFile]:
    """Return a fitted model as an ONNX file, and what a bundle carries about it.

    Raises ExportMismatchError with a short reason when the conversion fails or takes too long.

    A converted model is not yet a right one: replay decides.
    """
    with TemporaryDirectory() as folder:
        source, result = Path(folder, "model.joblib"), Path(folder, ONNX)
        joblib.dump(model, source)
        _run([str(source), str(len(encoding.slots)), str(result)], type(model.estimator).__name__, seconds)
        content = result.read_bytes()
    given, answer = input_and_output(content)
    return content, OnnxFile(ONNX, sha256(content).hexdigest(), len(content), given, [answer])


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
        raise ExportMismatchError(f"{name} cannot be converted to ONNX: {lines[-1][:MAX_REASON]}")
