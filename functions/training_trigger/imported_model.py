"""A brought model: an ONNX file that was fitted elsewhere, with a model.yaml that names its columns and outputs.

The run that it becomes goes the same way as every other: queued, examined, registered. Its prepared table holds no
training rows; with a reference table, all rows of that are held out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.pointer import LARGEST_BYTES
from modelloop.errors import DatasetRejectedError, NotFoundError, SpecError
from modelloop.settings import settings
from modelloop.spec.checks import check_upload
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.run import QUEUED
from training_trigger import engine, reference
from training_trigger.intake import Outcome, Work, bring_in, digest_of, fetch, new_run, read_spec
from training_trigger.plan import Need, make_plan
from training_trigger.prepare import FORMAT_VERSION, Prepared

if TYPE_CHECKING:
    from collections.abc import Callable

    from training_trigger.events import Arrival
    from training_trigger.services import Services

CAUSE = "model"


def take_model(arrival: Arrival, model: str, file: str, services: Services) -> Outcome:
    """Bring an uploaded ONNX model to its queued or rejected run. Raises TransientError when AWS does not answer."""
    if not services.registry.advance_sequencer(model, arrival.key, arrival.sequencer):
        return Outcome("stale", model)
    with engine.scratch() as folder:
        path, table = folder / "upload", folder / "reference"
        try:
            too_large = fetch(Bucket(arrival.bucket), arrival.key, path, arrival.version_id)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{arrival.key} was deleted before it was read")
        spec, refusal, spec_digest = read_spec(services.data, keys.brought(model, keys.SPEC_NAME))
        try:
            too_large = too_large or fetch(services.data, keys.brought(model, keys.REFERENCE_NAME), table)
        except NotFoundError:
            table.unlink(missing_ok=True)
        run = new_run(arrival, CAUSE, model, file, path, spec_digest)
        if table.exists():
            run = replace(run, dataset=replace(run.dataset, reference=digest_of(table)))
        run = services.registry.create_run(run)
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        return bring_in(Work(run, path, file, spec, refusal or too_large, prepare_model), services)


def prepare_model(work: Work, progress: Callable[[str], None]) -> Prepared:
    """Describe a brought model; raise DatasetRejectedError when its spec or reference table does not do."""
    size, spec = work.path.stat().st_size, work.spec
    if size > LARGEST_BYTES:
        raise DatasetRejectedError(
            f"the model has {size / 2**20:.1f} MiB, and {LARGEST_BYTES >> 20} MiB at most can be served: make it "
            "smaller (fewer trees, a narrower network, float16 weights)"
        )
    if not spec.columns:
        raise SpecError(
            "a brought model needs a model.yaml beside it that lists its `columns`: upload that, then the model"
        )
    check_upload(spec, brought=True)
    encoding = Encoding([_column(name, kind) for name, kind in spec.columns.items()], spec.missing)
    task = spec.task or ("classification" if spec.classes else "regression")
    if task == "classification" and not spec.classes:
        raise spec.refuse("task", "a brought classifier needs `classes`, in the order of its outputs")
    spec.check_task(task, len(spec.classes))
    if spec.metric == "deviance":
        raise spec.refuse("metric", "the loss of a brought model is unknown: name it, such as mae or poisson_deviance")
    found = reference.read(work.path.with_name("reference"), work.run.model, spec, encoding, task)
    progress("profiled")
    need = Need(found.rows, len(encoding.columns), len(encoding.slots), len(spec.classes), families=())
    plan = make_plan(need, size=size, memory_mb=settings().trainer_memory)
    document = {
        "format_version": FORMAT_VERSION, "model": work.run.model, "brought": True, "spec": spec.to_json(),
        "task": task, "task_reason": "the model was brought and its model.yaml says so", "target": spec.target,
        "target_kind": None, "classes": list(spec.classes) if task == "classification" else None,
        "merged_classes": [], "encoding": encoding.to_json(), "profile": [], "warnings": found.warnings,
        "rows": found.rows, "salt": split.salt(work.run.model), "split": {"kind": "reference"},
        "slices": found.slices,
    }  # fmt: skip
    return Prepared(document, found.files | {keys.ONNX: work.path}, plan, found.warnings)


def _column(name: str, kind: str | list[str]) -> Column:
    return Column(name, "text", categories=tuple(kind)) if isinstance(kind, list) else Column(name, kind)
