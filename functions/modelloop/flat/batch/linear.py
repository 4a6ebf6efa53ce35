"""Linear forms for many rows: one matrix product, one table look-up a category slot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from modelloop.flat.batch.types import Matrix, Scores
    from modelloop.flat.linear import Linear


class LinearBatch:
    """The many-row twin of `Linear`."""

    def __init__(self, form: Linear) -> None:
        self._numbers = np.array(form.numbers, dtype=np.intp)
        self._weights = np.array(form.weights)
        self._missing = np.array(form.missing)
        self._intercept = np.array(form.intercept)
        self._tables = [
            (slot, np.array([tables[place] for tables in form.tables]).T) for place, slot in enumerate(form.categories)
        ]

    def raw(self, matrix: Matrix) -> Scores:
        """Return scores, shape [rows, scores]."""
        numbers = matrix[:, self._numbers]
        missing = np.isnan(numbers)
        scores: Scores = np.where(missing, 0.0, numbers) @ self._weights.T + self._intercept
        if missing.any():
            scores += missing.astype(np.float64) @ self._missing.T
        for slot, table in self._tables:
            codes = matrix[:, slot]
            scores += table[np.where(np.isnan(codes), -1, codes).astype(np.intp)]
        return scores
