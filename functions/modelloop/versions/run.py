"""What a run is: one attempt to turn one dataset version and one spec into a version."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from hashlib import sha256
from typing import Any

QUEUED, RUNNING = "QUEUED", "RUNNING"
SUCCEEDED, REJECTED, FAILED, SUPERSEDED = "SUCCEEDED", "REJECTED", "FAILED", "SUPERSEDED"
ENDED = frozenset({SUCCEEDED, REJECTED, FAILED, SUPERSEDED})

STAGES = (
    "received", "profiled", "encoded", "queued", "splitting", "fitting", "evaluating", "exporting",
    "replaying", "registering", "publishing", "done",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Run:
    """One run, as the table stores it and the API shows it; `percent` is 0 to 100, `request_id` who asked for it.

    `plan` is what its training was thought to take, `spent` what the attempt that ended it took.
    `decided_at` is when the gate refused its model for the first time; `intake_attempts` counts how often its
    preparation was begun, `attempts` how often its training was.
    """

    model: str
    run_id: str
    cause: str
    dataset: dict[str, Any]
    spec_digest: str
    created_at: str
    state: str = QUEUED
    stage: str = "received"
    percent: int = 0
    reason: str | None = None
    updated_at: str = ""
    lease_until: str | None = None
    metrics: dict[str, Any] | None = None
    gate: dict[str, Any] | None = None
    plan: dict[str, Any] | None = None
    spent: dict[str, Any] | None = None
    version: int | None = None
    warnings: list[str] = field(default_factory=list)
    intake_attempts: int = 1
    attempts: int = 0
    request_id: str | None = None
    decided_at: str | None = None
    created: bool = field(default=True, compare=False)

    @property
    def key(self) -> str:
        """Return the hex digest that makes a run exist once: dataset (with its reference table), spec and cause."""
        data = "\n".join(filter(None, [self.dataset["digest"], self.dataset.get("reference")]))
        return run_key(data, self.spec_digest, self.cause)

    def to_json(self) -> dict[str, Any]:
        """Return the document that the API answers."""
        document = asdict(self)
        del document["created"]
        return document


def run_key(dataset_digest: str, spec_digest: str, cause: str) -> str:
    """Return the hex SHA-256 of the three that never run twice."""
    return sha256(f"{dataset_digest}\n{spec_digest}\n{cause}".encode()).hexdigest()


def run_from_json(document: dict[str, Any]) -> Run:
    """Read a stored run; fields that this release does not know are left out."""
    return Run(**{name: value for name, value in document.items() if name in _FIELDS})


_FIELDS = frozenset(item.name for item in fields(Run)) - {"created"}
