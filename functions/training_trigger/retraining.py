"""A model trained again: the rows it learned from and the rows whose labels came since, as a new derived table."""

from __future__ import annotations

from hashlib import file_digest
from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.captures import origins
from modelloop.errors import DatasetRejectedError, NotFoundError
from modelloop.ids import MODEL_NAME, derived_uuid7, uuid7
from modelloop.spec.sections import MIN_LABELS
from modelloop.versions.run import QUEUED, SUCCEEDED, Dataset, Run, SourceFile
from training_trigger import engine
from training_trigger.derive import derive
from training_trigger.intake import Outcome, Work, bring_in, read_spec
from training_trigger.labelled_rows import read_labelled

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from modelloop.contracts.retrain_request import RetrainRequest as Retrain
    from modelloop.spec.model import Spec
    from training_trigger.labelled_rows import LabelledRow
    from training_trigger.services import Services

REQUEST = "request"
WHO = "training_trigger"
NOTHING_NEW = frozenset({"ignored", "refused", "gone", "repeated"})
RUNS_SEARCHED = 100
BROUGHT = "model"


def answer(wish: Retrain, services: Services) -> Outcome:
    """Train again, or tell the audit log why there is nothing to train: whoever asked has gone, and reads it there."""
    outcome = train_again(wish, services)
    if outcome.what in NOTHING_NEW and _is_known(services, wish.model):
        detail = {"cause": wish.cause, "request_id": wish.request_id, **outcome.to_json()}
        audit_id = derived_uuid7(clock.to_ms(wish.time), f"{wish.model}/{wish.cause}/{wish.request_id}/nothing")
        why = f"no run: {outcome.reason}"
        services.registry.record_audit(wish.model, "retrain", WHO, why, detail, audit_id=audit_id)
    return outcome


def train_again(wish: Retrain, services: Services) -> Outcome:
    """Queue one run on base rows and labelled rows, or say why there is none.

    A run that a person asks for trains on what there is; one that the loop wants needs new labels and no masked
    columns.
    """
    base = _base_run(wish.model, services) if MODEL_NAME.fullmatch(wish.model) else None
    if base is None:
        return Outcome("ignored", wish.model, reason="no trained table to start from")
    spec, refusal, spec_digest = read_spec(services.data, keys.spec(wish.model))
    labelled = read_labelled(services.artifacts, wish.model)
    if wish.cause != REQUEST and (reason := _reason_to_wait(spec, labelled)):
        return Outcome("refused", wish.model, reason=reason)
    with engine.scratch() as folder:
        table, origin = folder / "upload", base.dataset.origin
        try:
            told, refused = _derive(origin, spec, labelled, table)
        except NotFoundError:
            return Outcome("gone", wish.model, reason=f"{origin.uri} is no longer kept: upload the table again")
        run = services.registry.create_run(_run(wish, origin, table, len(labelled), spec_digest, services))
        if run.state != QUEUED:
            reason = f"run {run.run_id} has trained on the same rows with the same specification"
            return Outcome("repeated", wish.model, run.run_id, reason)
        digest = run.dataset.digest
        services.artifacts.put(keys.origins(run.model, digest), told)
        services.artifacts.upload(keys.derived(run.model, digest), table)
        return bring_in(Work(run, table, "derived.csv", spec, refusal or refused), services)


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
    origin: SourceFile, spec: Spec, labelled: Sequence[LabelledRow], table: Path
) -> tuple[bytes, DatasetRejectedError | None]:
    """Write the derived table and return its origins, or write the base as it is when the spec no longer fits it."""
    raw = table.with_name("base")
    bucket, _, key = origin.uri.removeprefix("s3://").partition("/")
    Bucket(bucket).download(key, raw, origin.version_id)
    try:
        with engine.connect(table.parent) as connection:
            return derive(connection, raw, file=origin.file, spec=spec, labelled=labelled, sink=table), None
    except DatasetRejectedError as error:
        Bucket(bucket).download(key, table, origin.version_id)
        return origins.document(0, ()), error


def _base_run(model: str, services: Services) -> Run | None:
    """Return the run of the champion, or else of the newest version, that was trained here on a table."""
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is not None and pointer.champion is not None:
        run = services.registry.get_run(model, pointer.champion.run_id)
        return None if run.cause == BROUGHT else run
    trained = (run for run in services.registry.list_runs(model, limit=RUNS_SEARCHED).items if run.state == SUCCEEDED)
    return next((run for run in trained if run.cause != BROUGHT), None)


def _run(wish: Retrain, origin: SourceFile, table: Path, labelled: int, spec_digest: str, services: Services) -> Run:
    with table.open("rb") as stream:
        digest = file_digest(stream, "sha256").hexdigest()
    uri = f"s3://{services.artifacts.name}/{keys.derived(wish.model, digest)}"
    dataset = Dataset(uri, None, digest, "derived.csv", table.stat().st_size, base=origin, labelled=labelled)
    created = clock.now()
    return Run(wish.model, uuid7(), wish.cause, dataset, spec_digest, created_at=created, request_id=wish.request_id)
