"""Training a model again: the rows it learned from and the rows whose labels came since, as a new derived table."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.contracts.origins import Origins
from modelloop.contracts.retrain_request import REQUEST
from modelloop.errors import DatasetRejectedError, NotFoundError
from modelloop.ids import MODEL_NAME, derived_uuid7, uuid7
from modelloop.spec.sections import MIN_LABELS
from modelloop.versions.run import QUEUED, SUCCEEDED, Dataset, Run
from training_trigger import engine
from training_trigger.derived_table import derive, read_labelled
from training_trigger.feedback_rows import reader_of, usable_rows
from training_trigger.folder_upload import download_origin
from training_trigger.imported_model import IMPORT
from training_trigger.intake import Outcome, Work, bring_in, champion_split, digest_of, read_spec
from training_trigger.part_files import is_marker

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelloop.contracts.labelled_row import LabelledRow
    from modelloop.contracts.retrain_request import RetrainRequest
    from modelloop.spec.model import Spec
    from modelloop.tables.labels import LabelReader
    from modelloop.versions.run import SourceFile
    from training_trigger.services import Services

WHO = "training_trigger"
FILE = "derived.csv"
WITHOUT_RUN = frozenset({"ignored", "refused", "gone", "repeated"})
RUNS_SEARCHED = 100


def answer(request: RetrainRequest, services: Services) -> Outcome:
    """Train again, or write to the audit log why no run was made: whoever asked no longer waits, and reads it there."""
    outcome = train_again(request, services)
    if outcome.what in WITHOUT_RUN and _is_known(services, request.model):
        detail = {"cause": request.cause, "request_id": request.request_id, **outcome.to_json()}
        name = f"{request.model}/{request.cause}/{request.request_id}/nothing"
        audit_id = derived_uuid7(clock.to_ms(request.time), name)
        why = f"no run: {outcome.reason}"
        services.registry.record_audit(request.model, "retrain", WHO, why, detail, audit_id=audit_id)
    return outcome


def train_again(request: RetrainRequest, services: Services) -> Outcome:
    """Queue one run on base rows and labelled rows, or return why there is none.

    A run that a person asks for trains on the rows that there are; one that the loop asks for needs new labels and no
    masked columns.
    """
    model = request.model
    base = _base_run(model, services) if MODEL_NAME.fullmatch(model) else None
    if base is None:
        return Outcome("ignored", model, reason="no trained table to start from")
    spec, refusal, spec_digest = read_spec(services.data, keys.spec(model))
    feedback = usable_rows(read_labelled(services.artifacts, model), _label_reader(base, spec, services))
    labelled = feedback.rows
    if request.cause != REQUEST and (reason := _reason_to_wait(spec, labelled)):
        return Outcome("refused", model, reason=reason)
    with engine.scratch() as folder:
        table, origin = folder / "upload", base.dataset.origin
        try:
            row_origins, unfit = _derive(model, origin, spec, labelled, table, services)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{origin.uri} is no longer kept: upload the table again")
        run = services.registry.create_run(_new_run(request, origin, table, len(labelled), spec_digest, services))
        if run.state != QUEUED:
            reason = f"run {run.run_id} has trained on the same rows with the same specification"
            return Outcome("repeated", model, run.run_id, reason)
        services.artifacts.put(keys.origins(model, run.dataset.digest), row_origins)
        services.artifacts.upload(keys.derived(model, run.dataset.digest), table)
        return bring_in(
            Work(run, table, FILE, spec, services.trainer, refusal or unfit, warnings=feedback.warnings), services
        )


def _label_reader(base: Run, spec: Spec, services: Services) -> LabelReader | None:
    """Return what reads labels as the run's version does, None when the run has no version."""
    try:
        version = services.registry.get_version(base.model, base.version or 0)
    except NotFoundError:
        return None
    return reader_of(version.facts, spec)


def _is_known(services: Services, model: str) -> bool:
    try:
        services.registry.get_model(model)
    except NotFoundError:
        return False
    return True


def _reason_to_wait(spec: Spec, labelled: Sequence[LabelledRow]) -> str | None:
    if spec.mask:
        return "masked columns are not captured, so live rows cannot be learned from"
    if len(labelled) < MIN_LABELS:
        return f"labels needed: {len(labelled)} of {MIN_LABELS} labelled rows"
    return None


def _derive(
    model: str, origin: SourceFile, spec: Spec, labelled: Sequence[LabelledRow], table: Path, services: Services
) -> tuple[bytes, DatasetRejectedError | None]:
    """Write the derived table and return its origins, or write the base as it is when the spec no longer fits it."""
    raw = table.with_name("base")
    bucket, _, key = origin.uri.removeprefix("s3://").partition("/")
    champion = champion_split(model, services)
    try:
        download_origin(origin, model, raw, services)
        with engine.connect(table.parent) as connection:
            document = derive(
                connection, raw, file=origin.file, spec=spec, labelled=labelled, sink=table, champion_split=champion
            )
            return document, None
    except DatasetRejectedError as error:
        if is_marker(origin.file):
            table.write_text(origin.digest)  # in place of many files, for a run that is refused
        else:
            Bucket(bucket).download(key, table, origin.version_id)
        return Origins(0, ()).to_bytes(), error


def _base_run(model: str, services: Services) -> Run | None:
    """Return the run of the champion, or else of the newest version, that was trained here on a table."""
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is not None and pointer.champion is not None:
        run = services.registry.get_run(model, pointer.champion.run_id)
        return None if run.cause == IMPORT else run
    trained = (run for run in services.registry.list_runs(model, limit=RUNS_SEARCHED).items if run.state == SUCCEEDED)
    return next((run for run in trained if run.cause != IMPORT), None)


def _new_run(
    request: RetrainRequest, origin: SourceFile, table: Path, labelled: int, spec_digest: str, services: Services
) -> Run:
    digest = digest_of(table)
    uri = f"s3://{services.artifacts.name}/{keys.derived(request.model, digest)}"
    dataset = Dataset(uri, None, digest, FILE, table.stat().st_size, base=origin, labelled=labelled)
    return Run(
        request.model, uuid7(), request.cause, dataset, spec_digest, created_at=clock.now(),
        request_id=request.request_id,
    )  # fmt: skip
