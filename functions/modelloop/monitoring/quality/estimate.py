"""What quality to expect while labels are not there yet: accuracy, or of a regression the mean absolute error.

The holdout tells how often rows of a given confidence (probability of the likeliest class, in 20 bins) were right, and
how large absolute errors were by bin of the prediction. Live rows by these bins, weighed by that, tell what to expect
as long as the relation holds. It does not hold when the inputs drift hard or columns go together otherwise, so then
there is no estimate. It never sees a change of concept, and says so; nothing ever acts on an estimate alone.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelloop.contracts.counts import branch, histogram, integer
from modelloop.contracts.quality_verdict import QualityEstimate
from modelloop.contracts.verdicts import DRIFT, FAULT
from modelloop.monitoring.quality.scores import Z
from modelloop.monitoring.summary import CONFIDENCE_BINS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.counts import Counts
    from modelloop.contracts.evaluation import AbsoluteErrors, Diagnostics
    from modelloop.contracts.verdicts import DriftVerdict, JointDrift

MIN_ROWS = 100
MAX_UNSEEN = 0.05  # of the rows in bins of the prediction that the holdout knows nothing of
MAX_HALF_WIDTH = 0.3  # of the expected error: a wider range says nothing
FEW = 20  # rows of a bin, below which its own spread is not believed alone
ERROR = "mae"
ERROR_Z = 2.2  # standard errors, for errors are skewed: 1.96 held the truth in 94 of 100 windows of real tables
NOTHING_KNOWN = "only classifiers with a calibration table, and regressions with errors by bin, have an estimate"


def expect(diagnostics: Diagnostics, window: Counts | None, drift: DriftVerdict) -> QualityEstimate:
    """Return the estimate of a version, from what its holdout showed and the counts of the window (None: no rows)."""
    counts = window or {}
    if diagnostics.errors is not None:
        return absolute_error(diagnostics.errors, branch(counts, "prediction"), drift.status, drift.joint)
    calibration = diagnostics.calibration
    live = histogram(counts, "confidence")
    return accuracy(calibration.confidence if calibration else None, live, drift.status, drift.joint)


def accuracy(
    calibration: Mapping[str, Sequence[int]] | None,
    live: Sequence[int] | None,
    drift: str,
    joint: JointDrift | None = None,
) -> QualityEstimate:
    """Return the expected accuracy with its range (sampling and calibration error), or why there is none.

    `calibration` has rows and how many were right by confidence ("rows", "correct"), `live` the confidence counts of
    the window; `drift` is the drift status and `joint` the test of pairs.
    """
    if not calibration or not live:
        return QualityEstimate(reason=NOTHING_KNOWN)
    rows = sum(live)
    if reason := _withheld(rows, drift, joint):
        return QualityEstimate(reason=reason)
    value = variance = unknown = 0.0
    for at, (count, size, correct) in enumerate(zip(live, calibration["rows"], calibration["correct"], strict=True)):
        weight = count / rows
        share = (correct + 0.5) / (size + 1) if size else (at + 0.5) / CONFIDENCE_BINS
        value += weight * share
        variance += weight**2 * share * (1 - share) / (size + 1)
        unknown += 0.0 if size else weight / 2
    error = Z * math.sqrt(variance + value * (1 - value) / rows) + unknown
    return QualityEstimate(value, max(value - error, 0.0), min(value + error, 1.0), rows)


def absolute_error(
    errors: AbsoluteErrors, live: Counts, drift: str, joint: JointDrift | None = None
) -> QualityEstimate:
    """Return the expected mean absolute error with its range, or why there is none.

    `live` are the counts of the window's predictions over the bins of `errors`. The range is of the error that the
    window's labels will show: the spread of its own rows is in it, beside what the holdout leaves unsure.
    """
    in_bins = histogram(live, "counts")
    rows = sum(in_bins) + integer(live, "missing") + integer(live, "unseen")
    if reason := _withheld(rows, drift, joint):
        return QualityEstimate(reason=reason, metric=ERROR)
    known = [(count, *bin_) for count, *bin_ in zip(in_bins, errors.rows, errors.mean, errors.deviation, strict=True)]
    told = sum(count for count, size, _, _ in known if size)
    if not told or 1 - told / rows > MAX_UNSEEN:
        reason = f"{1 - told / rows:.0%} of the predictions lie where the holdout has none; {MAX_UNSEEN:.0%} may"
        return QualityEstimate(reason=reason, metric=ERROR)
    value = variance = 0.0
    spare = _pooled(errors)
    for count, size, mean, deviation in known:
        if size and count:
            weight, spread = count / told, max(deviation, spare) if size < FEW else deviation
            value += weight * mean
            variance += (weight * spread) ** 2 / size + weight * spread**2 / told
    half = ERROR_Z * math.sqrt(variance) + value * (1 - told / rows)
    if half > MAX_HALF_WIDTH * value:
        share = f"{half / value:.0%}" if value else "more"
        reason = f"its range would be ± {share} of the expected error; more than {MAX_HALF_WIDTH:.0%} says nothing"
        return QualityEstimate(reason=reason, metric=ERROR)
    return QualityEstimate(value, max(value - half, 0.0), value + half, rows, metric=ERROR)


def _pooled(errors: AbsoluteErrors) -> float:
    """Return the standard deviation of absolute errors within bins, over all of them."""
    rows = sum(errors.rows)
    squares = math.fsum(size * deviation**2 for size, deviation in zip(errors.rows, errors.deviation, strict=True))
    return math.sqrt(squares / rows) if rows else 0.0


def _withheld(rows: int, drift: str, joint: JointDrift | None) -> str | None:
    """Return why no estimate can be trusted, None when one can."""
    if drift in {DRIFT, FAULT}:
        return "the inputs have drifted, so what the holdout showed says nothing about them any more"
    if joint is not None and joint.found:
        names = " and ".join(joint.pairs[0].columns)
        return f"{names} go together otherwise than in training, so what the holdout showed says nothing any more"
    return f"{rows} rows; {MIN_ROWS} are needed" if rows < MIN_ROWS else None
