"""Intervals by the Poisson bootstrap: each replicate weighs each row by a draw of Poisson(1).

It needs no resampled copies, and the same weights on two models compare them row by row. After Chamandy et al.,
"Estimating uncertainty for massive data streams" (2012). Where most rows repeat another one, rows of one content are
drawn together: they are not independent, and row by row the intervals would be too narrow. Two models are compared row
by row on a coarse table: callers ask about the same few values, which are the holdout's and not a sample of others.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.versions.evidence import LossComparison
from trainer.evaluation.losses import row_losses
from trainer.evaluation.metrics import plain_metrics, statistics
from trainer.rows import Predictions, subsample

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.versions.run import Figures

REPLICATES = 1000
MIN_REPLICATES = 200
MAX_ROWS = 20_000
_CHUNK_CELLS = 1_000_000
_BUDGET_CELLS = 40_000_000


def intervals(predictions: Predictions, seed: int, extra: tuple[str, ...] = ()) -> Figures:
    """Return every metric with its two-sided 95 % percentile interval: {"log_loss": {"value", "low", "high"}, …}.

    Values are of all rows; the intervals of more than 20,000 rows come from a sample and are scaled to all rows (to all
    contents, where rows repeat).
    """
    whole = plain_metrics(predictions, extra)
    sample = predictions.take(subsample(predictions.rows, MAX_ROWS, seed))
    figures = statistics(sample, extra)
    scale = math.sqrt(_units(sample) / _units(predictions))
    drawn = [
        {name: figure(weights) for name, figure in figures.items()}
        for weights in _weights(sample, _replicates(sample), seed)
    ]
    return {
        name: _bounds(value, np.concatenate([part[name] for part in drawn]), scale) for name, value in whole.items()
    }


def compare(name: str, metric: str, candidate: Predictions, reference: Predictions, seed: int) -> LossComparison:
    """Compare two models on the same rows, paired, under a metric that is a mean of row losses.

    `low` and `high` bound the difference candidate - reference, each one-sided at 95 %; its rows are the votes.
    """
    rows = subsample(candidate.rows, MAX_ROWS, seed)
    ours = _comparable(candidate).take(rows)
    losses = np.stack([row_losses(metric, part) for part in (ours, reference.take(rows))], axis=1)
    root = metric == "rmse"
    value = losses.mean(axis=0) if ours.contents is None else np.average(losses, axis=0, weights=ours.votes)
    drawn = np.concatenate([_means(weights, losses) for weights in _weights(ours, REPLICATES, seed)])
    value, drawn = (np.sqrt(value), np.sqrt(drawn)) if root else (value, drawn)
    low, high = np.nanpercentile(drawn[:, 0] - drawn[:, 1], [5.0, 95.0])
    votes = ours.counted_once().rows
    return LossComparison(name, metric, votes, float(value[0]), float(value[1]), float(low), float(high))


def _comparable(predictions: Predictions) -> Predictions:
    contents = predictions.contents
    return predictions if contents is None or contents.copies else replace(predictions, contents=None)


def _means(weights: NDArray[np.float64], losses: NDArray[np.float64]) -> NDArray[np.float64]:
    totals = weights.sum(axis=1, keepdims=True)
    means: NDArray[np.float64] = np.divide(
        weights @ losses, totals, out=np.full((len(weights), 2), np.nan), where=totals > 0
    )
    return means


def _weights(predictions: Predictions, replicates: int, seed: int) -> Iterator[NDArray[np.float64]]:
    """Yield the weights of some replicates, [replicates, rows]: one draw for each row, or for each content."""
    contents, units = predictions.contents, _units(predictions)
    places, votes = (None, None) if contents is None else (contents.places(), contents.votes())
    generator = np.random.default_rng(seed)
    step = max(1, _CHUNK_CELLS // max(predictions.rows, 1))
    for start in range(0, replicates, step):
        drawn = _POISSON[generator.integers(0, len(_POISSON), (min(step, replicates - start), units), np.uint16)]
        yield drawn if places is None else drawn[:, places] * votes


def _units(predictions: Predictions) -> int:
    """Return how many independent draws there are: rows, or contents where rows repeat."""
    contents = predictions.contents
    return predictions.rows if contents is None else len(np.unique(contents.codes))


def _poisson_table(size: int = 1 << 16) -> NDArray[np.float64]:
    """Return the Poisson(1) quantiles of `size` equal shares: a look-up is ten times faster than a draw."""
    largest = 9
    reached = np.cumsum([math.exp(-1.0) / math.factorial(count) for count in range(largest)])
    return np.searchsorted(reached, (np.arange(size) + 0.5) / size).astype(np.float64)


_POISSON = _poisson_table()


def _replicates(predictions: Predictions) -> int:
    columns = 1 if predictions.proba is None else predictions.proba.shape[1]
    affordable = _BUDGET_CELLS // max(1, predictions.rows * columns)
    return min(REPLICATES, max(MIN_REPLICATES, affordable))


def _bounds(value: float, drawn: NDArray[np.float64], scale: float) -> dict[str, float | None]:
    drawn = drawn[np.isfinite(drawn)]
    if not math.isfinite(value) or not len(drawn):
        return {"value": value if math.isfinite(value) else None, "low": None, "high": None}
    low, high = np.percentile(drawn, [2.5, 97.5])
    if scale < 1.0:
        centre = np.median(drawn)
        low, high = value + (low - centre) * scale, value + (high - centre) * scale
    return {"value": value, "low": float(low), "high": float(high)}
