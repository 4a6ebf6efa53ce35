"""Inverse links: from the raw score of a model to a prediction or to class probabilities."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


def identity(raw: float) -> float:
    """Return the raw score itself."""
    return raw


def exp(raw: float) -> float:
    """Invert the log link; infinite beyond the range of a double, as numpy is."""
    try:
        return math.exp(raw)
    except OverflowError:
        return math.inf


def expit(raw: float) -> float:
    """Invert the logit link: 1 / (1 + e^-raw)."""
    try:
        return 1.0 / (1.0 + math.exp(-raw))
    except OverflowError:
        return 0.0


def half_expit(raw: float) -> float:
    """Invert the half logit link of the exponential loss: 1 / (1 + e^(-2 raw))."""
    return expit(2.0 * raw)


def softmax(raw: list[float]) -> list[float]:
    """Invert the multinomial logit link, shifted by the largest score so that nothing overflows."""
    return _softmax(raw, in_order)


def softmax_by_eights(raw: list[float]) -> list[float]:
    """Do the same, with the powers added in the order that numpy adds along the rows of a matrix."""
    return _softmax(raw, _by_eights)


def _softmax(raw: list[float], add: Callable[[list[float]], float]) -> list[float]:
    top = max(raw)
    powers = [math.exp(score - top) for score in raw]
    total = add(powers)
    return [power / total for power in powers]


def _by_eights(numbers: list[float]) -> float:
    """Add up to 128 numbers as numpy's pairwise summation does: eight running sums, then the remainder."""
    whole = len(numbers) // 8 * 8
    if not whole:
        return in_order(numbers)
    a, b, c, d, e, f, g, h = (in_order(numbers[lane:whole:8]) for lane in range(8))
    return in_order([((a + b) + (c + d)) + ((e + f) + (g + h)), *numbers[whole:]])


def in_order(numbers: list[float]) -> float:
    """Add one number after the other, as compiled loops do; the built-in sum() compensates its rounding."""
    total = 0.0
    for number in numbers:
        total += number
    return total


INVERSES: dict[str, Callable[[float], float]] = {
    "identity": identity,
    "log": exp,
    "logit": expit,
    "half_logit": half_expit,
}
