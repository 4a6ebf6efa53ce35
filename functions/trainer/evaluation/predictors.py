"""Whatever answers about encoded rows: the candidate, an earlier version, the trivial model."""

from __future__ import annotations

from contextlib import nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelloop.spec.deviance import quantile
from trainer.evaluation import Outcome
from trainer.search import threads

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat import FlatModel
    from trainer.table import Part


UNLIMITED = 1 << 40
AT_ONCE = 1 << 16  # rows: scikit-learn widens them and copies them again


class Predictor(Protocol):
    """Answers on rows of its own encoding; one that is slow asks to be spared with `most_rows`."""

    @property
    def most_rows(self) -> int:
        """How many rows it can be asked about in reasonable time."""
        ...

    def outcome(self, part: Part) -> Outcome:
        """Return what it says about the rows, beside the truth."""
        ...


@dataclass(frozen=True, slots=True)
class Estimator:
    """A fitted scikit-learn model; `threshold` moves the decision of a binary classifier."""

    model: Any
    task: str
    threshold: float | None = None

    @property
    def most_rows(self) -> int:
        """As many as there are."""
        return UNLIMITED

    def outcome(self, part: Part) -> Outcome:
        """Return what the estimator says about the rows."""
        with threads.limit(threads.MOST_THREADS) if threads.are_worth(part.matrix.size) else nullcontext():
            pieces = [self._answer(part.matrix[start : start + AT_ONCE]) for start in range(0, part.rows or 1, AT_ONCE)]
        predicted = np.concatenate([predicted for predicted, _ in pieces])
        proba = [proba for _, proba in pieces if proba is not None]
        return Outcome(part.target, predicted, np.concatenate(proba) if proba else None)

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
    def most_rows(self) -> int:
        """As many as there are."""
        return UNLIMITED

    def outcome(self, part: Part) -> Outcome:
        """Return what the flat engine says about the rows."""
        said = self.flat.predict(part.matrix.astype(np.float64).tolist(), self.threshold)
        proba = None if said.proba is None else np.asarray(said.proba, np.float64)
        return Outcome(part.target, np.asarray(said.predict, np.float64), proba)


@dataclass(frozen=True, slots=True)
class Trivial:
    """Knows the training part's labels alone: class rates, or the constant that a loss asks for."""

    rates: NDArray[np.float64] | None
    centre: float

    @property
    def most_rows(self) -> int:
        """As many as there are."""
        return UNLIMITED

    def outcome(self, part: Part) -> Outcome:
        """Return the same answer for every row."""
        if self.rates is None:
            return Outcome(part.target, np.full(part.rows, self.centre), None)
        return Outcome(part.target, np.full(part.rows, float(self.rates.argmax())), np.tile(self.rates, (part.rows, 1)))


def trivial(train: Part, classes: int | None, metric: str) -> Trivial:
    """Return the trivial model of a training part under a metric of the gate; `classes` is None for regression."""
    if classes is None:
        level = quantile(metric)
        best = train.target.mean() if level is None else np.quantile(train.target, level, method="inverted_cdf")
        return Trivial(None, float(best))
    counts = np.bincount(train.target.astype(np.intp), minlength=classes)
    return Trivial(counts / counts.sum(), 0.0)
