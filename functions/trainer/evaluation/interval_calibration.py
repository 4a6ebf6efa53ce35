"""How far a regressor's truth is from its predictions, row by row: conformal intervals scaled by expected residuals.

A small model learns how large residuals are from the features and the prediction; it is calibrated by what it expects
of rows that it was not fitted on. The interval of a row is as many times what it expects as cover the wanted share of
these rows (Lei et al., "Distribution-free predictive inference for regression", 2018, section 5.2).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.evaluation import IntervalCoverage, IntervalPart
from modelloop.flat.intervals import IntervalRule, Intervals
from modelloop.spec import deviance
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TIME
from trainer.evaluation.calibration import conformal_quantiles
from trainer.evaluation.predictors import limit_threads
from trainer.export.serving import flatten
from trainer.families.catalogue import build
from trainer.rows import subsample

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.json_types import JsonObject
    from modelloop.spec.fields import Parameter
    from trainer.families.model import Model
    from trainer.rows import Part, Predictions
    from trainer.table import PreparedTable

    Floats = NDArray[np.float64]

MIN_ROWS = 200  # fewer residuals say too little about where they are large
MAX_ROWS = 50_000
FOLDS = 5
TREES, LEAVES = 32, 2  # 64 leaves at most: an interval of one row costs less than the answer
RATE, MIN_LEAF = 0.25, 20  # measured on five tables: deeper trees gave longer intervals, slower rates narrower extremes
TINY = 1e-9  # of the mean residual, for rows that are predicted exactly: the loss asks for positive numbers
FLOOR = 0.1  # of the median of what is expected
COMPARED_AT = "0.9"
MAX_LONGER, MAX_MISSED = 1.05, 0.05  # what fair intervals may cost, and from when constant widths are unfair
PARTS = 5


@dataclass(frozen=True, slots=True)
class CalibratedIntervals:
    """A rule for intervals, from how many rows, and why all are equally wide or there are none; None: they adapt."""

    rule: IntervalRule
    rows: int
    reason: str | None = None


def calibrate(table: PreparedTable, part: Part, predictions: Predictions, metric: str) -> CalibratedIntervals:
    """Return the rule for intervals of a regressor that is compared by `metric`.

    `predictions` are its own of rows, `part`, that it was not fitted on; copies of a row count once.
    """
    level = deviance.quantile(metric)
    if metric.startswith(deviance.PINBALL):
        reason = f"the model predicts the {level:g} quantile, and an interval about a quantile promises nothing of use"
        return CalibratedIntervals(IntervalRule({}), 0, reason)
    if part.contents is not None:
        first = part.contents.first()
        part, predictions = part.take(first), predictions.take(first)
    low, high = _ends(table, metric)
    residuals = np.abs(predictions.target - predictions.predicted)
    constant = IntervalRule(conformal_quantiles(residuals), low=low, high=high)
    if part.rows < MIN_ROWS:
        return CalibratedIntervals(constant, part.rows, f"fewer than {MIN_ROWS} rows calibrate them")
    scaled = _scaled(table, part, predictions, residuals, constant)
    if scaled is None:
        reason = "on the rows that calibrate them, widths that follow the expected residual were no better"
        return CalibratedIntervals(constant, part.rows, reason)
    return CalibratedIntervals(scaled, part.rows)


def _ends(table: PreparedTable, metric: str) -> tuple[float | None, float | None]:
    """Return the ends of what the target can be: those of the rows that were learned from.

    A target that is split by time may grow beyond them, so there only its sign is an end.
    """
    known = table.rows.target[table.membership != HOLDOUT]
    if not len(known):
        return None, None
    low, high = float(known.min()), float(known.max())
    if table.facts.split.kind == TIME:
        positive = low >= 0.0 or deviance.floor(metric) is not None
        return 0.0 if positive else None, 0.0 if high <= 0.0 else None
    return low, high


def _scaled(
    table: PreparedTable, part: Part, predictions: Predictions, residuals: Floats, constant: IntervalRule
) -> IntervalRule | None:
    """Return the rule whose widths follow the expected residual; None where it is no better than constant widths."""
    used = subsample(part.rows, MAX_ROWS, table.seed)
    if not residuals[used].any():
        return None
    wide = _widened(part.matrix[used], predictions.predicted[used])
    residuals = residuals[used]
    encoding = Encoding([*table.encoding.columns, Column("prediction", "number")])
    expected = np.empty(len(used))
    folds = np.random.default_rng(table.seed).permutation(len(used)) % FOLDS
    with limit_threads(1):
        for fold in range(FOLDS):
            held = folds == fold
            expected[held] = _fit(encoding, wide[~held], residuals[~held], table.seed).predict(wide[held])
        model = _fit(encoding, wide, residuals, table.seed)
    floor = FLOOR * float(np.median(expected))
    if floor <= 0.0:
        return None
    expected = np.maximum(expected, floor)
    quantiles = conformal_quantiles(residuals / expected)
    widths = quantiles[COMPARED_AT] * expected
    if not _is_better(residuals, predictions.predicted[used], widths, constant.quantiles[COMPARED_AT]):
        return None
    return constant._replace(quantiles=quantiles, scale=_flat(model, encoding), floor=floor)


def _is_better(residuals: Floats, predicted: Floats, widths: Floats, constant: float) -> bool:
    """Return whether half widths are shorter than one for all, or fairer and hardly longer.

    Fairer where one width misses what it promises by more than 5 points in a fifth of the predictions, and theirs by
    less.
    """
    longer = float(widths.mean()) / constant
    missed = _worst_fifth(residuals <= constant, predicted)
    return longer < 1.0 or (longer <= MAX_LONGER and MAX_MISSED < missed > _worst_fifth(residuals <= widths, predicted))


def _worst_fifth(held: NDArray[np.bool_], predicted: Floats) -> float:
    """Return by how much the share that held differs from what is promised, in the fifth where it does most."""
    fifths = np.array_split(np.argsort(predicted, kind="stable"), PARTS)
    return max(abs(float(held[rows].mean()) - float(COMPARED_AT)) for rows in fifths)


def _widened(matrix: NDArray[np.float32], predicted: Floats) -> NDArray[np.float32]:
    """Return the rows with the prediction as one slot more, in the 32 bits of slots."""
    largest = np.finfo(np.float32).max
    return np.column_stack([matrix, np.clip(predicted, -largest, largest).astype(np.float32)])


def _fit(encoding: Encoding, matrix: NDArray[np.float32], residuals: Floats, seed: int) -> Model:
    """Return a model of the size of residuals: multiplicative, as their spread usually is."""
    params: dict[str, Parameter] = {
        "loss": "gamma", "max_iter": TREES, "max_leaf_nodes": LEAVES, "learning_rate": RATE,
        "min_samples_leaf": MIN_LEAF, "early_stopping": False,
    }  # fmt: skip
    positive = residuals + TINY * residuals.mean()
    return build("hist_gradient_boosting", "regression", encoding, params, seed).fit(matrix, positive)


def _flat(model: Model, encoding: Encoding) -> JsonObject:
    document = flatten(model, encoding)
    if document is None:
        raise TypeError("boosting has a flat form")
    return document


def coverage(calibrated: CalibratedIntervals, part: Part, predictions: Predictions, seed: int) -> IntervalCoverage:
    """Return how often intervals hold the truth of labelled rows that nothing was fitted or calibrated on.

    At 90 % or the widest level below it that there is, over all and by fifth of the predictions.
    """
    offered = [name for name in calibrated.rule.quantiles if float(name) <= float(COMPARED_AT)]
    adaptive = calibrated.rule.scale is not None
    if not offered or not part.rows:
        return IntervalCoverage(None, adaptive, calibrated.rows, calibrated.reason)
    used = subsample(part.rows, MAX_ROWS, seed)
    predicted, target = predictions.predicted[used], predictions.target[used]
    level = max(offered, key=float)
    intervals, half = Intervals(calibrated.rule), calibrated.rule.quantiles[level]
    low, high = np.array(intervals.around(half, part.matrix[used].astype(np.float64).tolist(), predicted.tolist())).T
    held, width = (target >= low) & (target <= high), high - low
    parts = [
        IntervalPart(
            float(predicted[rows].min()), float(predicted[rows].max()), len(rows), float(held[rows].mean()),
            float(width[rows].mean()),
        )
        for rows in np.array_split(np.argsort(predicted, kind="stable"), PARTS)
        if len(rows)
    ]  # fmt: skip
    return IntervalCoverage(
        float(level),
        adaptive,
        calibrated.rows,
        calibrated.reason,
        float(held.mean()),
        float(width.mean()),
        tuple(parts),
    )
