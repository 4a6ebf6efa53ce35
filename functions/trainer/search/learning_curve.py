"""Would more rows help? The chosen model fitted on a quarter and on half of the training rows, beside the whole."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

from modelloop.contracts.evaluation import CurvePoint, LearningCurve
from modelloop.errors import FitRefusedError
from trainer.evaluation.bootstrap import compare
from trainer.search.halving import sample

if TYPE_CHECKING:
    from collections.abc import Callable

    from trainer.evaluation.predictors import Estimator
    from trainer.rows import Part, Predictions
    from trainer.search.clock import Clock
    from trainer.table import PreparedTable

SHARES = (0.25, 0.5)
MIN_ROWS = 50  # of a quarter: a model of fewer says nothing about more


def learning_curve(
    table: PreparedTable, fit: Callable[[Part], Estimator], whole: Estimator | None, metric: str, clock: Clock
) -> LearningCurve | None:
    """Return the losses on the validation part by the number of training rows, which no model here has learned from.

    `fit` fits the chosen model on some training rows, `whole` is it on all of them, None to be fitted too. A fit begins
    only when it is expected to end in time, by the one before. None where time or rows do not suffice.
    """
    rows = table.train.rows
    if round(SHARES[0] * rows) < MIN_ROWS or not table.validation.rows:
        return None
    sizes = [round(share * rows) for share in SHARES]
    answers: list[tuple[int, Predictions]] = []
    spent = 0.0
    for size in sizes if whole is not None else [*sizes, rows]:
        if not clock.fits_in(2.0 * spent):
            return None
        began = time.monotonic()
        try:
            fitted = fit(table.train.take(sample(table, size)))
        except FitRefusedError:  # too few rows for this estimator
            return None
        answers.append((size, fitted.predict(table.validation)))
        spent = time.monotonic() - began
    if whole is not None:
        answers.append((rows, whole.predict(table.validation)))
    return _curve(table, answers, metric)


def _curve(table: PreparedTable, answers: list[tuple[int, Predictions]], metric: str) -> LearningCurve:
    """Return the loss of each model, and the bounds of what the second half of the rows changed."""
    last = answers[-1][1]
    compared = [compare("rows", metric, last, predictions, table.seed) for _, predictions in answers]
    points = tuple(CurvePoint(rows, against.reference) for (rows, _), against in zip(answers, compared, strict=True))
    return LearningCurve(metric, points, compared[1].low, compared[1].high)
