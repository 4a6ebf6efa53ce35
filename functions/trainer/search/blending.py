"""Which models answer better together: weights by greedy selection on rows that the members were not fitted on.

Greedy selection with replacement, after Caruana, Niculescu-Mizil, Crew and Ksikes, "Ensemble selection from libraries
of models" (ICML 2004): begin with the best model, add again and again the one with which the average answers best, and
keep the best of all averages on the way. A weight is how often a model was added.
"""

from __future__ import annotations

from math import inf, isnan
from typing import TYPE_CHECKING

import numpy as np
from scipy import special

from modelloop.flat.model import EVEN
from modelloop.spec.fields import HIGHER_IS_BETTER
from trainer.evaluation.losses import row_losses
from trainer.evaluation.metrics import statistics
from trainer.families.blend import MAX_MEMBERS
from trainer.families.link_space import LOG, MEAN
from trainer.rows import Predictions

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from trainer.rows import Contents

    type Floats = NDArray[np.float64]

STEPS = 20  # so no weight is below 0.05
MIN_ERRORS = 0.5
MIN_GAIN = 0.002
_THOUSANDTHS = 1000
_BINARY = 2


def choose_weights(
    answers: Sequence[Floats], target: Floats, link: str, metric: str, contents: Contents | None = None
) -> list[float]:
    """Return the weight of each model in the blend that a metric likes best, 0 for those that are left out.

    `answers` are raw scores of the same rows in the space of the link, [rows] or [rows, scores] each. Weights are not
    negative and add up to 1, at most 4 are above 0 and none of these is below 0.05; they have three digits. Of equals
    the earlier model is taken. `contents` says which rows are copies, that share a vote.
    """
    totals = np.zeros_like(answers[0])
    counts, best, best_score = [0] * len(answers), [0] * len(answers), inf
    for step in range(1, STEPS + 1):
        score, added = min(
            (_score((totals + answers[place]) / step, target, link, metric, contents), place) for place in _open(counts)
        )
        totals = totals + answers[added]
        counts[added] += 1
        if score < best_score:
            best, best_score = list(counts), score
    return _in_thousandths(best)


def _open(counts: Sequence[int]) -> list[int]:
    """Return the models that may be added: all, until there are as many different ones as a blend may have."""
    taken = [place for place, count in enumerate(counts) if count]
    return taken if len(taken) == MAX_MEMBERS else list(range(len(counts)))


def _score(scores: Floats, target: Floats, link: str, metric: str, contents: Contents | None) -> float:
    """Return what is lower for better answers; infinity where the metric is not defined."""
    predictions = predictions_of(scores, target, link, contents)
    if metric in HIGHER_IS_BETTER or metric == "brier":
        figure = float(statistics(predictions)[metric](predictions.votes[None, :])[0])
        figure = -figure if metric in HIGHER_IS_BETTER else figure
    else:
        figure = float(np.average(row_losses(metric, predictions), weights=predictions.votes))
    return inf if isnan(figure) else figure


def _in_thousandths(counts: Sequence[int]) -> list[float]:
    """Return shares with three digits that add up to 1: what rounding down leaves goes to the largest."""
    shares = [count * _THOUSANDTHS // sum(counts) for count in counts] if any(counts) else [0] * len(counts)
    shares[int(np.argmax(shares))] += _THOUSANDTHS - sum(shares)
    return [share / _THOUSANDTHS for share in shares]


def predictions_of(
    scores: Floats, target: Floats, link: str, contents: Contents | None = None, threshold: float | None = None
) -> Predictions:
    """Return what raw scores, [rows] or [rows, scores], predict under a link, beside the truth.

    Of two classes one score, or under the link `mean` one probability, stands for both; the second is predicted from
    `threshold` on, or else from one half.
    """
    columns = scores.reshape(len(target), -1)
    if link in {"identity", LOG}:
        numbers = columns[:, 0]
        with np.errstate(over="ignore"):
            return Predictions(target, np.exp(numbers) if link == LOG else numbers, None, contents)
    if columns.shape[1] > 1:
        proba = columns if link == MEAN else special.softmax(columns, axis=1)
    else:
        positive = columns[:, 0] if link == MEAN else special.expit(columns[:, 0])
        proba = np.column_stack([1.0 - positive, positive])
    least = EVEN if threshold is None else threshold
    predicted = proba[:, 1] >= least if proba.shape[1] == _BINARY else proba.argmax(axis=1)
    return Predictions(target, predicted.astype(np.float64), proba, contents)


def is_better(blend: Predictions, single: Predictions, metric: str) -> bool:
    """Return whether a blend's mean loss lies below a model's by more than noise and by what more work is worth.

    By more than half a standard error of the rows' paired differences, and by 0.2 % of the model's loss. At the best
    weight the gain is half of what its slope at weight 0 promises there, so this is one standard error of the slope:
    below it the weight is more likely to follow the noise of these rows than to help on others. Copies of a row count
    once.
    """
    ours, theirs = (row_losses(metric, predictions.counted_once()) for predictions in (blend, single))
    gains = theirs - ours
    error = float(gains.std(ddof=1)) / len(gains) ** 0.5 if len(gains) > 1 else inf
    gain = float(gains.mean())
    return gain > MIN_ERRORS * error and gain > MIN_GAIN * abs(float(theirs.mean()))
