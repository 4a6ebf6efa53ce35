"""Histograms of predictions of two versions, brought to the same bins so that they can be compared."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Bins = Mapping[str, Any]  # a baseline's column: edges (numbers) or categories (labels)


def align(left: Bins, left_counts: Bins, right: Bins, right_counts: Bins) -> tuple[list[int], list[int]]:
    """Return both sides' counts over shared bins; the last bin is what neither could place (missing, unseen).

    Labels are matched by their text. Numbers of the right side are spread evenly within their own bins over the bins
    of the left side; its open ends fall next to its outermost edges.
    """
    rest = [side.get("missing", 0) + side.get("unseen", 0) for side in (left_counts, right_counts)]
    if left["categories"] is not None and right["categories"] is not None:
        return _by_label(left, left_counts, right, right_counts, rest)
    if not left["edges"] or not right["edges"]:
        return [sum(left_counts["counts"]), rest[0]], [sum(right_counts["counts"]), rest[1]]
    moved = _spread(right["edges"], right_counts["counts"], left["edges"])
    return [*left_counts["counts"], rest[0]], [*moved, rest[1]]


def _by_label(
    left: Bins, left_counts: Bins, right: Bins, right_counts: Bins, rest: list[int]
) -> tuple[list[int], list[int]]:
    labels = list(dict.fromkeys([*left["categories"], *right["categories"]]))
    sides = []
    for bins, counts, other in ((left, left_counts, rest[0]), (right, right_counts, rest[1])):
        by_label = dict(zip(bins["categories"], counts["counts"], strict=True))
        sides.append([*(by_label.get(label, 0) for label in labels), other])
    return sides[0], sides[1]


def _spread(edges: Sequence[float], counts: Sequence[int], onto: Sequence[float]) -> list[int]:
    """Return the counts of bins with those inner edges, over the bins with other inner edges; the sum stays."""
    below = [0, *(round(_below(edges, counts, edge)) for edge in onto), sum(counts)]
    return [upper - lower for lower, upper in pairwise(below)]


def _below(edges: Sequence[float], counts: Sequence[int], value: float) -> float:
    """Return how many values are at most `value`, taking them as spread evenly within their bins."""
    place = bisect_left(edges, value)
    if place == 0:
        return float(counts[0]) if value == edges[0] else 0.0
    if place == len(edges):
        return float(sum(counts))
    lower, upper = edges[place - 1], edges[place]
    return sum(counts[:place]) + counts[place] * (value - lower) / (upper - lower)
