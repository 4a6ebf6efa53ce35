"""One uploaded table becomes exactly one run: queued with its prepared table, or rejected with a reason.

Every step is safe to repeat: the run exists once by its key, the prepared files have the same bytes each time, the
message has the run's id. A second delivery of the event continues where the first one stopped.
"""

from __future__ import annotations

from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING

import duckdb

from modelloop import clock, keys
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.errors import (
    ConflictError,
    DatasetRejectedError,
    NotFoundError,
    SpecError,
    TooLargeError,
    TransientError,
)
from modelloop.ids import uuid7
from modelloop.spec.model import MAX_BYTES, Spec, parse_spec, too_long
from modelloop.tables.split import RULE_VERSION
from modelloop.versions.prepared_table import TableDocument, TableFile
from modelloop.versions.run import FAILED, QUEUED, REJECTED, Dataset, Run
from modelloop.versions.run_change import RunChange
from training_trigger import engine
from training_trigger.founding import ChampionSplit
from training_trigger.part_files import reason_to_refuse
from training_trigger.preparation import prepare

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from modelloop.aws.registry.registry import Registry
    from training_trigger.events import UploadEvent
    from training_trigger.preparation import Prepared
    from training_trigger.services import Services, Trainer

PERCENT = {"received": 0, "profiled": 10, "encoded": 20, "queued": 25}
UPLOAD = "upload"
WAITING_RUNS = 50
MAX_ATTEMPTS = 3  # the first delivery of an event and its two retries
KILLED = (
    "every attempt to prepare the table was killed, out of memory or time: upload fewer rows or columns, "
    "or shorter texts"
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event: ignored, waiting, refused, stale, gone, repeated, queued, rejected or failed."""

    what: str
    model: str | None = None
    run_id: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return what the log and the invoker get."""
        return {"outcome": self.what, "model": self.model, "run_id": self.run_id, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class Work:
    """A run that is not queued yet: its file on disk, its spec or why that is refused, and how it is prepared.

    `trainer` is the deployed trainer; `champion_split` is how the champion's rows were divided, None without one.
    `warnings` are what is known already, before the table is read.
    """

    run: Run
    path: Path
    file: str
    spec: Spec
    trainer: Trainer
    refusal: DatasetRejectedError | None = None
    prepare: Callable[[Work, Callable[[str], None]], Prepared] = field(default_factory=lambda: prepare_table)
    champion_split: ChampionSplit | None = None
    warnings: tuple[str, ...] = ()


def take_table(upload: UploadEvent, model: str, file: str, services: Services) -> Outcome:
    """Bring an uploaded table to its queued or rejected run. Raises TransientError when AWS does not answer."""
    if not services.registry.advance_sequencer(model, upload.key, upload.sequencer):
        return Outcome("stale", model)
    with engine.scratch() as folder:
        path = folder / "upload"
        try:
            unfit = reason_to_refuse(file) or fetch(Bucket(upload.bucket), upload.key, path, upload.version_id)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{upload.key} was deleted before it was read")
        spec, refusal, spec_digest = read_spec(services.data, keys.spec(model))
        run = services.registry.create_run(new_run(upload, UPLOAD, model, file, path, spec_digest))
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        return bring_in(Work(run, path, file, spec, services.trainer, refusal or unfit), services)


def prepare_table(work: Work, progress: Callable[[str], None]) -> Prepared:
    """Prepare an uploaded table, in a DuckDB of its own."""
    with engine.connect(work.path.parent) as connection:
        return prepare(
            connection,
            work.path,
            file=work.file,
            model=work.run.model,
            spec=work.spec,
            trainer=work.trainer,
            progress=progress,
            champion_split=work.champion_split,
        )


def fetch(bucket: Bucket, key: str, path: Path, version_id: str | None = None) -> DatasetRejectedError | None:
    """Download an object; return why it is refused, and leave nothing, when it does not fit on the disk."""
    try:
        with engine.within_limits():
            bucket.download(key, path, version_id)
    except DatasetRejectedError as refusal:
        path.unlink()
        return refusal
    return None


def read_spec(bucket: Bucket, key: str) -> tuple[Spec, SpecError | None, str]:
    """Return the spec under a key, or why it is refused, and the digest that stands for it in the run's key.

    The run is created after this, and shows the refusal; so whatever goes wrong with what the key holds is one.
    """
    try:
        raw = bucket.get(key, most=MAX_BYTES)
    except NotFoundError:
        return Spec(), None, Spec().digest
    except TooLargeError:
        head = bucket.head(key)
        return Spec(), too_long(), sha256(f"{key}\n{head and head.etag}".encode()).hexdigest()
    try:
        spec = parse_spec(raw.decode())
        digest = spec.digest
    except UnicodeDecodeError:
        refusal = SpecError("model.yaml is not UTF-8 text")
    except SpecError as error:
        refusal = error
    except Exception as error:  # noqa: BLE001  a text that no reader foresaw must not leave an upload without a run
        refusal = SpecError(f"model.yaml cannot be read ({type(error).__name__}): simplify it and upload it again")
    else:
        return spec, None, digest
    return Spec(), refusal, sha256(raw).hexdigest()


def new_run(upload: UploadEvent, cause: str, model: str, file: str, path: Path, spec_digest: str) -> Run:
    """Return the run that an uploaded file asks for; its id carries the time of the upload.

    The digest of a file that is not on disk, because it is too large or no table by itself, is that of its address: the
    same content may come again under another name.
    """
    uri = f"s3://{upload.bucket}/{upload.key}"
    digest, size = sha256(f"{uri}\n{upload.version_id}".encode()).hexdigest(), upload.size
    if path.exists():
        digest, size = digest_of(path), path.stat().st_size
    dataset = Dataset(uri, upload.version_id, digest, file, size)
    return Run(model, uuid7(clock.to_ms(upload.time)), cause, dataset, spec_digest, created_at=clock.now())


def digest_of(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def bring_in(work: Work, services: Services) -> Outcome:
    """Prepare and queue a run, or reject it; a run that was ended elsewhere in the meantime is left alone."""
    model, run_id = work.run.model, work.run.run_id
    try:
        if work.run.stage != "queued":
            run = _begin_attempt(services.registry, work.run)
            if run is None:
                return Outcome("failed", model, run_id, KILLED)
            _bring_to_queue(replace(work, run=run), services)
        services.queue.send(work.run)
        _supersede_older(work.run, services)
    except DatasetRejectedError as refusal:
        services.registry.finish_run(model, run_id, REJECTED, refusal.message)
        return Outcome("rejected", model, run_id, refusal.message)
    except ConflictError:
        return Outcome("repeated", model, run_id)
    return Outcome("queued", model, run_id)


def _begin_attempt(registry: Registry, run: Run) -> Run | None:
    """Count an attempt to prepare a run; end the run and return None when no further one may begin.

    A killed attempt records no reason. If every attempt so far was killed, the run fails now: the last one would be
    killed too, and nothing would end the run after it.
    """
    if run.created:
        return run
    if run.intake_attempts == MAX_ATTEMPTS - 1 and run.reason is None:
        registry.finish_run(run.model, run.run_id, FAILED, KILLED)
        return None
    return registry.update_run(run.model, run.run_id, RunChange(intake_attempts=run.intake_attempts + 1))


@contextmanager
def _recording_failure(registry: Registry, run: Run) -> Iterator[None]:
    """Record why an attempt failed, and raise the error again; an unknown error of the last attempt ends the run.

    A run does not end because AWS did not answer: the event can be delivered again.
    """
    try:
        yield
    except (DatasetRejectedError, ConflictError):
        raise
    except Exception as error:
        reason = f"preparation attempt {run.intake_attempts} failed: {_told(error)}"
        with suppress(TransientError, ConflictError):
            if run.intake_attempts >= MAX_ATTEMPTS and not isinstance(error, TransientError):
                registry.finish_run(run.model, run.run_id, FAILED, reason)
            else:
                registry.update_run(run.model, run.run_id, RunChange(reason=reason))
        raise


def _told(error: Exception) -> str:
    """Return what a person is told of an unknown error; the engine's own words are SQL, and stay in the log."""
    if isinstance(error, duckdb.Error):
        return "the table could not be read or divided; the log of the training trigger says more"
    return f"{type(error).__name__}: {str(error)[:300]}"


def _bring_to_queue(work: Work, services: Services) -> None:
    model, run_id = work.run.model, work.run.run_id
    with _recording_failure(services.registry, work.run):
        _store(work.run, _prepare(work, services), services)
        services.registry.update_run(model, run_id, RunChange(stage="queued", percent=PERCENT["queued"], reason=None))


def _prepare(work: Work, services: Services) -> Prepared:
    if work.refusal is not None:
        raise work.refusal

    def progress(stage: str) -> None:
        services.registry.update_run(work.run.model, work.run.run_id, RunChange(stage=stage, percent=PERCENT[stage]))

    prepared = work.prepare(replace(work, champion_split=champion_split(work.run.model, services)), progress)
    facts = replace(prepared.facts, warnings=[*work.warnings, *prepared.facts.warnings])
    return replace(prepared, facts=facts)


def champion_split(model: str, services: Services) -> ChampionSplit | None:
    """Return how the rows of the model's champion were divided, None without a champion."""
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is None or pointer.champion is None:
        return None
    try:
        facts = services.registry.get_version(model, pointer.champion.version).facts
    except NotFoundError:
        return None
    split = facts.split
    if split is None:
        return ChampionSplit(facts.target or "", None, None)
    missing = None if split.missing is None else tuple(split.missing)
    return ChampionSplit(
        facts.target or "",
        split.kind,
        split.columns,
        split.column,
        split.rule,
        split.version or RULE_VERSION,
        missing,
        split.copies,
    )


def _store(run: Run, prepared: Prepared, services: Services) -> None:
    """Upload the prepared table, its document last, and write what is known to the run."""
    facts, model, run_id = prepared.facts, run.model, run.run_id
    dataset = replace(run.dataset, rows=facts.rows, columns=len(facts.profile))
    files = {name: TableFile(digest_of(path), path.stat().st_size) for name, path in prepared.files.items()}
    for name, path in prepared.files.items():
        services.artifacts.upload(keys.prepared(model, run_id, name), path)
    document = TableDocument(facts, run_id, dataset, files, prepared.plan)
    services.artifacts.put(keys.prepared(model, run_id, "table.json"), document.to_bytes())
    change = RunChange(
        stage="encoded", percent=PERCENT["encoded"], dataset=dataset, plan=prepared.plan,
        task_reason=facts.task_reason, warnings=facts.warnings,
    )  # fmt: skip
    services.registry.update_run(model, run_id, change)


def _supersede_older(run: Run, services: Services) -> None:
    """End the runs of the model that still wait and are older than this one."""
    for waiting in services.registry.list_runs(run.model, limit=WAITING_RUNS).items:
        if waiting.state == QUEUED and waiting.run_id < run.run_id:
            services.registry.supersede_run(run.model, waiting.run_id, f"run {run.run_id} has newer data")
