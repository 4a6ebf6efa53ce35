"""What SHAP values of a tree ensemble will cost, known before anything is spent: pure counting, no numpy."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from modelloop.flat.trees import Trees

SECONDS_A_STEP = 1e-8  # measured: 4e-9 (deep trees) to 14e-9 (shallow ones), on a shared processor
SECONDS_AN_EDGE = (
    1e-6  # of bringing the paths into arrays, at the first request or, where they are too many to keep, at each
)


class Cost(NamedTuple):
    """Seconds before the first row, and seconds a row."""

    start: float
    row: float

    def rows_within(self, seconds: float) -> int:
        """Return how many rows can be explained in some seconds."""
        return max(0, int((seconds - self.start) / self.row)) if self.row else 1 << 31

    def plus(self, other: Cost) -> Cost:
        """Return the cost of both."""
        return Cost(self.start + other.start, self.row + other.row)


FREE = Cost(0.0, 0.0)


def cost_of(trees: Trees) -> Cost:
    """Return the expected cost of explaining one class: the sum over trees and leaves of the leaf's depth squared.

    Every class of a boosted classifier has trees of its own, so those of one class are counted: its dearest.
    """
    many = len(trees.base) if trees.values is None else 1
    steps, edges = [0] * many, 0
    depths = [0]
    tree, left = 0, trees.sizes[0]
    for slot in trees.feature:
        depth = depths.pop()
        if slot >= 0:
            depths += (depth + 1, depth + 1)
            continue
        steps[tree * many // len(trees.sizes)] += depth * depth
        edges += depth
        left -= 1
        if not left:
            tree += 1
            left = trees.sizes[tree] if tree < len(trees.sizes) else 0
            depths = [0]
    return Cost(edges * SECONDS_AN_EDGE, max(steps) * SECONDS_A_STEP)
