"""What accuracy to expect while labels are not there yet, from how sure the model says it is.

The holdout tells how often rows of a given confidence (probability of the likeliest class, in 20 bins) were right. Live
confidence, weighed by that, gives the accuracy to expect as long as the relation holds. It does not hold when the
inputs drift hard, so then there is no estimate; and nothing ever acts on an estimate alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

from modelloop.contracts.quality_verdict import AccuracyEstimate
from modelloop.contracts.verdicts import DRIFT, FAULT
from modelloop.monitoring.quality.scores import Z
from modelloop.monitoring.summary import CONFIDENCE_BINS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray

MIN_ROWS = 100


def table(
    proba: NDArray[np.float64], target: NDArray[Any], predicted: NDArray[Any] | None = None
) -> dict[str, list[int]]:
    """Return, by confidence bin, rows and how many were right: {"rows": [20 counts], "correct": [20 counts]}.

    `proba` is [rows, classes] of rows that the model was not fitted on, `target` their class indices;
    `predicted` are the labels that the model gives (a threshold moves them); None: the likeliest classes.
    """
    import numpy as np  # noqa: PLC0415  the verdicts read tables, only the trainer makes them

    bins = np.minimum((proba.max(axis=1) * CONFIDENCE_BINS).astype(np.int64), CONFIDENCE_BINS - 1)
    answered = proba.argmax(axis=1) if predicted is None else predicted
    right = (answered == target).astype(np.int64)
    return {
        "rows": np.bincount(bins, minlength=CONFIDENCE_BINS).tolist(),
        "correct": np.bincount(bins[right == 1], minlength=CONFIDENCE_BINS).tolist(),
    }


def accuracy(
    calibration: Mapping[str, Sequence[int]] | None, live: Sequence[int] | None, drift: str
) -> AccuracyEstimate:
    """Return the expected accuracy with its range (sampling and calibration error), or why there is none.

    `calibration` is the `table` of the version, `live` the confidence counts of the window, `drift` the drift status.
    """
    if not calibration or not live:
        return AccuracyEstimate(reason="only classifiers with a calibration table have an estimate")
    if drift in {DRIFT, FAULT}:
        return AccuracyEstimate(reason="the inputs have drifted, so confidence says nothing about accuracy any more")
    rows = sum(live)
    if rows < MIN_ROWS:
        return AccuracyEstimate(reason=f"{rows} rows; {MIN_ROWS} are needed")
    value = variance = unknown = 0.0
    for at, (count, size, correct) in enumerate(zip(live, calibration["rows"], calibration["correct"], strict=True)):
        weight = count / rows
        share = (correct + 0.5) / (size + 1) if size else (at + 0.5) / CONFIDENCE_BINS
        value += weight * share
        variance += weight**2 * share * (1 - share) / (size + 1)
        unknown += 0.0 if size else weight / 2
    error = Z * math.sqrt(variance + value * (1 - value) / rows) + unknown
    return AccuracyEstimate(value, max(value - error, 0.0), min(value + error, 1.0), rows)
