"""The verdict on quality: what came true of predictions, beside what the holdout promised.

It is stored as one JSON document, which the control plane answers as it is.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, ClassVar, Self

from modelloop.contracts.reading import reading
from modelloop.contracts.verdicts import FORMAT_VERSION, Span, span_from_json

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonValue


@dataclass(frozen=True, slots=True)
class Figure:
    """A metric with its two-sided 95 % interval; None where it is not defined."""

    value: float | None
    low: float | None
    high: float | None

    def to_json(self) -> dict[str, float | None]:
        """Return the document."""
        return {"value": self.value, "low": self.low, "high": self.high}


@dataclass(frozen=True, slots=True)
class RealisedFigure:
    """A metric of labelled live rows beside what the holdout promised (None: it was not measured there)."""

    live: Figure
    holdout: Figure | None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {**self.live.to_json(), "holdout": self.holdout.to_json() if self.holdout else None}


@dataclass(frozen=True, slots=True)
class VersionQuality:
    """One version in the window: rows predicted and labelled, labels that it cannot use, and metrics by name.

    `unknown_labels` name none of its classes; `unreadable_labels` are no number or could mean several classes.
    """

    version: int
    predicted: int
    labelled: int
    coverage: float | None
    unknown_labels: int
    metrics: dict[str, Figure]
    unreadable_labels: int = 0

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {
            "version": self.version,
            "predicted": self.predicted,
            "labelled": self.labelled,
            "coverage": self.coverage,
            "unknown_labels": self.unknown_labels,
            "unreadable_labels": self.unreadable_labels,
            "metrics": _metrics_to_json(self.metrics),
        }


@dataclass(frozen=True, slots=True)
class SliceQuality:
    """The labelled rows with one value of a protected column, and the champion's metrics on them by name."""

    column: str
    value: str
    rows: int
    metrics: dict[str, Figure]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document."""
        return {
            "column": self.column,
            "value": self.value,
            "rows": self.rows,
            "metrics": _metrics_to_json(self.metrics),
        }


@dataclass(frozen=True, slots=True)
class Losses:
    """Labelled rows with the mean and the variance of their loss: log loss, or squared error."""

    rows: int
    mean: float
    variance: float


@dataclass(frozen=True, slots=True)
class LabelCounts:
    """Labels by what became of them; `pending` ones may still find their prediction, `unknown` ones will not.

    `new_class` and `unreadable` ones have their prediction, but say nothing that the champion can be held against.
    `other_model` ones are of another model's prediction, so they were sent to the wrong address.
    """

    received: int
    repeated: int
    pending: int
    unknown: int
    new_class: int = 0
    unreadable: int = 0
    other_model: int = 0

    @property
    def unusable(self) -> int:
        """Return the labels that will never count as labelled."""
        return self.unknown + self.new_class + self.unreadable + self.other_model


@dataclass(frozen=True, slots=True)
class AccuracyEstimate:
    """The accuracy to expect while labels are missing, over `rows` window rows; without one, the `reason`."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    rows: int | None = None
    reason: str | None = None

    def to_json(self) -> dict[str, JsonValue]:
        """Return the document; without an estimate it counts no rows."""
        rows = {} if self.rows is None else {"rows": self.rows}
        figures = {"value": self.value, "low": self.low, "high": self.high, **rows}
        return {"available": self.value is not None, "metric": "accuracy", **figures, "reason": self.reason}


@dataclass(frozen=True, slots=True)
class QualityVerdict:
    """How good predictions turned out to be on the rows whose labels came back, in a window of whole hours.

    `status` is ok, degraded or insufficient_data; `rows` are the champion's labelled rows, `coverage` their share of
    what it predicted; `losses` are those of each rollout's own requests, by rollout and version number.
    """

    KIND: ClassVar[str] = "quality"

    model: str
    version: int
    status: str
    window: Span | None
    rows: int
    coverage: float | None
    metrics: dict[str, RealisedFigure]
    versions: tuple[VersionQuality, ...]
    slices: tuple[SliceQuality, ...]
    losses: dict[str, dict[str, Losses]]
    labels: LabelCounts
    estimate: AccuracyEstimate
    updated_at: str
    reasons: tuple[str, ...]

    def to_json(self) -> dict[str, JsonValue]:
        """Return the stored document."""
        return {
            "model": self.model,
            "version": self.version,
            "status": self.status,
            "window": self.window.to_json() if self.window else None,
            "rows": self.rows,
            "coverage": self.coverage,
            "metrics": {name: figure.to_json() for name, figure in self.metrics.items()},
            "versions": [version.to_json() for version in self.versions],
            "slices": [part.to_json() for part in self.slices],
            "losses": {
                rollout: {version: asdict(losses) for version, losses in sides.items()}
                for rollout, sides in self.losses.items()
            },
            "labels": asdict(self.labels),
            "estimate": self.estimate.to_json(),
            "updated_at": self.updated_at,
            "reasons": list(self.reasons),
        }

    @classmethod
    def from_json(cls, document: Any) -> Self:
        """Read a stored verdict; raise ArtifactRefusedError when it is not one."""
        with reading("quality verdict", document, FORMAT_VERSION, unversioned=FORMAT_VERSION):
            estimate = document["estimate"]
            return cls(
                document["model"],
                document["version"],
                document["status"],
                span_from_json(document["window"]),
                document["rows"],
                document["coverage"],
                {name: _realised(figure) for name, figure in document["metrics"].items()},
                tuple(VersionQuality(**{**part, "metrics": figures(part["metrics"])}) for part in document["versions"]),
                tuple(SliceQuality(**{**part, "metrics": figures(part["metrics"])}) for part in document["slices"]),
                {
                    rollout: {version: Losses(**losses) for version, losses in sides.items()}
                    for rollout, sides in document["losses"].items()
                },
                LabelCounts(**document["labels"]),
                AccuracyEstimate(*(estimate.get(name) for name in ("value", "low", "high", "rows", "reason"))),
                document["updated_at"],
                tuple(document["reasons"]),
            )


def figures(documents: Any) -> dict[str, Figure]:
    """Return metrics by name from their documents, such as those of a manifest's holdout."""
    return {name: _figure(document) for name, document in documents.items()}


def _figure(document: Mapping[str, float | None]) -> Figure:
    return Figure(document.get("value"), document.get("low"), document.get("high"))


def _metrics_to_json(metrics: Mapping[str, Figure]) -> dict[str, dict[str, float | None]]:
    return {name: figure.to_json() for name, figure in metrics.items()}


def _realised(document: Any) -> RealisedFigure:
    holdout = document["holdout"]
    return RealisedFigure(_figure(document), None if holdout is None else _figure(holdout))
