"""Linear forms: one weight a number slot, one table a category slot, and what a missing value adds."""

from __future__ import annotations

from math import sumprod
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence


class Linear:
    """Raw scores that are sums over slots.

    `weights[k][n]` times the value of number slot `numbers[n]` is added to score k; `missing[k][n]` stands in when the
    value is missing. `tables[k][c]` of a category slot is looked up by code; its last entry is for missing.
    """

    def __init__(self, document: Mapping[str, Any], slots: int) -> None:
        self.intercept: list[float] = document["intercept"]
        self.numbers: list[int] = document["numbers"]
        self.weights: list[list[float]] = document["weights"]
        self.missing: list[list[float]] = document["missing"]
        self.categories: list[int] = document["categories"]
        self.tables: list[list[list[float]]] = document["tables"]
        self._check(slots)
        self._take = _taker(self.numbers)
        self._outputs = list(
            zip(
                self.intercept,
                self.weights,
                self.missing,
                [list(zip(self.categories, tables, strict=True)) for tables in self.tables],
                strict=True,
            )
        )

    def _check(self, slots: int) -> None:
        if sorted(self.numbers + self.categories) != list(range(slots)):
            raise ArtifactRefusedError("a linear form must use each slot once")
        for weights, missing, tables in zip(self.weights, self.missing, self.tables, strict=True):
            if len(weights) != len(self.numbers) or len(missing) != len(self.numbers):
                raise ArtifactRefusedError("a linear form needs one weight a number slot")
            if len(tables) != len(self.categories) or not all(tables):
                raise ArtifactRefusedError("a linear form needs one table a category slot")

    @property
    def scores(self) -> int:
        """How many scores a vector gets."""
        return len(self.intercept)

    def raw(self, vector: Sequence[float]) -> list[float]:
        """Return the scores of one vector, in link space."""
        values = self._take(vector)
        complete = (total := sum(values)) == total
        scores = []
        for score, weights, missing, tables in self._outputs:
            if complete:
                score += sumprod(values, weights)  # noqa: PLW2901
            else:
                for value, weight, absent in zip(values, weights, missing, strict=True):
                    score += value * weight if value == value else absent  # noqa: PLR0124, PLW2901
            for slot, table in tables:
                code = vector[slot]
                score += table[int(code)] if code == code else table[-1]  # noqa: PLR0124, PLW2901
            scores.append(score)
        return scores

    def contributions(self, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
        """Return the intercept of one score and what each slot adds to it."""
        base, weights, missing, tables = self._outputs[output]
        slots = [0.0] * len(vector)
        for slot, weight, absent in zip(self.numbers, weights, missing, strict=True):
            value = vector[slot]
            slots[slot] = value * weight if value == value else absent  # noqa: PLR0124
        for slot, table in tables:
            code = vector[slot]
            slots[slot] = table[int(code)] if code == code else table[-1]  # noqa: PLR0124
        return base, slots

    def rounding(self, vector: Sequence[float]) -> list[float]:
        """Return how far each score may lie from the estimator's: 1e-12 of the magnitudes that are added up."""
        each = [self.contributions(vector, output) for output in range(len(self.intercept))]
        return [_ROUNDING * (abs(base) + sum(map(abs, slots))) for base, slots in each]


_ROUNDING = 1e-12


def _taker(slots: list[int]) -> Callable[[Sequence[float]], Sequence[float]]:
    if len(slots) > 1:
        return itemgetter(*slots)
    return lambda vector: [vector[slot] for slot in slots]
