"""What a run is: one attempt to turn one dataset version and one spec into a version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields, replace
from hashlib import sha256
from typing import TYPE_CHECKING, Any, TypeVar

from modelloop.versions.gate import GateDecision, decision_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonValue

QUEUED, RUNNING = "QUEUED", "RUNNING"
SUCCEEDED, REJECTED, FAILED, SUPERSEDED = "SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"
ENDED = frozenset({SUCCEEDED, REJECTED, FAILED, SUPERSEDED})

STAGES = (
    "received", "profiled", "encoded", "queued", "splitting", "fitting", "evaluating", "exporting",
    "replaying", "registering", "publishing", "done",
)  # fmt: skip

Part = TypeVar("Part")
Figures = dict[str, dict[str, float | None]]  # by metric: {"value", "low", "high"}


@dataclass(frozen=True, slots=True)
class SourceFile:
    """One version of one uploaded object: where it lies, its hex SHA-256, its name and its size in bytes."""

    uri: str
    version_id: str | None
    digest: str
    file: str
    bytes: int


@dataclass(frozen=True, slots=True)
class Dataset(SourceFile):
    """What a run is made of: an uploaded table or ONNX model, or a table derived from one.

    `rows` and `columns` are None until it was read. A derived table has its `base` and the number of `labelled` rows
    after those; an ONNX model has the hex SHA-256 of its `reference` table, if one came with it.
    """

    rows: int | None = None
    columns: int | None = None
    base: SourceFile | None = None
    labelled: int | None = None
    reference: str | None = None

    @property
    def origin(self) -> SourceFile:
        """Return the uploaded file that all of it began with."""
        return self.base or SourceFile(self.uri, self.version_id, self.digest, self.file, self.bytes)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document, without the parts that this kind of dataset does not have."""
        absent = {name for name in ("base", "labelled", "reference") if getattr(self, name) is None}
        return {name: value for name, value in asdict(self).items() if name not in absent}


@dataclass(frozen=True, slots=True)
class PlanLimits:
    """What a plan was held to: the deployed trainer's memory, the most that can be deployed, seconds."""

    memory_mb: int
    most_memory_mb: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What training was thought to take, before it began.

    `rows`, `columns` and `slots` are those to fit on, `bytes` the upload's, `classes` 0 for a regression; `memory_mb`
    is the peak.
    """

    rows: int
    columns: int
    slots: int
    bytes: int
    classes: int
    memory_mb: int
    seconds: int
    limits: PlanLimits


@dataclass(frozen=True, slots=True)
class Spent:
    """What the attempt that ended a run took: seconds, and MB of memory at the peak (None where no kernel tells)."""

    seconds: int
    memory_mb: int | None


@dataclass(frozen=True, slots=True)
class Metrics:
    """Metrics on the holdout with their 95 % intervals: the candidate's, the trivial model's, the champion's."""

    holdout: Figures
    trivial: Figures
    champion: Figures | None


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the table stores it and the API shows it; `percent` is 0 to 100, `request_id` who asked for it.

    `plan` is what its training was thought to take, `spent` what the attempt that ended it took. `task_reason` is a
    sentence: the task and why it was chosen.
    `decided_at` is when the gate refused its model for the first time; `intake_attempts` counts how often its
    preparation was begun, `attempts` how often its training was.
    """

    model: str
    run_id: str
    cause: str
    dataset: Dataset
    spec_digest: str
    created_at: str
    state: str = QUEUED
    stage: str = "received"
    percent: int = 0
    reason: str | None = None
    updated_at: str = ""
    lease_until: str | None = None
    metrics: Metrics | None = None
    gate: GateDecision | None = None
    plan: Plan | None = None
    spent: Spent | None = None
    version: int | None = None
    task_reason: str | None = None
    warnings: list[str] = field(default_factory=list)
    intake_attempts: int = 1
    attempts: int = 0
    request_id: str | None = None
    decided_at: str | None = None
    created: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        """Return the hex digest that makes a run exist once: dataset (with its reference table), spec and cause."""
        data = "\n".join(filter(None, [self.dataset.digest, self.dataset.reference]))
        return run_key(data, self.spec_digest, self.cause)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that the API answers."""
        return {name: attribute(getattr(self, name)) for name in _FIELDS}


def attribute(value: Dataset | GateDecision | Metrics | Plan | Spent | JsonValue) -> JsonValue:
    """Return the value of a run's field as it is stored and answered."""
    if isinstance(value, Dataset | GateDecision):
        return value.to_json()
    return asdict(value) if isinstance(value, Metrics | Plan | Spent) else value


def run_key(dataset_digest: str, spec_digest: str, cause: str) -> str:
    """Return the hex SHA-256 of the three that never run twice."""
    return sha256(f"{dataset_digest}\n{spec_digest}\n{cause}".encode()).hexdigest()


def run_from_json(document: Mapping[str, Any]) -> Run:
    """Return a stored run; fields that this release does not know are left out."""
    values = {name: document[name] for name in _FIELDS if document.get(name) is not None}
    values["dataset"] = dataset_from_json(values["dataset"])
    for name, kind in (("metrics", Metrics), ("spent", Spent)):
        if name in values:
            values[name] = _read(kind, values[name])
    if "gate" in values:
        values["gate"] = decision_from_json(values["gate"])
    if "plan" in values:
        values["plan"] = plan_from_json(values["plan"])
    return Run(**values)


def dataset_from_json(document: Mapping[str, Any]) -> Dataset:
    """Return a stored dataset."""
    base = document.get("base")
    return replace(_read(Dataset, document), base=None if base is None else _read(SourceFile, base))


def plan_from_json(document: Mapping[str, Any]) -> Plan:
    """Return a stored plan."""
    return replace(_read(Plan, document), limits=_read(PlanLimits, document["limits"]))


def _read(kind: type[Part], document: Mapping[str, Any]) -> Part:
    return kind(**{entry.name: document[entry.name] for entry in fields(kind) if entry.name in document})  # type: ignore[arg-type]  # every kind is a dataclass


_FIELDS = tuple(item.name for item in fields(Run) if item.name != "created")
