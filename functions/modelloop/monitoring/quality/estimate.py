"""What accuracy to expect while labels are not there yet, from how sure the model says it is.

The holdout tells how often rows of a given confidence (probability of the likeliest class, in 20 bins) were right. Live
confidence, weighed by that, gives the accuracy to expect as long as the relation holds. It does not hold when the
inputs drift hard, so then there is no estimate; and nothing ever acts on an estimate alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelloop.monitoring.quality.scores import Z
from modelloop.monitoring.summary import CONFIDENCE_BINS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

FEWEST_ROWS = 100


def accuracy(known: Mapping[str, Sequence[int]] | None, live: Sequence[int] | None, drift: str) -> dict[str, Any]:
    """Return the expected accuracy with its range (sampling and calibration error), or why there is none.

    `known` is the table of the version, `live` the confidence counts of the window, `drift` the drift status.
    """
    if not known or not live:
        return _none("only classifiers with a calibration table have an estimate")
    if drift in {"drift", "data_fault"}:
        return _none("the inputs have drifted, so confidence says nothing about accuracy any more")
    rows = sum(live)
    if rows < FEWEST_ROWS:
        return _none(f"{rows} rows; {FEWEST_ROWS} are needed")
    value = variance = unknown = 0.0
    for at, (count, size, correct) in enumerate(zip(live, known["rows"], known["correct"], strict=True)):
        weight = count / rows
        share = (correct + 0.5) / (size + 1) if size else (at + 0.5) / CONFIDENCE_BINS
        value += weight * share
        variance += weight**2 * share * (1 - share) / (size + 1)
        unknown += 0.0 if size else weight / 2
    error = Z * math.sqrt(variance + value * (1 - value) / rows) + unknown
    return {"available": True, "metric": "accuracy", "value": value, "low": max(value - error, 0.0),
            "high": min(value + error, 1.0), "rows": rows, "reason": None}  # fmt: skip


def _none(reason: str) -> dict[str, Any]:
    return {"available": False, "metric": "accuracy", "value": None, "low": None, "high": None, "reason": reason}
