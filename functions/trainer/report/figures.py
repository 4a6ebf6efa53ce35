"""What each chart shows, as a table: for screen readers, for print, and for whoever wants the figures."""

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
    """Return the largest difference of the loss that passes: a share of the reference's; of the trivial model's, 0."""
    return 0.0 if comparison["name"] == "trivial" else margin * abs(comparison["reference"])


def comparisons(found: Sequence[dict[str, Any]], margin: float) -> str:
    """Return the table of the gate's comparisons."""
    rows = [
        [
            text(one["name"].replace("_", " ")),
            *map(number, (one["candidate"], one["reference"], one["candidate"] - one["reference"])),
            f"{number(one['low'])} to {number(one['high'])}",
            number(allowed(one, margin)),
            number(one["rows"]),
        ]
        for one in found
    ]
    heads = ["Reference", "This version", "Reference's loss", "Difference", "90 % interval", "Allowed at most", "Rows"]
    return table(heads, rows, caption="Difference of the loss to each reference")


def calibration(found: dict[str, Any]) -> str:
    """Return the table of a calibration curve."""
    rows = [[number(one["mean"], 3), number(one["rate"], 3), number(one["rows"])] for one in found["bins"]]
    return table(["Predicted probability", "Observed rate", "Rows"], rows, caption="Calibration", numeric=0)


def roc(found: Sequence[dict[str, Any]]) -> str:
    """Return by class how many positives are found at some false positive rates."""
    rows = [[text(curve["class"]), *(number(_height(curve["roc"], rate), 3) for rate in RATES)] for curve in found]
    heads = ["Class", *(f"at {rate:.0%}" for rate in RATES)]
    return table(heads, rows, caption="True positive rate at false positive rates")


def pr(found: Sequence[dict[str, Any]]) -> str:
    """Return by class the best precision that keeps some recall."""
    rows = [
        [text(curve["class"]), *(number(_precision(curve["pr"], least), 3) for least in RECALLS)] for curve in found
    ]
    heads = ["Class", *(f"at {least:.0%}" for least in RECALLS)]
    return table(heads, rows, caption="Precision at recalls")


def residuals(found: dict[str, Any]) -> str:
    """Return mean and spread of the residuals, from the lowest predictions to the highest."""
    points = sorted((float(x), float(y)) for x, y in found["points"])
    edges = [len(points) * part // PREDICTION_PARTS for part in range(PREDICTION_PARTS + 1)]
    parts = [points[low:high] for low, high in pairwise(edges) if high > low]
    rows = [
        [f"{number(part[0][0])} to {number(part[-1][0])}", number(fmean(y for _, y in part)),
         number(pstdev(y for _, y in part)), number(len(part))]
        for part in parts
    ]  # fmt: skip
    heads = ["Predictions", "Mean residual", "Standard deviation", "Rows shown"]
    return table(heads, rows, caption="Residuals by prediction")


def errors(found: dict[str, Any]) -> str:
    """Return how many residuals lie where."""
    rows = [
        [f"{number(low)} to {number(high)}", number(count)]
        for (low, high), count in zip(pairwise(found["edges"]), found["counts"], strict=True)
    ]
    return table(["Truth less prediction", "Rows"], rows, caption="Residuals")


def importance(found: Sequence[dict[str, Any]]) -> str:
    """Return every column's importance."""
    rows = [[text(one["column"]), number(one["mean"]), number(one["deviation"], 3)] for one in found]
    return table(["Column", "Growth of the loss", "Standard deviation"], rows, caption="Importance by column")


def _height(curve: Sequence[Point], place: float) -> float:
    """Return the height of a rising curve at a place, between its points in a straight line."""
    after = bisect_right([x for x, _ in curve], place)
    if after == len(curve):
        return curve[-1][1]
    (left, low), (right, high) = curve[after - 1], curve[after]
    return low + (high - low) * (place - left) / (right - left)


def _precision(curve: Sequence[Point], recall: float) -> float:
    return max((precision for reached, precision in curve if reached >= recall), default=0.0)
