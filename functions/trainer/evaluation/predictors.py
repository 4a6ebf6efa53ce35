"""Models that predict encoded rows: a fitted estimator, an exported form, the trivial model."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # ships no types

from modelloop.errors import DatasetRejectedError
from modelloop.spec.deviance import quantile
from trainer.rows import Predictions

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat import FlatModel
    from trainer.families.blend import Blend
    from trainer.families.model import Model
    from trainer.rows import Part

UNLIMITED = 1 << 40
AT_ONCE = 1 << 16  # rows: scikit-learn widens them and copies them again
MAX_THREADS = 2  # the sum of two parts does not depend on their order, that of more does
CELLS_FOR_THREADS = 2_000_000  # on smaller arrays waiting for a second thread costs more than it saves
SUM_SLACK = 1e-3
BINARY = 2
_FILL = "fill them inside of the model (an imputer, or Where(IsNaN(x), fill, x))"


@dataclass(frozen=True, slots=True)
class Estimator:
    """A fitted scikit-learn model or a blend of such; `threshold` moves the decision of a binary classifier."""

    model: Model | Blend
    task: str
    threshold: float | None = None

    @property
    def max_rows(self) -> int:
        """Return no limit."""
        return UNLIMITED

    def predict(self, part: Part) -> Predictions:
        """Return what the estimator predicts of the rows."""
        cells = part.matrix.size
        with limit_threads(MAX_THREADS) if cells > CELLS_FOR_THREADS else nullcontext():
            pieces = [self._answer(part.matrix[start : start + AT_ONCE]) for start in range(0, part.rows or 1, AT_ONCE)]
        predicted = np.concatenate([predicted for predicted, _ in pieces])
        proba = [proba for _, proba in pieces if proba is not None]
        return Predictions(part.target, predicted, np.concatenate(proba) if proba else None, part.contents)

    def _answer(self, matrix: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64] | None]:
        if self.task == "regression":
            return self.model.predict(matrix).astype(np.float64), None
        proba = self.model.predict_proba(matrix).astype(np.float64)
        if self.threshold is None:
            return self.model.labels(matrix, proba).astype(np.float64), proba
        return (proba[:, 1] >= self.threshold).astype(np.float64), proba


@dataclass(frozen=True, slots=True)
class Compiled:
    """A version's flat form, as the serving engine evaluates it."""

    flat: FlatModel
    threshold: float | None = None

    @property
    def max_rows(self) -> int:
        """Return no limit."""
        return UNLIMITED

    def predict(self, part: Part) -> Predictions:
        """Return what the flat engine predicts of the rows."""
        outputs = self.flat.predict(part.matrix.astype(np.float64).tolist(), self.threshold)
        proba = None if outputs.proba is None else np.asarray(outputs.proba, np.float64)
        return Predictions(part.target, np.asarray(outputs.predict, np.float64), proba, part.contents)


@dataclass(frozen=True, slots=True)
class Trivial:
    """Knows the training part's labels alone: class rates, or the constant that a loss asks for."""

    rates: NDArray[np.float64] | None
    centre: float

    @property
    def max_rows(self) -> int:
        """Return no limit."""
        return UNLIMITED

    def predict(self, part: Part) -> Predictions:
        """Return the same prediction for every row."""
        if self.rates is None:
            return Predictions(part.target, np.full(part.rows, self.centre), None, part.contents)
        predicted = np.full(part.rows, float(self.rates.argmax()))
        return Predictions(part.target, predicted, np.tile(self.rates, (part.rows, 1)), part.contents)


def trivial(train: Part, classes: int | None, metric: str) -> Trivial:
    """Return the trivial model of a training part under a metric of the gate; `classes` is None for regression.

    It counts copies once, as the holdout that it guesses at does.
    """
    if classes is None:
        level = quantile(metric)
        votes = None if train.contents is None else train.votes
        best = (
            np.average(train.target, weights=votes)
            if level is None
            else np.quantile(train.target, level, method="inverted_cdf", weights=votes)
        )
        return Trivial(None, float(best))
    counts = np.bincount(train.target.astype(np.intp), train.votes, minlength=classes)
    return Trivial(counts / counts.sum(), 0.0)


def predictions_from_cells(
    part: Part, cells: NDArray[np.float64], classes: int, threshold: float | None
) -> Predictions:
    """Return the predictions that the raw answers [rows, columns] of an ONNX model are; `classes` is 0 for regression.

    Raises DatasetRejectedError for cells that are no numbers, no probabilities or too many.
    """
    if cells.shape != (part.rows, classes or 1):
        what = f"probabilities for {classes} classes" if classes else "numbers where one is expected"
        raise DatasetRejectedError(f"the model gives {cells.size / max(part.rows, 1):g} {what} a row")
    lost = ~np.isfinite(cells).all(axis=1)
    if lost.any():
        gaps = np.isnan(part.matrix[lost]).any(axis=1).all()
        where = f"all of them with missing cells, which callers may send: {_FILL}" if gaps else "NaN or infinite"
        raise DatasetRejectedError(f"the model gives no number for {lost.sum():,} of {part.rows:,} rows, {where}")
    if not classes:
        return Predictions(part.target, cells[:, 0], None, part.contents)
    if (cells < -SUM_SLACK).any() or (np.abs(cells.sum(axis=1) - 1.0) > SUM_SLACK).any():
        raise DatasetRejectedError("the outputs are no probabilities; add a softmax (or sigmoid) to the model")
    if threshold is not None and classes == BINARY:
        return Predictions(part.target, (cells[:, 1] >= threshold).astype(np.float64), cells, part.contents)
    return Predictions(part.target, cells.argmax(axis=1).astype(np.float64), cells, part.contents)


def threads_for(cells: int, max_threads: int = MAX_THREADS) -> threadpool_limits:
    """Return a context with as many threads as an array of so many cells is worth, and at most `max_threads`."""
    return limit_threads(max_threads if cells > CELLS_FOR_THREADS else 1)


def limit_threads(threads: int) -> threadpool_limits:
    """Return a context in which OpenMP has so many threads, and BLAS one."""
    return threadpool_limits({"blas": 1, "openmp": threads})
