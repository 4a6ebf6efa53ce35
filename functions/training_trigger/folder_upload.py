"""A folder of part files becomes one run, as one uploaded table does, when its marker arrives."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop import clock, keys
from modelloop.aws.storage import Bucket
from modelloop.errors import DatasetRejectedError, NotFoundError
from modelloop.ids import derived_uuid7, uuid7
from modelloop.versions.run import QUEUED, Dataset, Run
from training_trigger import engine
from training_trigger.intake import UPLOAD, Outcome, Work, bring_in, fetch, read_spec
from training_trigger.part_files import PartList, is_first, is_marker, list_parts, reason_to_wait, stored_parts
from training_trigger.plan import check_size
from training_trigger.reading.parts import disk_name

if TYPE_CHECKING:
    from pathlib import Path

    from modelloop.versions.run import SourceFile
    from training_trigger.events import UploadEvent
    from training_trigger.services import Services

WHO = "training_trigger"
WAITING = "waiting"


def take_folder(upload: UploadEvent, model: str, file: str, services: Services) -> Outcome:
    """Bring the files beside an uploaded marker to their queued or rejected run; raises as `take_table` does."""
    if not services.registry.advance_sequencer(model, upload.key, upload.sequencer):
        return Outcome("stale", model)
    data = Bucket(upload.bucket)
    listed = list_parts(upload.key, upload.version_id, model, data, services.artifacts)
    with engine.scratch() as folder:
        path = folder / "upload"
        try:
            refused = download(listed, data, path, services.trainer.storage_mb)
        except NotFoundError as error:
            return Outcome("gone", model, reason=f"a file of {upload.key} was deleted before it was read: {error}")
        spec, refusal, spec_digest = read_spec(services.data, keys.spec(model))
        uri = f"s3://{upload.bucket}/{upload.key}"
        dataset = Dataset(uri, upload.version_id, listed.digest, file, listed.size)
        run_id = uuid7(clock.to_ms(upload.time))
        run = services.registry.create_run(Run(model, run_id, UPLOAD, dataset, spec_digest, created_at=clock.now()))
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        return bring_in(Work(run, path, file, spec, services.trainer, refusal or refused), services)


def wait_for_marker(upload: UploadEvent, model: str, file: str, services: Services) -> Outcome | None:
    """Return that a file waits for the marker of its folder; None for a file that is a table by itself.

    The first file of a folder says so in the audit log too: without a marker nothing else would ever be seen of it.
    """
    data = Bucket(upload.bucket)
    reason = reason_to_wait(data, upload.key, file)
    if reason is None:
        return None
    if is_first(data, upload.key):
        audit_id = derived_uuid7(clock.to_ms(upload.time), f"{upload.key}/{upload.version_id}/{WAITING}")
        services.registry.record_audit(model, WAITING, WHO, reason, {"key": upload.key}, audit_id=audit_id)
    return Outcome(WAITING, model, reason=reason)


def download(listed: PartList, data: Bucket, path: Path, storage_mb: int) -> DatasetRejectedError | None:
    """Write the listed files into a new folder; return why they are refused, if they are."""
    path.mkdir()
    try:
        listed.check()
        check_size(listed.size, storage_mb)
    except DatasetRejectedError as refusal:
        return refusal
    for place, part in enumerate(listed.parts):
        if refused := fetch(data, part.key, path / disk_name(place, part.name), part.version_id):
            return refused
    return None


def download_origin(origin: SourceFile, model: str, path: Path, services: Services) -> None:
    """Write what a run began with: a file, or a folder of part files. Raises NotFoundError when it is no longer kept.

    Raises DatasetRejectedError when it does not fit on the disk.
    """
    name, _, key = origin.uri.removeprefix("s3://").partition("/")
    data = Bucket(name)
    if not is_marker(origin.file):
        data.download(key, path, origin.version_id)
        return
    listed = stored_parts(key, origin.version_id, model, services.artifacts)
    if refused := download(listed, data, path, services.trainer.storage_mb):
        raise refused
