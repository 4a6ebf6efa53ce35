"""Does a serving engine reproduce the estimator? The rule that every export must pass before it may serve.

Flat trees: within 4 units in the last place after the link. Flat linear forms: 1e-12 of the sum of all magnitudes
before the link. ONNX: 1e-5. Labels must be identical except where the two best answers lie closer than the tolerance
("ties", which are counted).
"""

from __future__ import annotations

from dataclasses import dataclass
from math import inf, isnan, ulp
from typing import TYPE_CHECKING

from modelloop.flat.links import INVERSES, softmax

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.flat import FlatModel, Outputs

    Matrix = Sequence[Sequence[float]]

ULPS = 4.0
ONNX = 1e-5
_BINARY = 2
_LARGEST = 1e300  # stands for infinity: verdicts travel as JSON


@dataclass(frozen=True, slots=True)
class Parity:
    """The verdict on a replay. `worst` is the largest difference as a share of what was allowed (above 1: refused)."""

    rows: int
    mismatches: int
    worst: float
    label_ties: int
    first: int | None

    @property
    def ok(self) -> bool:
        """Whether every row was reproduced."""
        return self.mismatches == 0 and self.rows > 0

    @property
    def reason(self) -> str | None:
        """One line for the run when the replay failed."""
        if self.ok:
            return None
        if self.rows == 0:
            return "no rows were replayed"
        return (
            f"the serving engine differs from the estimator on {self.mismatches} of {self.rows} rows, first on row "
            f"{self.first}; the largest difference is {self.worst:.3g} times what is allowed"
        )


def compare(expected: Matrix, actual: Outputs, allowed: Matrix, threshold: float | None = None) -> Parity:
    """Compare answers row by row.

    `expected` holds the estimator's class probabilities, or one number a row for regression; `allowed` has the same
    shape, in the same unit. Labels are derived from `expected`: the most probable class, or by `threshold` (binary).
    """
    answers: Matrix = actual.proba if actual.proba is not None else [[float(number)] for number in actual.predict]
    mismatches = ties = 0
    worst, first = 0.0, None
    for row, (want, have, room) in enumerate(zip(expected, answers, allowed, strict=True)):
        share = max(map(_share, want, have, room)) if len(want) == len(have) else inf
        tie = actual.proba is not None and _is_tie(want, room, threshold)
        wrong = actual.proba is not None and not tie and actual.predict[row] != _label(want, threshold)
        ties += tie
        worst = max(worst, min(share, _LARGEST))
        if share > 1.0 or wrong:
            mismatches += 1
            first = row if first is None else first
    return Parity(len(expected), mismatches, worst, ties, first)


def flat_tolerance(model: FlatModel, vectors: Matrix) -> list[list[float]]:
    """Return what may separate the flat engine from the estimator, cell by cell, in the unit of its answers."""
    scores = zip(model.raws(vectors), map(model.rounding, vectors), strict=True)
    return [_through_link(model.link, raw, bounds) for raw, bounds in scores]


def onnx_tolerance(expected: Matrix) -> list[list[float]]:
    """Return what may separate onnxruntime from the estimator: 1e-5, relative above 1."""
    return [[ONNX * max(1.0, abs(cell)) for cell in row] for row in expected]


def _share(want: float, have: float, room: float) -> float:
    if want == have or (isnan(want) and isnan(have)):
        return 0.0
    difference = abs(want - have)
    return difference / room if difference < inf and room > 0.0 else inf


def _label(want: Sequence[float], threshold: float | None) -> int:
    if threshold is not None and len(want) == _BINARY:
        return int(want[1] >= threshold)
    return want.index(max(want))


def _is_tie(want: Sequence[float], room: Sequence[float], threshold: float | None) -> bool:
    if threshold is not None and len(want) == _BINARY:
        return abs(want[1] - threshold) <= room[1]
    best, second = sorted(range(len(want)), key=want.__getitem__, reverse=True)[:2]
    return want[best] - want[second] <= room[best] + room[second]


def _through_link(link: str, raw: list[float], bounds: list[float]) -> list[float]:
    """Carry bounds on raw scores through the inverse link, and add the rounding of the link itself."""
    if link in {"mean", "identity"}:
        return [bound or ULPS * ulp(score) for score, bound in zip(raw, bounds, strict=True)]
    if link == "softmax":
        answers = softmax(raw)
        return [_softmax_room(raw, bounds, k) + ULPS * ulp(answer) for k, answer in enumerate(answers)]
    inverse = INVERSES[link]
    room = inverse(raw[0] + bounds[0]) - inverse(raw[0] - bounds[0]) if bounds[0] else 0.0
    room += ULPS * ulp(inverse(raw[0]))
    return [room] if link == "log" else [room, room]


def _softmax_room(raw: list[float], bounds: list[float], one: int) -> float:
    """Return how far apart the probability of one class can be when every score moves within its bound."""
    if not any(bounds):
        return 0.0
    moves = [bound if k == one else -bound for k, bound in enumerate(bounds)]
    high = softmax([score + move for score, move in zip(raw, moves, strict=True)])[one]
    return high - softmax([score - move for score, move in zip(raw, moves, strict=True)])[one]
