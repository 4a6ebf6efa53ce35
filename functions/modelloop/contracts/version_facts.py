"""What the table holds of a version: facts of its manifest for lists and promotion, and what was done to it since."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field, fields
from typing import TYPE_CHECKING, Any

from modelloop.contracts.manifest_parts import (
    BestVersion,
    MemberShare,
    SplitFacts,
    best_version_from_json,
    split_facts_from_json,
)
from modelloop.contracts.quality_verdict import Figure, figures
from modelloop.spec.sections import Promotion, section_from_json, section_to_json
from modelloop.versions.run import dataset_from_json

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelloop.json_types import JsonValue
    from modelloop.versions.run import Dataset

APPROVED, REJECTED, RETIRED, ROLLED_BACK = "approved", "rejected", "retired", "rolled_back"
EVENTS = (APPROVED, REJECTED, RETIRED, ROLLED_BACK)
_NULLABLE = frozenset({"classes", "compared_with"})


@dataclass(frozen=True, slots=True)
class ServingFile:
    """The one file that serves a version: its key, its digest (hex SHA-256) and its size in bytes."""

    file: str
    sha256: str
    bytes: int


@dataclass(frozen=True, slots=True)
class GateFacts:
    """What the gate decided (release, reject or approve), and why."""

    decision: str
    reasons: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class VersionFacts:
    """The part of a manifest that the table keeps.

    `metrics` are those of the holdout, by name; `members` are the families of a blend with their weights.
    """

    bundle: ServingFile | None = None
    gate: GateFacts | None = None
    promotion: Promotion = field(default_factory=Promotion)
    metrics: dict[str, Figure] | None = None
    family: str | None = None
    cause: str | None = None
    task: str | None = None
    target: str | None = None
    classes: tuple[str | float | bool, ...] | None = None
    dataset: Dataset | None = None
    compared_with: str | None = None
    best: BestVersion | None = None
    split: SplitFacts | None = None
    members: tuple[MemberShare, ...] | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document; what is not known is left out."""
        gate, metrics = self.gate, self.metrics
        document: dict[str, JsonValue] = {
            "bundle": asdict(self.bundle) if self.bundle else None,
            "gate": {"decision": gate.decision, "reasons": list(gate.reasons)} if gate else None,
            "promotion": section_to_json(self.promotion),
            "metrics": None if metrics is None else {name: figure.to_json() for name, figure in metrics.items()},
            "family": self.family,
            "cause": self.cause,
            "task": self.task,
            "target": self.target,
            "classes": None if self.classes is None else list(self.classes),
            "dataset": self.dataset.to_json() if self.dataset else None,
            "compared_with": self.compared_with,
            "best": asdict(self.best) if self.best else None,
            "split": self.split.to_json() if self.split else None,
            "members": [asdict(member) for member in self.members] if self.members else None,
        }
        return {name: value for name, value in document.items() if value is not None or name in _NULLABLE}


def version_facts_from_json(document: Mapping[str, Any]) -> VersionFacts:
    """Return the facts that a document has; what it does not have is not known."""
    known = {entry.name: document[entry.name] for entry in fields(VersionFacts) if document.get(entry.name) is not None}
    parts = {name: read(known[name]) for name, read in _READERS.items() if name in known}
    return VersionFacts(**{**known, **parts, "promotion": section_from_json(Promotion, document.get("promotion"))})


def _serving_file(document: Mapping[str, Any]) -> ServingFile:
    return ServingFile(document["file"], document["sha256"], document["bytes"])


def _gate(document: Mapping[str, Any]) -> GateFacts:
    return GateFacts(document["decision"], tuple(document.get("reasons") or ()))


def _members(documents: Sequence[Mapping[str, Any]]) -> tuple[MemberShare, ...]:
    return tuple(MemberShare(float(member["weight"]), member["family"]) for member in documents)


_READERS: dict[str, Callable[[Any], object]] = {
    "bundle": _serving_file,
    "gate": _gate,
    "metrics": figures,
    "classes": tuple,
    "dataset": dataset_from_json,
    "best": best_version_from_json,
    "split": split_facts_from_json,
    "members": _members,
}


@dataclass(frozen=True, slots=True)
class VersionEvent:
    """Something that was done to a version: when, by whom and why."""

    at: str
    who: str
    why: str


@dataclass(frozen=True, slots=True)
class VersionRecord:
    """A registered version. `touched` is another text after every change; "" before the first."""

    model: str
    version: int
    run_id: str
    created_at: str
    facts: VersionFacts
    approved: VersionEvent | None = None
    rejected: VersionEvent | None = None
    retired: VersionEvent | None = None
    rolled_back: VersionEvent | None = None
    touched: str = ""

    def event(self, name: str) -> VersionEvent | None:
        """Return the event of that name (EVENTS), or None when it did not happen."""
        happened: dict[str, VersionEvent | None] = {
            APPROVED: self.approved,
            REJECTED: self.rejected,
            RETIRED: self.retired,
            ROLLED_BACK: self.rolled_back,
        }
        return happened[name]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document that the API answers: all but `touched`; events that did not happen are left out."""
        happened = {name: self.event(name) for name in EVENTS}
        return {
            "model": self.model,
            "version": self.version,
            "run_id": self.run_id,
            "created_at": self.created_at,
            **self.facts.to_json(),
            **{name: asdict(event) for name, event in happened.items() if event is not None},
        }


def version_record_from_json(document: Mapping[str, Any]) -> VersionRecord:
    """Return a stored version."""
    happened = {name: VersionEvent(**document[name]) for name in EVENTS if document.get(name)}
    return VersionRecord(
        document["model"],
        document["version"],
        document["run_id"],
        document["created_at"],
        version_facts_from_json(document),
        **happened,
        touched=str(document.get("touched", "")),
    )
