"""What people ask of a model beside its metrics: is it calibrated, what does it confuse, what does it look at."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.evaluation import ColumnImportance, Confusion, Diagnostics
from modelloop.monitoring.drift.baseline import first_slots
from trainer.evaluation.calibration import calibration
from trainer.evaluation.curves import curves
from trainer.evaluation.interval_calibration import coverage
from trainer.evaluation.losses import row_losses
from trainer.evaluation.slices import slices
from trainer.rows import Part, subsample

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.versions.prepared_table import Label
    from trainer.evaluation.interval_calibration import CalibratedIntervals
    from trainer.rows import Predictions, Predictor
    from trainer.table import PreparedTable

PERMUTED_ROWS, REPEATS = 2000, 5
MIN_PERMUTED = 50


def diagnose(
    table: PreparedTable,
    predictor: Predictor,
    metric: str,
    predictions: Predictions,
    intervals: CalibratedIntervals | None = None,
) -> Diagnostics:
    """Return what labelled holdout rows show of a model; `predictions` are its own on the holdout.

    Copies of a row are counted once.
    """
    once = predictions.counted_once()
    return Diagnostics(
        curves(once, table.classes, table.seed),
        calibration(once),
        confusion(once, table.classes),
        importance(table, predictor, metric),
        slices(table, predictions, metric),
        intervals=None if intervals is None else coverage(intervals, _once(table.holdout), once, table.seed),
    )


def _once(part: Part) -> Part:
    return part if part.contents is None else part.take(part.contents.first())


def confusion(predictions: Predictions, classes: Sequence[Label] | None) -> Confusion | None:
    """Return counts [truth][prediction] in the order of the classes; None for regression."""
    if classes is None:
        return None
    size = len(classes)
    places = predictions.target.astype(np.intp) * size + predictions.predicted.astype(np.intp)
    counts = np.bincount(places, minlength=size * size).reshape(size, size).tolist()
    return Confusion(tuple(classes), tuple(map(tuple, counts)))


def importance(table: PreparedTable, predictor: Predictor, metric: str) -> tuple[ColumnImportance, ...]:
    """Return, most important first, by how much the loss on holdout rows grows when one column is shuffled.

    A column's slots are shuffled together; mean and standard deviation over five shuffles of at most 2,000 rows. A
    model that is too slow for 50 of them is not asked.
    """
    columns = first_slots(table.encoding)
    affordable = predictor.max_rows // (REPEATS * len(columns))
    if affordable < MIN_PERMUTED:
        return ()
    part = table.holdout.take(subsample(table.holdout.rows, min(PERMUTED_ROWS, affordable), table.seed))
    generator = np.random.default_rng(table.seed)
    plain = _loss(metric, predictor.predict(part))
    importances = []
    for column, place in columns:
        slots = slice(place, place + column.width)
        grown = [_loss(metric, predictor.predict(_shuffled(part, slots, generator))) - plain for _ in range(REPEATS)]
        importances.append(ColumnImportance(column.name, float(np.mean(grown)), float(np.std(grown))))
    return tuple(sorted(importances, key=lambda entry: -entry.mean))


def _shuffled(part: Part, slots: slice, generator: np.random.Generator) -> Part:
    matrix = part.matrix.copy()
    matrix[:, slots] = matrix[generator.permutation(part.rows), slots]
    return Part(matrix, part.target, contents=part.contents)


def _loss(metric: str, predictions: Predictions) -> float:
    mean = float(np.average(row_losses(metric, predictions), weights=predictions.votes))
    return mean**0.5 if metric == "rmse" else mean
