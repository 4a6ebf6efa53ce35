"""What a model said about rows whose truth is known."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Outcome:
    """Truth and prediction, one a row.

    Classification: `target` and `predicted` are class indices, `proba` is [rows, classes]. Regression: `target` and
    `predicted` are numbers, `proba` is None.
    """

    target: NDArray[np.float64]
    predicted: NDArray[np.float64]
    proba: NDArray[np.float64] | None

    @property
    def rows(self) -> int:
        """How many rows there are."""
        return len(self.target)

    def take(self, rows: NDArray[np.intp]) -> Outcome:
        """Return the outcome of some of the rows, by position."""
        proba = None if self.proba is None else self.proba[rows]
        return Outcome(self.target[rows], self.predicted[rows], proba)


def capped(rows: int, most: int, seed: int) -> NDArray[np.intp]:
    """Return the positions of at most `most` of the rows, drawn without replacement, in order."""
    if rows <= most:
        return np.arange(rows)
    return np.sort(np.random.default_rng(seed).choice(rows, most, replace=False))
