"""Linear forms: one weight a number slot, one table a category slot, and what a missing value adds."""

from __future__ import annotations

from math import sumprod
from operator import itemgetter
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError, InvalidValueError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from modelloop.flat.shapley.cost import Cost


class Linear:
    """Raw scores that are sums over slots.

    `weights[k][n]` times the value of number slot `numbers[n]` is added to score k; `missing[k][n]` stands in when the
    value is missing. `tables[k][c]` of a category slot is looked up by code; its last entry is for missing.
    `centres[k][slot]` is what the slot adds to score k in the mean of the training part; None in older documents.
    """

    shapley_method = "interventional"

    def __init__(self, document: Mapping[str, Any], slots: int) -> None:
        self.intercept: list[float] = document["intercept"]
        self.numbers: list[int] = document["numbers"]
        self.weights: list[list[float]] = document["weights"]
        self.missing: list[list[float]] = document["missing"]
        self.categories: list[int] = document["categories"]
        self.tables: list[list[list[float]]] = document["tables"]
        self.centres: list[list[float]] | None = document.get("centres")
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
        if self.centres is not None and [len(row) for row in self.centres] != [slots] * len(self.intercept):
            raise ArtifactRefusedError("a linear form needs one centre a slot and score")

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

    def shapley(self, vectors: Sequence[Sequence[float]], output: int) -> tuple[float, list[list[float]]]:
        """Return the mean score over the training part and each slot's SHAP value, [vectors, slots].

        Slots of a linear form add up, so a slot's value is what it adds beyond what it adds in the mean. Raises
        InvalidValueError for a document of a time when these means were not kept.
        """
        if self.centres is None:
            raise InvalidValueError(
                "this version was trained before linear models kept what SHAP values need; train it again",
                field="explain",
            )
        centres = self.centres[output]
        each = [self.contributions(vector, output)[1] for vector in vectors]
        values = [[part - centre for part, centre in zip(slots, centres, strict=True)] for slots in each]
        return sum(centres, self.intercept[output]), values

    @property
    def shapley_cost(self) -> Cost:
        """What SHAP values cost: as little as the answer."""
        from modelloop.flat.shapley.cost import FREE  # noqa: PLC0415  no first answer waits for it

        return FREE

    def rounding(self, vector: Sequence[float]) -> list[float]:
        """Return how far each score may lie from the estimator's: 1e-12 of the magnitudes that are added up."""
        each = [self.contributions(vector, output) for output in range(len(self.intercept))]
        return [_ROUNDING * (abs(base) + sum(map(abs, slots))) for base, slots in each]


_ROUNDING = 1e-12


def _taker(slots: list[int]) -> Callable[[Sequence[float]], Sequence[float]]:
    if len(slots) > 1:
        return itemgetter(*slots)
    return lambda vector: [vector[slot] for slot in slots]
