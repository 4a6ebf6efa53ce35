"""A loaded version: its encoding and engine, proven by its golden rows before it may answer."""

from __future__ import annotations

import math
from hashlib import sha256
from typing import TYPE_CHECKING, Protocol

from inference.protocols.exchange import PROBA, SHAP, Answer, Explanation, Query
from modelloop import keys
from modelloop.contracts.bundle import FLAT, ONNX, read_bundle
from modelloop.contracts.capture_record import CaptureRule
from modelloop.contracts.pointer import MAX_MODEL_BYTES
from modelloop.errors import ArtifactRefusedError, InvalidValueError, TooLargeError
from modelloop.flat import FlatModel
from modelloop.flat import load as load_flat
from modelloop.flat.intervals import Intervals

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.aws.dataplane.objects import Objects
    from modelloop.contracts.bundle import Bundle, GoldenRows
    from modelloop.contracts.pointer import VersionRef
    from modelloop.flat import Contributions, Outputs
    from modelloop.tables.encoding import Table

MAX_EXPLAINED = 1_000
MAX_SHAP_SECONDS = 5.0  # by the estimate; a request has 29
_GOLDEN = {FLAT: (1e-9, 1e-9), ONNX: (1e-4, 1e-5)}


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

    def __init__(self, ref: VersionRef, bundle: Bundle, engine: Engine) -> None:
        onnx = bundle.form.onnx
        self.ref = ref
        self.name = bundle.model
        self.bytes = ref.bytes + (0 if onnx is None else onnx.bytes)
        self.task = bundle.task
        self.classes = bundle.classes
        self.target = bundle.target
        self.engine_name = bundle.form.engine
        self.encoding = bundle.encoding
        self.threshold = bundle.threshold
        self.intervals = None if bundle.intervals is None else Intervals(bundle.intervals)
        self.capture = CaptureRule(bundle.capture_percent, frozenset(bundle.mask))
        self.engine = engine

    def answer(self, query: Query, prediction_id: str) -> tuple[Answer, Table]:
        """Answer a query; raises InvalidValueError naming field and row, or what this model does not offer."""
        if PROBA in query.outputs and self.classes is None:
            raise InvalidValueError(f"model {self.name!r} is a regression: it has no probabilities", field=PROBA)
        table = self.encoding.read(query.rows, query.cells)
        outputs = self.engine.predict(table.block, self.threshold)
        classes = self.classes
        labels = outputs.predict if classes is None else [classes[int(index)] for index in outputs.predict]
        intervals = None
        if query.interval is not None:
            intervals = self._intervals(query.interval, table.block, outputs.predict)
        explanations = None if query.explain is None else self._explanations(query.explain, table.block)
        return Answer(
            self.name, self.ref.version, prediction_id, labels, outputs.proba, classes, explanations, intervals,
            query.interval, table.unseen or None,
        ), table  # fmt: skip

    @property
    def levels(self) -> list[float]:
        """The levels of the prediction intervals that are offered."""
        return [] if self.intervals is None else self.intervals.levels

    def _intervals(
        self, level: float, vectors: Sequence[Sequence[float]], numbers: Sequence[float]
    ) -> list[tuple[float, float]]:
        intervals = self.intervals
        half = None if intervals is None else intervals.half_width(level)
        if intervals is None or half is None:
            offered = ", ".join(map("{:g}".format, self.levels)) or "none"
            raise InvalidValueError(f"interval {level} is not offered; there is: {offered}", field="interval")
        return intervals.around(half, vectors, numbers)

    def _explanations(self, way: str, vectors: Sequence[list[float]]) -> list[Explanation]:
        if len(vectors) > MAX_EXPLAINED:
            raise TooLargeError(f"at most {MAX_EXPLAINED} rows of one request are explained: send them in parts")
        if not isinstance(self.engine, FlatModel):
            raise InvalidValueError(f"version {self.ref.version} cannot explain its answers", field="explain")
        if way == SHAP:
            check_shap_cost(self.engine, len(vectors))
            method = self.engine.shapley_method
            return [self._explanation(parts, method) for parts in self.engine.explain_shapley(vectors)]
        return [self._explanation(self.engine.explain(vector)) for vector in vectors]

    def _explanation(self, parts: Contributions, method: str | None = None) -> Explanation:
        label = None if self.classes is None or parts.label is None else self.classes[parts.label]
        return Explanation(parts.base, parts.by_column(self.encoding.slots), parts.link, label, method)


