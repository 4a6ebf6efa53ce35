"""A brought model: an ONNX file that was fitted elsewhere, with a model.yaml that names its columns and outputs.

The run that it becomes goes the same way as every other: queued, examined, registered. Its prepared table holds no
training rows; with a reference table, all rows of that are held out.
"""

from __future__ import annotations

import csv
from itertools import islice
from typing import TYPE_CHECKING, Any

import numpy as np

from modelloop import keys, split
from modelloop.aws import storage
from modelloop.encoding import Column, Encoding
from modelloop.errors import DatasetRejectedError, InvalidValueError, NotFoundError, SpecError
from modelloop.grammar import read_number, read_text
from modelloop.plan import make_plan
from modelloop.run import QUEUED
from training_trigger import engine
from training_trigger.intake import Outcome, Work, bring_in, new_run, read_spec
from training_trigger.prepare import FORMAT_VERSION, Prepared
from training_trigger.reading import dialect, plaintext

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelloop.aws.registry import Registry
    from modelloop.settings import Settings
    from modelloop.spec import Spec
    from training_trigger.events import Arrival

CAUSE = "model"
LARGEST_BYTES = 200 << 20
MOST_REFERENCE_ROWS = 100_000


def take_model(arrival: Arrival, model: str, file: str, registry: Registry, config: Settings) -> Outcome:
    """Bring an uploaded ONNX model to its queued or rejected run. Raises TransientError when AWS does not answer."""
    if not registry.advance_sequencer(model, arrival.key, arrival.sequencer):
        return Outcome("stale", model)
    with engine.scratch() as folder:
        path, reference = folder / "upload", folder / "reference"
        try:
            storage.download(arrival.bucket, arrival.key, path, arrival.version_id)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{arrival.key} was deleted before it was read")
        spec, refusal, spec_digest = read_spec(config.data_bucket, keys.brought(model, keys.SPEC_NAME))
        try:
            storage.download(config.data_bucket, keys.brought(model, keys.REFERENCE_NAME), reference)
        except NotFoundError:
            reference.unlink(missing_ok=True)
        run = registry.create_run(new_run(arrival, CAUSE, model, file, path, spec_digest))
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        return bring_in(Work(run, path, file, spec, refusal, prepare_model), registry, config)


def prepare_model(work: Work, progress: Callable[[str], None]) -> Prepared:
    """Describe a brought model; raise DatasetRejectedError when its spec or reference table does not do."""
    size, spec = work.path.stat().st_size, work.spec
    if size > LARGEST_BYTES:
        raise DatasetRejectedError(f"the model has {size >> 20} MiB; at most {LARGEST_BYTES >> 20} MiB can be served")
    if not spec.columns:
        raise SpecError(
            "a brought model needs a model.yaml beside it that lists its `columns`: upload that, then the model"
        )
    encoding = Encoding([_column(name, kind) for name, kind in spec.columns.items()], spec.missing)
    task = spec.task or ("classification" if spec.classes else "regression")
    if task == "classification" and not spec.classes:
        raise spec.refuse("task", "a brought classifier needs `classes`, in the order of its outputs")
    spec.check_task(task, len(spec.classes))
    if spec.metric == "deviance":
        raise spec.refuse("metric", "the loss of a brought model is unknown: name it, such as mae or poisson_deviance")
    files = _reference(work, encoding)
    progress("profiled")
    rows = len(np.load(files["membership.npy"])) if files else 0
    plan = make_plan(
        rows=rows, columns=len(encoding.columns), slots=len(encoding.slots), size=size, classes=len(spec.classes)
    )
    warnings = [] if files else ["no reference.csv came with the model: drift has no baseline and quality no test"]
    document = {
        "format_version": FORMAT_VERSION, "model": work.run.model, "brought": True, "spec": spec.to_json(),
        "task": task, "task_reason": "the model was brought and its model.yaml says so", "target": spec.target,
        "target_kind": None, "classes": list(spec.classes) if task == "classification" else None,
        "merged_classes": [], "encoding": encoding.to_json(), "profile": [], "warnings": warnings, "rows": rows,
        "salt": split.salt(work.run.model), "split": {"kind": "reference", "holdout": 1.0},
    }  # fmt: skip
    return Prepared(document, files | {keys.ONNX: work.path}, plan.to_json(), warnings)


def _column(name: str, kind: str | list[str]) -> Column:
    return Column(name, "text", categories=tuple(kind)) if isinstance(kind, list) else Column(name, kind)


def _reference(work: Work, encoding: Encoding) -> dict[str, Path]:
    """Return the encoded reference table's files: all rows held out, with labels where it has the target."""
    path = work.path.with_name("reference")
    if not path.exists():
        return {}
    columns = _read(path)
    rows = len(next(iter(columns.values())))
    try:
        table = encoding.read(rows, columns)
    except InvalidValueError as error:
        place = f" in row {error.row + 1}" if error.row is not None else ""
        raise DatasetRejectedError(f"reference.csv, column {error.field!r}{place}: {error.message}") from error
    arrays: dict[str, Any] = {
        "matrix.npy": np.array(table.vectors, np.float32).reshape(rows, len(encoding.slots)),
        "membership.npy": np.full(rows, split.HOLDOUT, np.uint8),
    }
    if work.spec.target is not None:
        if work.spec.target not in columns:
            raise work.spec.refuse("target", f"reference.csv has no column {work.spec.target!r}")
        arrays["target.npy"] = _labels(columns[work.spec.target], work.spec)
    files = {name: path.with_name(name) for name in arrays}
    for name, array in arrays.items():
        np.save(files[name], array)
    return files


def _read(path: Path) -> dict[str, list[str]]:
    text, _ = plaintext.decode(path, path.with_suffix(".utf8"))
    style = dialect.detect(text)
    with text.open(encoding="utf-8", newline="") as stream:
        for _ in range(style.skip):
            stream.readline()
        try:
            rows = [row for row in islice(style.rows(stream), MOST_REFERENCE_ROWS + 1) if row][1:]
        except csv.Error as error:
            raise DatasetRejectedError(f"reference.csv cannot be read: {error}") from error
    ragged = next((place for place, row in enumerate(rows) if len(row) != len(style.columns)), None)
    if not rows or ragged is not None:
        where = "has no rows" if ragged is None else f"row {ragged + 1} has {len(rows[ragged])} values"
        raise DatasetRejectedError(f"reference.csv: {where}; its header names {len(style.columns)} columns")
    return dict(zip(style.columns, map(list, zip(*rows, strict=True)), strict=True))


def _labels(cells: list[str], spec: Spec) -> Any:
    missing = frozenset(spec.missing)
    try:
        if not spec.classes:
            numbers = [read_number(cell, missing) for cell in cells]
            return np.array([np.nan if number is None else number for number in numbers], np.float64)
        codes = {_key(label): code for code, label in enumerate(spec.classes)}
        return np.array([codes[_key(read_text(cell, missing))] for cell in cells], np.int32)
    except (InvalidValueError, KeyError) as error:
        told = error.message if isinstance(error, InvalidValueError) else f"{error.args[0]!r} is none of the `classes`"
        raise DatasetRejectedError(f"reference.csv, target {spec.target!r}: {told}") from error


def _key(label: object) -> str:
    text = read_text(label, frozenset())
    try:
        number = read_number(text, frozenset())
    except InvalidValueError:
        return str(text)
    return str(text) if number is None else read_text(number, frozenset()) or ""
