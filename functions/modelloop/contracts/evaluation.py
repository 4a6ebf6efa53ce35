"""What labelled holdout rows show of a version: curves, calibration, confusion, importance and slices."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping

    from modelloop.json_types import JsonObject
    from modelloop.versions.prepared_table import Label
    from modelloop.versions.run import Figures

    Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class RankingCurve:
    """One class against the rest: points of the ROC and precision-recall curves, and the class's share of the rows."""

    label: Label
    roc: tuple[Point, ...]
    pr: tuple[Point, ...]
    rate: float

    def to_json(self) -> JsonObject:
        """Return the stored document."""
        return {"class": self.label, "roc": self.roc, "pr": self.pr, "rate": self.rate}


@dataclass(frozen=True, slots=True)
class Residuals:
    """Truth minus prediction: some (prediction, residual) points, and the counts of all between rising edges."""

    points: tuple[Point, ...]
    counts: tuple[int, ...]
    edges: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Curves:
    """Ranking curves of a classifier or residuals of a regressor; neither without labelled rows."""

    ranking: tuple[RankingCurve, ...] | None = None
    residuals: Residuals | None = None

    def to_json(self) -> JsonObject:
        """Return the stored document: the part that there is."""
        if self.ranking is not None:
            return {"ranking": [curve.to_json() for curve in self.ranking]}
        return {} if self.residuals is None else {"residuals": asdict(self.residuals)}


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Rows with a probability in [low, high): their mean probability and how often it came true."""

    low: float
    high: float
    rows: int
    mean: float
    rate: float


@dataclass(frozen=True, slots=True)
class Reliability:
    """Probabilities against what happened, in ten bins without the empty ones; `ece` is the expected error."""

    bins: tuple[ReliabilityBin, ...]
    ece: float
    rows: int


@dataclass(frozen=True, slots=True)
class Calibration:
    """Reliability of the predicted labels, and of class 1 where there are two classes.

    `confidence` has, by bin of confidence, how many rows there were ("rows") and how many were right ("correct").
    """

    predicted: Reliability
    confidence: dict[str, list[int]]
    positive: Reliability | None = None

    def to_json(self) -> JsonObject:
        """Return the stored document."""
        document = {**asdict(self.predicted), "confidence": self.confidence}
        return document if self.positive is None else document | {"positive": asdict(self.positive)}


@dataclass(frozen=True, slots=True)
class Confusion:
    """Rows by true and predicted class: `counts[truth][prediction]`, in the order of the classes."""

    classes: tuple[Label, ...]
    counts: tuple[tuple[int, ...], ...]


@dataclass(frozen=True, slots=True)
class ColumnImportance:
    """By how much the loss grows when one column is shuffled: mean and standard deviation over the shuffles."""

    column: str
    mean: float
    deviation: float


@dataclass(frozen=True, slots=True)
class SliceMetrics:
    """The metrics of the rows that share a value, or a span of values, of a protected column."""

    value: str
    rows: int
    metrics: Figures


@dataclass(frozen=True, slots=True)
class ColumnSlices:
    """The slices of one protected column, or the reason why there are none."""

    column: str
    reason: str | None
    values: tuple[SliceMetrics, ...] = ()


@dataclass(frozen=True, slots=True)
class AbsoluteErrors:
    """How far a regression's answers were from the truth, by bin of its predictions in the baseline.

    `rows` of each bin, with the mean and the standard deviation of their absolute errors (0 in bins without rows).
    """

    rows: tuple[int, ...]
    mean: tuple[float, ...]
    deviation: tuple[float, ...]


@dataclass(frozen=True, slots=True)
class IntervalPart:
    """Rows whose predictions are between `low` and `high`: in which share the interval held, and its mean width."""

    low: float
    high: float
    rows: int
    coverage: float
    width: float


@dataclass(frozen=True, slots=True)
class IntervalCoverage:
    """How often prediction intervals of one level held the truth, over all and by fifth of the predictions.

    `level` is None where none are offered; `calibrated_on` is the number of rows that the widths come from, `reason`
    why widths do not adapt to the row, or why there are none.
    """

    level: float | None
    adaptive: bool
    calibrated_on: int
    reason: str | None
    coverage: float | None = None
    width: float | None = None
    parts: tuple[IntervalPart, ...] = ()


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """The loss on validation rows of the model fitted on so many training rows."""

    rows: int
    loss: float


@dataclass(frozen=True, slots=True)
class LearningCurve:
    """The loss by the number of training rows: a quarter, half and all of them.

    `low` and `high` bound what the second half of the rows changed, one-sided 95 % each; below zero they helped.
    """

    metric: str
    points: tuple[CurvePoint, ...]
    low: float
    high: float


def learning_curve_from_json(document: Mapping[str, Any] | None) -> LearningCurve | None:
    """Return a stored curve; None where none was stored."""
    if document is None:
        return None
    return LearningCurve(**{**document, "points": tuple(CurvePoint(**point) for point in document["points"])})


@dataclass(frozen=True, slots=True)
class Diagnostics:
    """Everything that labelled holdout rows show beside the metrics; empty without labelled rows.

    `errors` and `intervals` are None for classifiers, and in versions from before they were kept.
    """

    curves: Curves = Curves()
    calibration: Calibration | None = None
    confusion: Confusion | None = None
    importance: tuple[ColumnImportance, ...] = ()
    slices: tuple[ColumnSlices, ...] = ()
    errors: AbsoluteErrors | None = None
    intervals: IntervalCoverage | None = None

    def to_json(self) -> JsonObject:
        """Return the parts of the manifest that are diagnostics."""
        return {
            **({} if self.intervals is None else {"intervals": asdict(self.intervals)}),
            "curves": self.curves.to_json(),
            "calibration": None if self.calibration is None else self.calibration.to_json(),
            "confusion": None if self.confusion is None else asdict(self.confusion),
            "importance": [asdict(column) for column in self.importance],
            "slices": [asdict(column) for column in self.slices],
            **({} if self.errors is None else {"errors": asdict(self.errors)}),
        }


def diagnostics_from_json(document: Mapping[str, Any]) -> Diagnostics:
    """Return the diagnostics of a manifest's document; raise KeyError or TypeError when it is damaged."""
    calibration, confusion, errors = document["calibration"], document["confusion"], document.get("errors")
    return Diagnostics(
        _curves(document["curves"]),
        None if calibration is None else _calibration(calibration),
        None if confusion is None else Confusion(tuple(confusion["classes"]), tuple(map(tuple, confusion["counts"]))),
        tuple(ColumnImportance(**column) for column in document["importance"]),
        tuple(_slices(column) for column in document["slices"]),
        None if errors is None else AbsoluteErrors(**{name: tuple(values) for name, values in errors.items()}),
        _intervals(document.get("intervals")),
    )


