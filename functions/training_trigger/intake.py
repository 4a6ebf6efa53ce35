"""One uploaded table becomes exactly one run: queued with its prepared table, or rejected with a reason.

Every step is safe to repeat: the run exists once by its key, the prepared files have the same bytes each time, the
message has the run's id. A second delivery of the event goes on where the first one stopped.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field, replace
from hashlib import file_digest, sha256
from typing import TYPE_CHECKING, Any

from modelloop import clock, keys
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.errors import ConflictError, DatasetRejectedError, NotFoundError, SpecError
from modelloop.ids import uuid7
from modelloop.spec.model import Spec, parse_spec
from modelloop.versions.run import QUEUED, REJECTED, Dataset, Run
from training_trigger import attempts, engine
from training_trigger.prepare import prepare

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from training_trigger.events import Arrival
    from training_trigger.prepare import Prepared
    from training_trigger.services import Services

PERCENT = {"received": 0, "profiled": 10, "encoded": 20, "queued": 25}
UPLOAD = "upload"
WAITING_RUNS = 50


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of an event: ignored, refused, stale, gone, repeated, queued, rejected or failed."""

    what: str
    model: str | None = None
    run_id: str | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, str | None]:
        """Return what the log and the invoker are told."""
        return {"outcome": self.what, "model": self.model, "run_id": self.run_id, "reason": self.reason}


def take_table(arrival: Arrival, model: str, file: str, services: Services) -> Outcome:
    """Bring an uploaded table to its queued or rejected run. Raises TransientError when AWS does not answer."""
    if not services.registry.advance_sequencer(model, arrival.key, arrival.sequencer):
        return Outcome("stale", model)
    with engine.scratch() as folder:
        path = folder / "upload"
        try:
            too_large = fetch(Bucket(arrival.bucket), arrival.key, path, arrival.version_id)
        except NotFoundError:
            return Outcome("gone", model, reason=f"{arrival.key} was deleted before it was read")
        spec, refusal, spec_digest = read_spec(services.data, keys.spec(model))
        run = services.registry.create_run(new_run(arrival, UPLOAD, model, file, path, spec_digest))
        if run.state != QUEUED:
            return Outcome("repeated", model, run.run_id)
        return bring_in(Work(run, path, file, spec, refusal or too_large), services)


def fetch(bucket: Bucket, key: str, path: Path, version_id: str | None = None) -> DatasetRejectedError | None:
    """Download an object; return why it is refused, and leave nothing, when the disk does not hold it."""
    try:
        with engine.within_limits():
            bucket.download(key, path, version_id)
    except DatasetRejectedError as refusal:
        path.unlink()
        return refusal
    return None


@dataclass(frozen=True, slots=True)
class Work:
    """A run that is not queued yet: its file on disk, its spec or why that is refused, and how it is prepared.

    `before` is how the champion's rows were divided.
    """

    run: Run
    path: Path
    file: str
    spec: Spec
    refusal: DatasetRejectedError | None = None
    prepare: Callable[[Work, Callable[[str], None]], Prepared] = field(default_factory=lambda: prepare_table)
    before: dict[str, Any] | None = None


def prepare_table(work: Work, progress: Callable[[str], None]) -> Prepared:
    """Prepare an uploaded table, in a DuckDB of its own."""
    with engine.connect(work.path.parent) as connection:
        return prepare(
            connection,
            work.path,
            file=work.file,
            model=work.run.model,
            spec=work.spec,
            progress=progress,
            before=work.before,
        )


def bring_in(work: Work, services: Services) -> Outcome:
    """Prepare and queue a run, or reject it; a run that somebody else ended meanwhile is left alone."""
    model, run_id = work.run.model, work.run.run_id
    try:
        if work.run.stage != "queued":
            run = attempts.begin(services.registry, work.run)
            if run is None:
                return Outcome("failed", model, run_id, attempts.CUT_OFF)
            _bring_to_queue(replace(work, run=run), services)
        services.queue.send(work.run)
        _overtake(work.run, services)
    except DatasetRejectedError as refusal:
        services.registry.finish_run(model, run_id, REJECTED, refusal.message)
        return Outcome("rejected", model, run_id, refusal.message)
    except ConflictError:
        return Outcome("repeated", model, run_id)
    return Outcome("queued", model, run_id)


