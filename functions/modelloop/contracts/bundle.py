"""The serving bundle, `model.flat.json`: the one file that the data plane reads of a version.

The types are tuples, because the data plane makes these classes at its cold start: a dataclass takes a millisecond.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from modelloop.errors import ArtifactRefusedError
from modelloop.tables.encoding import Encoding, encoding_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.flat.intervals import IntervalRule
    from modelloop.json_types import JsonObject

    Label = str | int | float | bool
    Cell = str | int | float | bool | None

FORMAT_VERSION = 1
FLAT, ONNX = "flat", "onnx"


class OnnxFile(NamedTuple):
    """The ONNX file beside a bundle: name, digest (hex SHA-256), size, and the tensors to feed and to read."""

    file: str
    sha256: str
    bytes: int
    input: str
    outputs: Sequence[str]


class EngineForm(NamedTuple):
    """How the model is evaluated: by the flat engine from its own document, or by onnxruntime from a file."""

    engine: str
    flat: JsonObject | None = None
    onnx: OnnxFile | None = None


class GoldenOutput(NamedTuple):
    """The answer to one golden row: a label or number, and the probabilities of all classes, None for regression."""

    predict: Label
    predict_proba: Sequence[float] | None


class GoldenRows(NamedTuple):
    """Made-up rows, raw cells by column name, and the answers that every environment must reproduce."""

    rows: Sequence[Mapping[str, Cell]]
    outputs: Sequence[GoldenOutput]


class Bundle(NamedTuple):
    """A version as it serves. `target` is None for an imported model that names none.

    `classes` are in the order of their indices, None for regression.

    `intervals` says how prediction intervals are made, None for classifiers. The features of
    `capture_percent` of the requests are captured, without the columns of `mask`.
    """

    model: str
    run_id: str
    task: str
    target: str | None
    classes: Sequence[Label] | None
    threshold: float | None
    encoding: Encoding
    form: EngineForm
    golden: GoldenRows
    intervals: IntervalRule | None
    capture_percent: float
    mask: Sequence[str]

    def to_bytes(self) -> bytes:
        """Return the file that is stored."""
        onnx = self.form.onnx
        return orjson.dumps({
            "format_version": FORMAT_VERSION,
            "model": self.model,
            "run_id": self.run_id,
            "task": self.task,
            "target": self.target,
            "classes": self.classes,
            "threshold": self.threshold,
            "encoding": self.encoding.to_json(),
            "engine": self.form.engine,
            "flat": self.form.flat,
            "onnx": None if onnx is None else onnx._asdict(),
            "golden": {"rows": self.golden.rows, "outputs": [output._asdict() for output in self.golden.outputs]},
            "interval": None if self.intervals is None else self.intervals.to_json(),
            "capture": {"percent": self.capture_percent, "mask": self.mask},
            "base": None,
        })  # fmt: skip


def read_bundle(body: bytes) -> Bundle:
    """Read a stored bundle; raise ArtifactRefusedError when it is none that this release reads."""
    try:
        document = orjson.loads(body)
        version = document["format_version"]
        if version == FORMAT_VERSION:
            return _read(document)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactRefusedError(f"the bundle is damaged: {error!r}") from error
    raise ArtifactRefusedError(f"the bundle has format version {version!r}, and version {FORMAT_VERSION} can be read")


def _read(document: Mapping[str, Any]) -> Bundle:
    onnx, golden, interval = document["onnx"], document["golden"], document["interval"]
    from modelloop.flat.intervals import interval_rule_from_json  # noqa: PLC0415  the engine needs 3.12, a client does not

    return Bundle(
        model=document["model"],
        run_id=document["run_id"],
        task=document["task"],
        target=document["target"],
        classes=document["classes"],
        threshold=document["threshold"],
        encoding=encoding_from_json(document["encoding"]),
        form=EngineForm(document["engine"], document["flat"], None if onnx is None else OnnxFile(**onnx)),
        golden=GoldenRows(golden["rows"], [GoldenOutput(**output) for output in golden["outputs"]]),
        intervals=None if interval is None else interval_rule_from_json(interval),
        capture_percent=document["capture"]["percent"],
        mask=document["capture"]["mask"],
    )
