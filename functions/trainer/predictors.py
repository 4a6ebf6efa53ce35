"""Whatever answers about encoded rows: the candidate, an earlier version, the trivial model."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from modelloop.deviance import quantile
from trainer.evaluation import Outcome

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from modelloop.flat import FlatModel
    from trainer.table import Part


UNLIMITED = 1 << 40


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
        if self.task == "regression":
            return Outcome(part.target, self.model.predict(part.matrix).astype(np.float64), None)
        proba = self.model.predict_proba(part.matrix).astype(np.float64)
        if self.threshold is None:
            predicted = self.model.predict(part.matrix).astype(np.float64)
        else:
            predicted = (proba[:, 1] >= self.threshold).astype(np.float64)
        return Outcome(part.target, predicted, proba)


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