def _bring_to_queue(work: Work, services: Services) -> None:
    with attempts.ending(services.registry, work.run):
        _store(work, _prepare(work, services), services)
        facts = {"stage": "queued", "percent": PERCENT["queued"], "reason": None}
        services.registry.update_run(work.run.model, work.run.run_id, **facts)


def _overtake(run: Run, services: Services) -> None:
    """End the runs of the model that still wait and are older than this one."""
    for waiting in services.registry.list_runs(run.model, limit=WAITING_RUNS).items:
        if waiting.state == QUEUED and waiting.run_id < run.run_id:
            services.registry.supersede_run(run.model, waiting.run_id, f"run {run.run_id} has newer data")


def read_spec(bucket: Bucket, key: str) -> tuple[Spec, SpecError | None, str]:
    """Return the spec under a key, or why it is refused, and the digest that stands for it in the run's key."""
    try:
        raw = bucket.get(key)
    except NotFoundError:
        return Spec(), None, Spec().digest
    try:
        spec = parse_spec(raw.decode())
    except UnicodeDecodeError:
        return Spec(), SpecError("model.yaml is not UTF-8 text"), sha256(raw).hexdigest()
    except SpecError as error:
        return Spec(), error, sha256(raw).hexdigest()
    return spec, None, spec.digest


def new_run(arrival: Arrival, cause: str, model: str, file: str, path: Path, spec_digest: str) -> Run:
    """Return the run that an uploaded file asks for; its id carries the time of the upload.

    The digest of a file that is not on disk, because it is too large, is that of its address.
    """
    uri = f"s3://{arrival.bucket}/{arrival.key}"
    digest, size = sha256(f"{uri}\n{arrival.version_id}".encode()).hexdigest(), arrival.size
    if path.exists():
        digest, size = digest_of(path), path.stat().st_size
    dataset = Dataset(uri, arrival.version_id, digest, file, size)
    return Run(model, uuid7(clock.to_ms(arrival.time)), cause, dataset, spec_digest, created_at=clock.now())


def digest_of(path: Path) -> str:
    """Return the hex SHA-256 of a file."""
    with path.open("rb") as stream:
        return file_digest(stream, "sha256").hexdigest()


def _prepare(work: Work, services: Services) -> Prepared:
    if work.refusal is not None:
        raise work.refusal

    def progress(stage: str) -> None:
        services.registry.update_run(work.run.model, work.run.run_id, stage=stage, percent=PERCENT[stage])

    return work.prepare(replace(work, before=_champions_split(work.run.model, services)), progress)


def _champions_split(model: str, services: Services) -> dict[str, Any] | None:
    pointer, _ = pointers.read(services.artifacts, model)
    if pointer is None or pointer.champion is None:
        return None
    try:
        facts = services.registry.get_version(model, pointer.champion.version).facts
    except NotFoundError:
        return None
    return {**(facts.split or {}), "target": facts.target}


def _store(work: Work, prepared: Prepared, services: Services) -> None:
    """Upload the prepared table, its document last, and write what is known to the run."""
    model, run_id = work.run.model, work.run.run_id
    rows, columns = prepared.document["rows"], len(prepared.document["profile"])
    dataset = replace(work.run.dataset, rows=rows, columns=columns).to_json()
    files: dict[str, Any] = {}
    for name, path in prepared.files.items():
        files[name] = {"sha256": digest_of(path), "bytes": path.stat().st_size}
        services.artifacts.upload(keys.prepared(model, run_id, name), path)
    document = prepared.document | {"run_id": run_id, "dataset": dataset, "files": files, "plan": asdict(prepared.plan)}
    body = json.dumps(document, allow_nan=False).encode()
    services.artifacts.put(keys.prepared(model, run_id, "table.json"), body)
    services.registry.update_run(
        model, run_id, stage="encoded", percent=PERCENT["encoded"], dataset=dataset, plan=asdict(prepared.plan),
        warnings=[prepared.document["task_reason"], *prepared.warnings],
    )  # fmt: skip
