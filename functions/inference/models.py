"""A loaded version: its encoding and engine, proven by its golden rows before it may answer."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Protocol

import orjson

from inference.protocols.exchange import PROBA, Answer, Explanation, Query
from modelloop import keys
from modelloop.contracts.capture_record import CaptureRule
from modelloop.contracts.pointer import LARGEST_BYTES
from modelloop.errors import ArtifactRefusedError, InvalidValueError, TooLargeError
from modelloop.flat import load as load_flat
from modelloop.tables.encoding import encoding_from_json

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.aws.dataplane.objects import Objects
    from modelloop.contracts.pointer import VersionRef
    from modelloop.flat import Contributions, Outputs
    from modelloop.tables.encoding import Table

FORMAT_VERSION = 1
MOST_EXPLAINED = 1_000
_GOLDEN = {"flat": (1e-9, 1e-9), "onnx": (1e-4, 1e-5)}


class Engine(Protocol):
    """What evaluates vectors of `slots` floats; `classes` is 0 for regression."""

    slots: int
    classes: int

    def predict(self, vectors: Sequence[Sequence[float]], threshold: float | None = None) -> Outputs:
        """Return labels (indices) or numbers, and probabilities for classifiers."""
        ...

    def explain(self, vector: Sequence[float], label: int | None = None) -> Contributions:
        """Return what each slot contributes."""
        ...


class Model:
    """One version, ready to answer."""

    def __init__(self, ref: VersionRef, bundle: dict[str, Any], engine: Engine) -> None:
        self.ref = ref
        self.name: str = bundle["model"]
        self.bytes: int = ref.bytes + (bundle.get("onnx") or {}).get("bytes", 0)
        self.task: str = bundle["task"]
        self.classes: list[Any] | None = bundle["classes"]
        self.target: str = bundle["target"]
        self.engine_name: str = bundle["engine"]
        self.encoding = encoding_from_json(bundle["encoding"])
        self.threshold: float | None = bundle.get("threshold")
        self.quantiles: dict[str, float] = (bundle.get("interval") or {}).get("quantiles", {})
        capture = bundle.get("capture") or {}
        self.capture = CaptureRule(capture.get("percent", 100.0), frozenset(capture.get("mask", ())))
        self.engine = engine

    def answer(self, query: Query, prediction_id: str) -> tuple[Answer, Table]:
        """Answer a query; raises InvalidValueError naming field and row, or what this model does not offer."""
        if PROBA in query.outputs and self.classes is None:
            raise InvalidValueError(f"model {self.name!r} is a regression: it has no probabilities", field=PROBA)
        table = self.encoding.read(query.rows, query.cells)
        outputs = self.engine.predict(table.block, self.threshold)
        classes = self.classes
        labels = outputs.predict if classes is None else [classes[int(index)] for index in outputs.predict]
        answer = Answer(self.name, self.ref.version, prediction_id, labels, outputs.proba, classes)
        if query.interval is not None:
            answer.level, answer.intervals = query.interval, self._intervals(query.interval, outputs.predict)
        if query.explain:
            if query.rows > MOST_EXPLAINED:
                raise TooLargeError(f"at most {MOST_EXPLAINED} rows of one request are explained: send them in parts")
            answer.explanations = [self._explain(vector) for vector in table.block]
        return answer, table

    def _intervals(self, level: float, numbers: Sequence[float]) -> list[tuple[float, float]]:
        half = next((half for name, half in self.quantiles.items() if float(name) == level), None)
        if half is None:
            offered = ", ".join(self.quantiles) or "none"
            raise InvalidValueError(f"interval {level} is not offered; there is: {offered}", field="interval")
        return [(number - half, number + half) for number in numbers]

    def _explain(self, vector: list[float]) -> Explanation:
        if self.engine_name != "flat":
            raise InvalidValueError(f"version {self.ref.version} cannot explain its answers", field="explain")
        found = self.engine.explain(vector)
        label = None if self.classes is None or found.label is None else self.classes[found.label]
        return Explanation(found.base, found.by_column(self.encoding.slots), found.link, label)


def load(objects: Objects, ref: VersionRef) -> Model:
    """Fetch, check and prove a version.

    Raises ArtifactRefusedError when size, digest, content or golden rows are not what they should be, TransientError
    when it cannot be fetched, NotFoundError when it is gone.
    """
    model, golden = unproven(objects, ref)
    prove(model, golden)
    return model


def unproven(objects: Objects, ref: VersionRef) -> tuple[Model, dict[str, Any]]:
    """Fetch and check a version and return it with its golden rows, not yet replayed; raises as `load` does."""
    body = fetch(objects, ref.file, ref.sha256, ref.bytes)
    try:
        bundle = orjson.loads(body)
        if bundle["format_version"] != FORMAT_VERSION:
            raise ArtifactRefusedError(f"version {ref.version} has format {bundle['format_version']!r}")
        model = Model(ref, bundle, _engine(objects, bundle))
        golden = bundle["golden"]
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactRefusedError(f"version {ref.version} is damaged: {error!r}") from error
    _check_shape(model)
    return model, golden


def fetch(objects: Objects, key: str, digest: str, size: int) -> bytes:
    """Return a file that has exactly this size and digest; raises as `load` does."""
    if size > LARGEST_BYTES:
        raise ArtifactRefusedError(f"{key} has {size} bytes, the most is {LARGEST_BYTES}")
    body = objects.get(key, most_bytes=size).body
    if len(body) != size or sha256(body).hexdigest() != digest:
        raise ArtifactRefusedError(f"{key} is not what its digest says")
    return body


def _check_shape(model: Model) -> None:
    wanted, found = model.engine.slots, len(model.encoding.slots)
    if wanted != found:
        raise ArtifactRefusedError(f"version {model.ref.version} takes {wanted} slots, its encoding gives {found}")
    if len(model.classes or ()) != model.engine.classes:
        raise ArtifactRefusedError(f"version {model.ref.version} has {model.engine.classes} classes to name")


def _engine(objects: Objects, bundle: dict[str, Any]) -> Engine:
    if bundle["engine"] == "flat":
        return load_flat(bundle["flat"])
    if bundle["engine"] != "onnx":
        raise ArtifactRefusedError(f"a bundle for the engine {bundle['engine']!r}")
    from inference.onnx_engine import load_onnx  # noqa: PLC0415  only models without a flat form pay for it

    onnx = bundle["onnx"]
    key = keys.version(bundle["model"], bundle["run_id"], onnx["file"])
    return load_onnx(fetch(objects, key, onnx["sha256"], onnx["bytes"]), bundle)


def prove(model: Model, golden: dict[str, Any]) -> None:
    """Replay the golden rows through encoding and engine; raise ArtifactRefusedError at the first other answer."""
    try:
        row = _first_difference(model, golden["rows"], golden["outputs"])
    except (KeyError, TypeError, ValueError, IndexError, InvalidValueError) as error:
        raise ArtifactRefusedError(f"version {model.ref.version}: the golden rows fail: {error!r}") from error
    if row is not None:
        raise ArtifactRefusedError(f"version {model.ref.version}: golden row {row} gives another answer")


def _first_difference(model: Model, rows: list[dict[str, Any]], outputs: list[dict[str, Any]]) -> int | None:
    if not rows:
        return None
    cells = {column.name: [row.get(column.name) for row in rows] for column in model.encoding.columns}
    answer, _ = model.answer(Query(len(rows), cells), "")
    for row, expected in enumerate(outputs):
        if answer.proba is None:
            same = _near(model, [answer.predict[row]], [expected["predict"]])
        else:
            same = answer.predict[row] == expected["predict"]
            same = same and _near(model, answer.proba[row], expected["predict_proba"])
        if not same:
            return row
    return None


def _near(model: Model, got: Sequence[float], expected: Sequence[float]) -> bool:
    relative, absolute = _GOLDEN[model.engine_name]
    return len(got) == len(expected) and all(
        math.isclose(one, two, rel_tol=relative, abs_tol=absolute) for one, two in zip(got, expected, strict=True)
    )