def _intervals(document: Any) -> IntervalCoverage | None:
    if document is None:
        return None
    parts = tuple(IntervalPart(**part) for part in document["parts"])
    return IntervalCoverage(**{**document, "parts": parts})


def _curves(document: Any) -> Curves:
    ranking, residuals = document.get("ranking"), document.get("residuals")
    if ranking is not None:
        return Curves(
            tuple(
                RankingCurve(curve["class"], _points(curve["roc"]), _points(curve["pr"]), curve["rate"])
                for curve in ranking
            )
        )
    if residuals is None:
        return Curves()
    points, counts, edges = residuals["points"], residuals["counts"], residuals["edges"]
    return Curves(residuals=Residuals(_points(points), tuple(counts), tuple(edges)))


def _points(points: list[list[float]]) -> tuple[Point, ...]:
    return tuple((x, y) for x, y in points)


def _calibration(document: Any) -> Calibration:
    positive = document.get("positive")
    return Calibration(
        _reliability(document), document["confidence"], None if positive is None else _reliability(positive)
    )


def _reliability(document: Any) -> Reliability:
    return Reliability(tuple(ReliabilityBin(**part) for part in document["bins"]), document["ece"], document["rows"])


def _slices(document: Any) -> ColumnSlices:
    values = tuple(SliceMetrics(**part) for part in document["values"])
    return ColumnSlices(document["column"], document["reason"], values)
