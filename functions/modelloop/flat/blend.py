"""Blends: the weighted sum of what several members score, under one link."""

from __future__ import annotations

from functools import reduce
from operator import add, mul
from typing import TYPE_CHECKING, Any

from modelloop.errors import ArtifactRefusedError
from modelloop.flat.linear import Linear
from modelloop.flat.trees import Trees

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.flat.shapley.cost import Cost

_ADDING = 1e-15  # of the magnitudes that are added: what weighing and adding four members can round differently


class LinearInOrder(Linear):
    """A linear member, whose terms are added one after the other: slot by slot, first numbers, then categories.

    Alone, a linear form adds its numbers with more digits than a double has, which no array operation repeats. In a
    blend both engines must give the same bits, so that a label does not depend on how many rows are asked about.
    """

    def raw(self, vector: Sequence[float]) -> list[float]:
        """Return the scores of one vector, in link space."""
        values = self._take(vector)
        complete = (total := sum(values)) == total
        scores = []
        for score, weights, missing, tables in self._outputs:
            if complete:
                score = reduce(add, map(mul, values, weights), score)  # noqa: PLW2901
            else:
                for value, weight, absent in zip(values, weights, missing, strict=True):
                    score += value * weight if value == value else absent  # noqa: PLR0124, PLW2901
            for slot, table in tables:
                code = vector[slot]
                score += table[int(code)] if code == code else table[-1]  # noqa: PLR0124, PLW2901
            scores.append(score)
        return scores


_MEMBERS: dict[str, type[LinearInOrder | Trees]] = {"linear": LinearInOrder, "trees": Trees}


class Blend:
    """Raw scores that are weighted sums: `weights[m]` times the scores of member m, added in the members' order."""

    def __init__(self, document: Mapping[str, Any], slots: int) -> None:
        self.weights: list[float] = document["weights"]
        self.members = [_MEMBERS[member["form"]](member, slots) for member in document["members"]]
        if not self.members or len({member.scores for member in self.members}) > 1:
            raise ArtifactRefusedError("the members of a blend must have the same number of scores")
        self._weighted = list(zip(self.weights, self.members, strict=True))
        self._is_single = self.scores == 1

    @property
    def scores(self) -> int:
        """How many scores a vector gets."""
        return self.members[0].scores

    def raw(self, vector: Sequence[float]) -> list[float]:
        """Return the scores of one vector, in link space."""
        (weight, first), *rest = self._weighted
        if self._is_single:
            (score,) = first.raw(vector)
            total = weight * score
            for weight, member in rest:
                (score,) = member.raw(vector)
                total += weight * score
            return [total]
        totals = [weight * score for score in first.raw(vector)]
        for weight, member in rest:
            totals = [total + weight * score for total, score in zip(totals, member.raw(vector), strict=True)]
        return totals

    def contributions(self, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
        """Return the weighted bases of one score and, by slot, the weighted sum of what the members' slots add."""
        base, slots = 0.0, [0.0] * len(vector)
        for weight, member in self._weighted:
            start, parts = member.contributions(vector, output)
            base += weight * start
            slots = [slot + weight * part for slot, part in zip(slots, parts, strict=True)]
        return base, slots

    def shapley(self, vectors: Sequence[Sequence[float]], output: int) -> tuple[float, list[list[float]]]:
        """Return the weighted bases of one score and the weighted SHAP values: both are linear in what they explain."""
        base, values = 0.0, [[0.0] * len(vector) for vector in vectors]
        for weight, member in self._weighted:
            start, parts = member.shapley(vectors, output)
            base += weight * start
            values = [
                [value + weight * part for value, part in zip(row, other, strict=True)]
                for row, other in zip(values, parts, strict=True)
            ]
        return base, values

    @property
    def shapley_cost(self) -> Cost:
        """What SHAP values cost: as much as those of all members."""
        return reduce(lambda one, other: one.plus(other), (member.shapley_cost for member in self.members))

    @property
    def shapley_method(self) -> str:
        """What SHAP values are taken over, member by member."""
        return "+".join(dict.fromkeys(member.shapley_method for member in self.members))

    def rounding(self, vector: Sequence[float]) -> list[float]:
        """Return how far each score may lie from the estimator's: what the members' may, weighted; of trees 0."""
        rooms = zip(*(member.rounding(vector) for member in self.members), strict=True)
        carried = [sum(map(mul, self.weights, room)) for room in rooms]
        if not any(carried):
            return carried
        sizes = zip(*([abs(score) for score in member.raw(vector)] for member in self.members), strict=True)
        return [room + _ADDING * sum(map(mul, self.weights, size)) for room, size in zip(carried, sizes, strict=True)]
