"""An imported model: an ONNX file that was fitted elsewhere, with a model.yaml that names its columns and outputs.

Its run goes the same way as every other: queued, examined, registered. Its prepared table holds no training rows; with
a reference table, all rows of that are held out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from modelloop import keys
from modelloop.aws.storage import Bucket
from modelloop.contracts.pointer import MAX_MODEL_BYTES
from modelloop.errors import DatasetRejectedError, NotFoundError, SpecError
from modelloop.spec.checks import check_upload
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import Split
from modelloop.versions.prepared_table import TableFacts
from modelloop.versions.run import QUEUED
from training_trigger import engine, reference_table
from training_trigger.intake import Outcome, Work, bring_in, digest_of, fetch, new_run, read_spec
from training_trigger.plan import Need, make_plan
from training_trigger.preparation import Prepared
from training_trigger.target import CLASSIFICATION, REGRESSION

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.spec.model import Spec
    from training_trigger.events import UploadEvent
    from training_trigger.services import Services

IMPORT = "model"  # the cause of such a run


def take_model(upload: UploadEvent, model: str, file: str, services: Services) -> Outcome:
    """Bring an uploaded ONNX model to its queued or rejected run. Raises TransientError when AWS does not answer."""
    if not services.registry.advance_sequencer(model, upload.key, upload.sequencer):
        return Outcome("stale", model)
    with engine.scratch() as folder:
        path, table = folder / "upload", folder / "reference"
        try:
            too_large = fetch(Bucket(upload.bucket), upload.key, path, upload.version_id)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{upload.key} was deleted before it was read")
        spec, refusal, spec_digest = read_spec(services.data, keys.brought(model, keys.SPEC_NAME))
        try:
            too_large = too_large or fetch(services.data, keys.brought(model, keys.REFERENCE_NAME), table)
        except NotFoundError:
            table.unlink(missing_ok=True)
        run = new_run(upload, IMPORT, model, file, path, spec_digest)
        if table.exists():
            run = replace(run, dataset=replace(run.dataset, reference=digest_of(table)))
        run = services.registry.create_run(run)
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        work = Work(run, path, file, spec, services.trainer, refusal or too_large, prepare_model)
        return bring_in(work, services)


def prepare_model(work: Work, progress: Callable[[str], None]) -> Prepared:
    """Describe an imported model; raise DatasetRejectedError when it, its spec or its reference table is unusable."""
    size, spec = work.path.stat().st_size, work.spec
    if size > MAX_MODEL_BYTES:
        raise DatasetRejectedError(
            f"the model has {size / 2**20:.1f} MiB, and at most {MAX_MODEL_BYTES >> 20} MiB can be served: make it "
            "smaller (fewer trees, a narrower network, float16 weights)"
        )
    task = _task(spec)
    encoding = Encoding([_column(name, kind) for name, kind in spec.columns.items()], _missing(spec))
    reference = reference_table.read(work.path.with_name("reference"), work.run.model, spec, encoding, task)
    progress("profiled")
    need = Need(reference.rows, len(encoding.columns), len(encoding.slots), len(spec.classes), families=())
    plan = make_plan(need, size=size, memory_mb=work.trainer.memory_mb)
    facts = TableFacts(
        model=work.run.model,
        spec=spec,
        task=task,
        task_reason=f"{task}, because the model.yaml of the imported model says so",
        target=spec.target,
        target_kind=None,
        classes=list(spec.classes) if task == CLASSIFICATION else None,
        merged_classes=[],
        encoding=encoding,
        profile=[],
        warnings=reference.warnings,
        rows=reference.rows,
        salt=split.salt(work.run.model),
        split=Split(split.REFERENCE),
        slices=reference.slices,
        imported=True,
    )
    return Prepared(facts, {**reference.files, keys.ONNX: work.path}, plan)


def _task(spec: Spec) -> str:
    """Return the task of an imported model; raise SpecError for a model.yaml that does not describe one."""
    if not spec.columns:
        raise SpecError(
            "an imported model needs a model.yaml beside it that lists its `columns`: upload that, then the model"
        )
    check_upload(spec, imported=True)
    task = spec.task or (CLASSIFICATION if spec.classes else REGRESSION)
    if task == CLASSIFICATION and not spec.classes:
        raise spec.refuse("task", "an imported classifier needs `classes`, in the order of its outputs")
    spec.check_task(task, len(spec.classes))
    if spec.metric == "deviance":
        raise spec.refuse(
            "metric", "the loss of an imported model is unknown: name it, such as mae or poisson_deviance"
        )
    return task


def _missing(spec: Spec) -> tuple[str, ...]:
    """Return the missing tokens, without those that the spec names as a category: it says what they mean."""
    named = {item for kind in spec.columns.values() if isinstance(kind, list) for item in kind}
    return tuple(token for token in spec.missing if token not in named)


def _column(name: str, kind: str | list[str]) -> Column:
    return Column(name, "text", categories=tuple(kind)) if isinstance(kind, list) else Column(name, kind)