def check_shap_cost(engine: FlatModel, rows: int) -> None:
    """Raise TooLargeError, with the rows that would fit, when SHAP values of so many rows would take too long."""
    most = engine.shapley_cost.rows_within(MAX_SHAP_SECONDS)
    if rows > most:
        offer = f"send at most {most} rows" if most else "this model is too large for them"
        raise TooLargeError(f"SHAP values of {rows} rows would take too long: {offer}, or ask for explain: true")


def load(objects: Objects, ref: VersionRef) -> Model:
    """Fetch, check and prove a version.

    Raises ArtifactRefusedError when size, digest, content or golden rows are not what they should be, TransientError
    when it cannot be fetched, NotFoundError when it is gone.
    """
    model, golden = unproven(objects, ref)
    prove(model, golden)
    return model


def unproven(objects: Objects, ref: VersionRef) -> tuple[Model, GoldenRows]:
    """Fetch and check a version and return it with its golden rows, not yet replayed; raises as `load` does."""
    bundle = read_bundle(fetch(objects, ref.file, ref.sha256, ref.bytes))
    try:
        model = Model(ref, bundle, _engine(objects, bundle))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ArtifactRefusedError(f"version {ref.version} is damaged: {error!r}") from error
    _check_shape(model)
    return model, bundle.golden


def fetch(objects: Objects, key: str, digest: str, size: int) -> bytes:
    """Return a file that has exactly this size and digest; raises as `load` does."""
    if size > MAX_MODEL_BYTES:
        raise ArtifactRefusedError(f"{key} has {size} bytes, the most is {MAX_MODEL_BYTES}")
    body = objects.get(key, most_bytes=size).body
    if len(body) != size or sha256(body).hexdigest() != digest:
        raise ArtifactRefusedError(f"{key} is not what its digest says")
    return body


def _check_shape(model: Model) -> None:
    slots, encoded = model.engine.slots, len(model.encoding.slots)
    if slots != encoded:
        raise ArtifactRefusedError(f"version {model.ref.version} takes {slots} slots, its encoding gives {encoded}")
    if len(model.classes or ()) != model.engine.classes:
        raise ArtifactRefusedError(f"version {model.ref.version} has {model.engine.classes} classes to name")


def _engine(objects: Objects, bundle: Bundle) -> Engine:
    form = bundle.form
    if form.engine == FLAT and form.flat is not None:
        return load_flat(form.flat)
    if form.engine != ONNX or form.onnx is None:
        raise ArtifactRefusedError(f"a bundle for the engine {form.engine!r}")
    from inference.onnx_engine import load_onnx  # noqa: PLC0415  only models without a flat form pay for it

    key = keys.version(bundle.model, bundle.run_id, form.onnx.file)
    content = fetch(objects, key, form.onnx.sha256, form.onnx.bytes)
    return load_onnx(content, output=form.onnx.outputs[-1], task=bundle.task, classes=len(bundle.classes or ()))


def prove(model: Model, golden: GoldenRows) -> None:
    """Replay the golden rows through encoding and engine; raise ArtifactRefusedError at the first other answer."""
    try:
        row = _first_difference(model, golden)
    except (KeyError, TypeError, ValueError, IndexError, InvalidValueError) as error:
        raise ArtifactRefusedError(f"version {model.ref.version}: the golden rows fail: {error!r}") from error
    if row is not None:
        raise ArtifactRefusedError(f"version {model.ref.version}: golden row {row} gives another answer")


def _first_difference(model: Model, golden: GoldenRows) -> int | None:
    if not golden.rows:
        return None
    cells = {column.name: [row.get(column.name) for row in golden.rows] for column in model.encoding.columns}
    answer, _ = model.answer(Query(len(golden.rows), cells), "")
    for row, expected in enumerate(golden.outputs):
        if answer.proba is None:
            same = _near(model, [float(answer.predict[row])], [float(expected.predict)])
        else:
            same = answer.predict[row] == expected.predict
            same = same and _near(model, answer.proba[row], expected.predict_proba or ())
        if not same:
            return row
    return None


def _near(model: Model, got: Sequence[float], expected: Sequence[float]) -> bool:
    relative, absolute = _GOLDEN[model.engine_name]
    return len(got) == len(expected) and all(
        math.isclose(number, other, rel_tol=relative, abs_tol=absolute)
        for number, other in zip(got, expected, strict=True)
    )
