"""The figures of each chart as a table, for screen readers, for print and for reading exact values."""

from __future__ import annotations

from bisect import bisect_right
from itertools import pairwise
from statistics import fmean, pstdev
from typing import TYPE_CHECKING, Any

from trainer.report.markup import number, table, text

if TYPE_CHECKING:
    from collections.abc import Sequence

RATES = (0.01, 0.05, 0.1, 0.2, 0.5)
RECALLS = (0.1, 0.25, 0.5, 0.75, 0.9)
PREDICTION_PARTS = 5

type Point = tuple[float, float]


def allowed(comparison: dict[str, Any], margin: float) -> float:
    """Return the largest difference of the loss that passes: `margin` of the reference's; 0 for the trivial model."""
    return 0.0 if comparison["name"] == "trivial" else margin * abs(comparison["reference"])


def comparisons(entries: Sequence[dict[str, Any]], margin: float) -> str:
    """Return the table of the gate's comparisons."""
    rows = [
        [
            text(entry["name"].replace("_", " ")),
            *map(number, (entry["candidate"], entry["reference"], entry["candidate"] - entry["reference"])),
            f"{number(entry['low'])} to {number(entry['high'])}",
            number(allowed(entry, margin)),
            number(entry["rows"]),
        ]
        for entry in entries
    ]
    heads = ["Reference", "This version", "Reference's loss", "Difference", "90 % interval", "Allowed at most", "Rows"]
    return table(heads, rows, caption="Difference of the loss to each reference")


def calibration(curve: dict[str, Any]) -> str:
    """Return the table of a calibration curve, one row for each bin."""
    rows = [[number(part["mean"], 3), number(part["rate"], 3), number(part["rows"])] for part in curve["bins"]]
    return table(["Predicted probability", "Observed rate", "Rows"], rows, caption="Calibration", numeric=0)


def roc(curves: Sequence[dict[str, Any]]) -> str:
    """Return the table of each class's true positive rate at the false positive rates of RATES."""
    rows = [[text(curve["class"]), *(number(_height(curve["roc"], rate), 3) for rate in RATES)] for curve in curves]
    heads = ["Class", *(f"at {rate:.0%}" for rate in RATES)]
    return table(heads, rows, caption="True positive rate at false positive rates")


def pr(curves: Sequence[dict[str, Any]]) -> str:
    """Return the table of each class's best precision with at least the recalls of RECALLS."""
    rows = [
        [text(curve["class"]), *(number(_precision(curve["pr"], recall), 3) for recall in RECALLS)] for curve in curves
    ]
    heads = ["Class", *(f"at {recall:.0%}" for recall in RECALLS)]
    return table(heads, rows, caption="Precision at recalls")


def residuals(curve: dict[str, Any]) -> str:
    """Return the table of the residuals' mean and standard deviation, from the lowest predictions to the highest."""
    points = sorted((float(x), float(y)) for x, y in curve["points"])
    edges = [len(points) * part // PREDICTION_PARTS for part in range(PREDICTION_PARTS + 1)]
    parts = [points[low:high] for low, high in pairwise(edges) if high > low]
    rows = [
        [f"{number(part[0][0])} to {number(part[-1][0])}", number(fmean(y for _, y in part)),
         number(pstdev(y for _, y in part)), number(len(part))]
        for part in parts
    ]  # fmt: skip
    heads = ["Predictions", "Mean residual", "Standard deviation", "Rows shown"]
    return table(heads, rows, caption="Residuals by prediction")


def errors(curve: dict[str, Any]) -> str:
    """Return the table of how many residuals lie in each bin."""
    rows = [
        [f"{number(low)} to {number(high)}", number(count)]
        for (low, high), count in zip(pairwise(curve["edges"]), curve["counts"], strict=True)
    ]
    return table(["Truth minus prediction", "Rows"], rows, caption="Residuals")


def importance(columns: Sequence[dict[str, Any]]) -> str:
    """Return the table of how much the loss increases when a column is shuffled."""
    rows = [[text(column["column"]), number(column["mean"]), number(column["deviation"], 3)] for column in columns]
    return table(["Column", "Increase of the loss", "Standard deviation"], rows, caption="Importance by column")


def _height(curve: Sequence[Point], place: float) -> float:
    """Return the height of a rising curve at a place, by linear interpolation between its points."""
    after = bisect_right([x for x, _ in curve], place)
    if after == len(curve):
        return curve[-1][1]
    (left, low), (right, high) = curve[after - 1], curve[after]
    return low + (high - low) * (place - left) / (right - left)


def _precision(curve: Sequence[Point], recall: float) -> float:
    return max((precision for reached, precision in curve if reached >= recall), default=0.0)
