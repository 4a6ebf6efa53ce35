"""Histograms of predictions of two versions, brought to the same bins so that they can be compared."""

from __future__ import annotations

from bisect import bisect_left
from itertools import pairwise
from typing import TYPE_CHECKING

from modelloop.contracts.counts import histogram, integer

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.baseline import Bins
    from modelloop.contracts.counts import Counts


def align(left: Bins, left_counts: Counts, right: Bins, right_counts: Counts) -> tuple[list[int], list[int]]:
    """Return both sides' counts over shared bins; the last bin is what neither could place (missing, unseen).

    Labels are matched by their text. Numbers of the right side are spread evenly within their own bins over the bins
    of the left side; its open ends fall next to its outermost edges.
    """
    left_bins, right_bins = histogram(left_counts, "counts"), histogram(right_counts, "counts")
    left_rest, right_rest = _unplaced(left_counts), _unplaced(right_counts)
    if left.categories is not None and right.categories is not None:
        labels = list(dict.fromkeys([*left.categories, *right.categories]))
        return (
            [*_by_label(labels, left.categories, left_bins), left_rest],
            [*_by_label(labels, right.categories, right_bins), right_rest],
        )
    if not left.edges or not right.edges:
        return [sum(left_bins), left_rest], [sum(right_bins), right_rest]
    return [*left_bins, left_rest], [*_spread(right.edges, right_bins, left.edges), right_rest]


def _unplaced(counts: Counts) -> int:
    return integer(counts, "missing") + integer(counts, "unseen")


def _by_label(labels: Sequence[str], categories: Sequence[str], counts: Sequence[int]) -> list[int]:
    by_label = dict(zip(categories, counts, strict=True))
    return [by_label.get(label, 0) for label in labels]


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
