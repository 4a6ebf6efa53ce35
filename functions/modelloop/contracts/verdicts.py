"""Verdicts: what the loop concludes about a model from its summaries. Here: drift, and the check of a rollout.

Each is stored as one JSON document, which the control plane answers as it is. The documents have no format version
yet; one that names another than ours is refused.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from modelloop.contracts.cycles import cycles_seen_from_json
from modelloop.contracts.reading import reading
from modelloop.versions.evidence import Check

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.contracts.cycles import CyclesSeen
    from modelloop.json_types import JsonValue

FORMAT_VERSION = 1
OK, DRIFT, FAULT, DEGRADED, INSUFFICIENT = "ok", "drift", "data_fault", "degraded", "insufficient_data"


@dataclass(frozen=True, slots=True)
class Span:
    """The moments between which rows were asked: `start` included, `end` excluded."""

    start: str
    end: str

    def to_json(self) -> dict[str, str]:
        """Return the document."""
        return {"from": self.start, "to": self.end}


@dataclass(frozen=True, slots=True)
class DrawnBins:
    """Training and window rows of a column by bin, with the bins' names; the last two are missing and unseen."""

    labels: tuple[str, ...]
    baseline: tuple[int, ...]
    window: tuple[int, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {"labels": list(self.labels), "baseline": list(self.baseline), "window": list(self.window)}


@dataclass(frozen=True, slots=True)
class ColumnDrift:
    """One column (or the predictions) of a window against its baseline.

    `distance` (Jensen-Shannon), `threshold`, `psi` and `cdf_gap` tell how far apart they are, `p_value` how surely;
    `missing` and `unseen` are shares of the window's rows. `cause` is values, missing or unseen, None without drift.
    """

    name: str
    distance: float
    psi: float
    cdf_gap: float
    p_value: float
    threshold: float
    drifted: bool
    cause: str | None
    informational: bool
    missing: float
    unseen: float
    bins: DrawnBins | None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {
            "name": self.name,
            "distance": self.distance,
            "psi": self.psi,
            "cdf_gap": self.cdf_gap,
            "p_value": self.p_value,
            "threshold": self.threshold,
            "drifted": self.drifted,
            "cause": self.cause,
            "informational": self.informational,
            "missing": self.missing,
            "unseen": self.unseen,
            "bins": self.bins.to_json() if self.bins else None,
        }


@dataclass(frozen=True, slots=True)
class DriftVerdict:
    """Whether live traffic of a version looks like its training part; `columns` has the worst first.

    `status` is ok, drift, data_fault or insufficient_data; `window` and `prediction` are None without captured rows.
    `season` tells which cycles the training part has seen twice, None where its rows have no moments.
    """

    KIND: ClassVar[str] = "drift"

    model: str
    version: int
    status: str
    window: Span | None
    rows: int
    columns: tuple[ColumnDrift, ...]
    prediction: ColumnDrift | None
    updated_at: str
    reasons: tuple[str, ...]
    season: CyclesSeen | None = None

    @property
    def drifted_columns(self) -> int:
        """Return how many columns drifted that can raise an alarm."""
        return sum(column.drifted and not column.informational for column in self.columns)

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return {
            "model": self.model,
            "version": self.version,
            "status": self.status,
            "window": self.window.to_json() if self.window else None,
            "rows": self.rows,
            "columns": [column.to_json() for column in self.columns],
            "prediction": self.prediction.to_json() if self.prediction else None,
            "updated_at": self.updated_at,
            "reasons": list(self.reasons),
            **({} if self.season is None else {"season": self.season.to_json()}),
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read a stored verdict; raise ArtifactRefusedError when it is not one."""
        with reading("drift verdict", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            prediction = document["prediction"]
            return cls(
                document["model"],
                document["version"],
                document["status"],
                span_from_json(document["window"]),
                document["rows"],
                tuple(map(_column, document["columns"])),
                None if prediction is None else _column(prediction),
                document["updated_at"],
                tuple(document["reasons"]),
                cycles_seen_from_json(document.get("season")),
            )


@dataclass(frozen=True, slots=True)
class JudgedRollout:
    """What was decided about one rollout (`kind`: canary, shadow or watch), why, and every check that led to it.

    `action` is promote, hold, rollback or expired. A check passed, is open (not sure yet), worse, or skipped (nothing
    to ask).
    """

    kind: str
    action: str
    reasons: tuple[str, ...]
    checks: tuple[Check, ...] = ()

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {
            "kind": self.kind,
            "action": self.action,
            "reasons": list(self.reasons),
            "checks": [asdict(check) for check in self.checks],
        }


@dataclass(frozen=True, slots=True)
class RolloutVerdict:
    """What the judge decided about everything that is being rolled out for a model.

    `labels_until` is when the labels that it knew were joined: at the tick before; None without any.
    """

    KIND: ClassVar[str] = "judge"

    model: str
    updated_at: str
    judged: tuple[JudgedRollout, ...]
    labels_until: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return {
            "model": self.model,
            "updated_at": self.updated_at,
            "judged": [rollout.to_json() for rollout in self.judged],
            "labels_until": self.labels_until,
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read a stored verdict; raise ArtifactRefusedError when it is not one."""
        with reading("rollout verdict", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            judged = (
                JudgedRollout(
                    rollout["kind"],
                    rollout["action"],
                    tuple(rollout["reasons"]),
                    tuple(Check(**check) for check in rollout["checks"]),
                )
                for rollout in document["judged"]
            )
            return cls(document["model"], document["updated_at"], tuple(judged), document.get("labels_until"))


def span_from_json(document: Mapping[str, str] | None) -> Span | None:
    """Return a stored span, None for none."""
    return None if document is None else Span(document["from"], document["to"])


def _column(document: Any) -> ColumnDrift:
    bins = document["bins"]
    drawn = None if bins is None else DrawnBins(**{name: tuple(values) for name, values in bins.items()})
    return ColumnDrift(**{**document, "bins": drawn})
