"""Blends for many rows: the members' scores, weighted and added in the order of the form."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.flat.batch import Batch
    from modelloop.flat.batch.types import Matrix, Scores
    from modelloop.flat.blend import LinearInOrder


class BlendBatch:
    """The many-row twin of `Blend`, to the last bit."""

    def __init__(self, weights: Sequence[float], members: Sequence[Batch]) -> None:
        self._weighted = list(zip(weights, members, strict=True))

    def raw(self, matrix: Matrix) -> Scores:
        """Return scores, shape [rows, scores]."""
        (weight, first), *rest = self._weighted
        scores = weight * first.raw(matrix)
        for weight, member in rest:
            scores += weight * member.raw(matrix)
        return scores


class LinearInOrderBatch:
    """The many-row twin of `LinearInOrder`: one column after the other, as it adds them."""

    def __init__(self, form: LinearInOrder) -> None:
        self._intercept = np.array(form.intercept)
        self._numbers = list(
            zip(form.numbers, np.array(form.weights).T.copy(), np.array(form.missing).T.copy(), strict=True)
        )
        self._tables = [
            (slot, np.array([tables[place] for tables in form.tables]).T) for place, slot in enumerate(form.categories)
        ]

    def raw(self, matrix: Matrix) -> Scores:
        """Return scores, shape [rows, scores]."""
        scores: Scores = np.tile(self._intercept, (len(matrix), 1))
        for slot, weights, missing in self._numbers:
            values = matrix[:, slot, np.newaxis]
            scores += np.where(np.isnan(values), missing, values * weights)
        for slot, table in self._tables:
            codes = matrix[:, slot]
            scores += table[np.where(np.isnan(codes), -1, codes).astype(np.intp)]
        return scores
