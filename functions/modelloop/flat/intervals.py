"""Prediction intervals: a half width by level, which a small model of the residuals may scale row by row."""

from __future__ import annotations

from math import inf
from struct import Struct
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.flat.model import FlatModel
    from modelloop.json_types import JsonObject

MAX_FLOAT32 = 3.4028234663852886e38
_SINGLE = Struct("f")


class IntervalRule(NamedTuple):
    """How intervals are made about predictions.

    `quantiles` are half widths by level; with a `scale` they are multiples of what it expects the residual to be. That
    is a flat document that takes the vector and, as its last slot, the prediction; it counts as `floor` at least.
    `low` and `high` are the ends of what the target can be; None is no end.
    """

    quantiles: Mapping[str, float]
    scale: JsonObject | None = None
    floor: float = 0.0
    low: float | None = None
    high: float | None = None

    def to_json(self) -> JsonObject:
        """Return the stored document; what is not there is left out."""
        scaled: JsonObject = {} if self.scale is None else {"scale": self.scale, "floor": self.floor}
        ends = {name: end for name, end in (("low", self.low), ("high", self.high)) if end is not None}
        return {"quantiles": self.quantiles, **scaled, **ends}


def interval_rule_from_json(document: Mapping[str, Any]) -> IntervalRule:
    """Return a stored rule; documents of earlier releases have half widths alone."""
    return IntervalRule(
        document["quantiles"], document.get("scale"), document.get("floor", 0.0), document.get("low"),
        document.get("high"),
    )  # fmt: skip


class Intervals:
    """A rule at work. The model of the residuals is made when the first interval is asked for."""

    def __init__(self, rule: IntervalRule) -> None:
        self._rule = rule
        self._scale: FlatModel | None = None
        self.levels = [float(level) for level in rule.quantiles]

    def half_width(self, level: float) -> float | None:
        """Return the half width of a level, or None where it is not offered."""
        return next((half for name, half in self._rule.quantiles.items() if float(name) == level), None)

    def around(
        self, half: float, vectors: Sequence[Sequence[float]], numbers: Sequence[float]
    ) -> list[tuple[float, float]]:
        """Return the interval about each prediction, within the ends of the target; it always holds the prediction."""
        low = -inf if self._rule.low is None else self._rule.low
        high = inf if self._rule.high is None else self._rule.high
        return [
            (min(number, max(low, number - half * scale)), max(number, min(high, number + half * scale)))
            for number, scale in zip(numbers, self.scales(vectors, numbers), strict=True)
        ]

    def scales(self, vectors: Sequence[Sequence[float]], numbers: Sequence[float]) -> Sequence[float]:
        """Return by what each half width is multiplied."""
        if self._rule.scale is None:
            return [1.0] * len(numbers)
        if self._scale is None:
            from modelloop.flat.model import load  # noqa: PLC0415  rules without a scale do not need the engine

            self._scale = load(self._rule.scale)
        widened = [[*vector, in_single(number)] for vector, number in zip(vectors, numbers, strict=True)]
        floor = self._rule.floor
        return [max(scale, floor) for scale in self._scale.predict(widened).predict]


def in_single(number: float) -> float:
    """Return a number in the 32 bits in which slots are held."""
    bounded: tuple[float] = _SINGLE.unpack(_SINGLE.pack(max(-MAX_FLOAT32, min(MAX_FLOAT32, number))))
    return bounded[0]
