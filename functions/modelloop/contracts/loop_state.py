"""Loop state: what the loop must remember of a model between two looks, and nothing else needs as history.

Each is stored as one JSON document under its own name, and only the newest is kept. The documents have no format
version yet; one that names another than ours is refused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self, TypeAlias

from modelloop.contracts.reading import reading

if TYPE_CHECKING:
    from modelloop.contracts.counts import Counts
    from modelloop.json_types import JsonValue

FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class TrafficTotals:
    """Counts of a model that only rise, by version number: what a scraper takes rates of.

    Hours up to `through` (YYYY-MM-DDTHH) are folded into `base` for good; `versions` has the open hours on top.
    """

    KIND: ClassVar[str] = "traffic"

    model: str
    through: str
    base: Counts
    versions: Counts
    updated_at: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return {
            "model": self.model,
            "through": self.through,
            "base": self.base,
            "versions": self.versions,
            "updated_at": self.updated_at,
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read stored totals; raise ArtifactRefusedError when they are none."""
        with reading("record of traffic totals", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            return cls(*(document[name] for name in ("model", "through", "base", "versions", "updated_at")))


@dataclass(frozen=True, slots=True)
class LoopCounts:
    """Runs that ended by "cause/state", retrainings that the loop started by cause, changes of the judge by action."""

    runs: dict[str, int]
    retrainings: dict[str, int]
    judged: dict[str, int]


@dataclass(frozen=True, slots=True)
class ActivityTotals:
    """What a model's loop has done so far, as totals that only rise.

    What happened up to `through` (Unix milliseconds) is folded into `base` for good; `totals` has the rest on top.
    `open` are runs that have not ended, by state; `retrained_at` is when the last retraining began, in Unix
    milliseconds.
    """

    KIND: ClassVar[str] = "activity"

    model: str
    through: int
    base: LoopCounts
    totals: LoopCounts
    open: dict[str, int]
    retrained_at: int | None
    updated_at: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return asdict(self)

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read stored totals; raise ArtifactRefusedError when they are none."""
        with reading("record of the loop's activity", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            counts = {name: LoopCounts(**document[name]) for name in ("base", "totals")}
            return cls(**{**document, **counts})


@dataclass(frozen=True, slots=True)
class AlertsSent:
    """What the last alerts said, so that each change is sent once: `statuses` by kind of verdict.

    `rollout` is the revision of the pointer that the last alert about an ended rollout was about.
    """

    KIND: ClassVar[str] = "alerts"

    model: str
    statuses: dict[str, str]
    rollout: int | None
    updated_at: str

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        rollout = {} if self.rollout is None else {"rollout": self.rollout}
        return {"model": self.model, "told": {**self.statuses, **rollout}, "updated_at": self.updated_at}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read the stored record; raise ArtifactRefusedError when it is none."""
        with reading("record of sent alerts", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            statuses = dict(document["told"])
            rollout = statuses.pop("rollout", None)
            return cls(document["model"], statuses, rollout, document["updated_at"])


@dataclass(frozen=True, slots=True)
class RetrainState:
    """The last decision about retraining that was told, and the moments of the last retrainings that were `started`.

    `request_id` is that of the retraining which the decision started, None when it started none. `for_drift` are the
    moments of those that drift caused.
    """

    KIND: ClassVar[str] = "retrain"

    model: str
    version: int | None
    action: str
    cause: str | None
    reason: str
    request_id: str | None
    started: tuple[str, ...]
    updated_at: str
    for_drift: tuple[str, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document; without retrainings that drift caused, they are left out."""
        document = {**asdict(self), "started": list(self.started), "for_drift": list(self.for_drift)}
        if not self.for_drift:
            del document["for_drift"]
        return document

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read the stored state; raise ArtifactRefusedError when it is none."""
        with reading("record of retraining", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            moments = {name: tuple(document.get(name, ())) for name in ("started", "for_drift")}
            return cls(**{**document, **moments})


@dataclass(frozen=True, slots=True)
class RolloutIntent:
    """What the judge is about to do, stored before it is done: `action` on a `version` compared with a `reference`.

    `kind` is canary, shadow or watch; `revision` is the pointer's revision that the action makes. The audit log, which
    has every revision, shows whether the action was done.
    """

    KIND: ClassVar[str] = "rollout"

    model: str
    updated_at: str
    kind: str
    version: int
    reference: int
    action: str
    reasons: tuple[str, ...]
    revision: int

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return {**asdict(self), "reasons": list(self.reasons)}

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read the stored intent; raise ArtifactRefusedError when it is none."""
        with reading("intent of a rollout", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            return cls(**{**document, "reasons": tuple(document["reasons"])})


LoopState: TypeAlias = TrafficTotals | ActivityTotals | AlertsSent | RetrainState | RolloutIntent
