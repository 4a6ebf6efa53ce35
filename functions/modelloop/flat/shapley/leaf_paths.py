"""The way to every leaf as arrays: which slots are tested, for which values a vector goes on, and the cover's share.

Several tests of one slot on the way to a leaf are one: an interval of numbers or a set of codes, and the product of the
shares of the cover that went on at each.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.flat.paths import left_sizes

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.flat.batch.types import Matrix
    from modelloop.flat.trees import Trees

    Floats = NDArray[np.float64]
    Places = NDArray[np.intp]
    Truths = NDArray[np.bool_]

MAX_LEAVES = 4_096  # of the trees in one go, unless one tree has more: they bound the memory of a request


@dataclass(frozen=True, slots=True)
class LeafPaths:
    """Leaves on whose way the same number of slots is tested; all arrays are [slots, leaves].

    `leaf` numbers the leaves through the ensemble. A number passes when it is at most `high` and not at most `low`
    (NaN: no bound), a missing one where `missing` says so. `sets` has the codes that pass for the pairs of
    `categories`, two arrays of places; the code after the last means missing. `share` is the part of the cover that
    passes.
    """

    leaf: Places
    slot: Places
    low: Floats
    high: Floats
    missing: Truths
    share: Floats
    categories: tuple[Places, Places]
    sets: Truths

    def passes(self, values: Matrix, codes: Places) -> Truths:
        """Return which pairs let each vector pass, [slots, leaves, rows].

        `values` and `codes` are [slots of the vector, rows]; codes have the code of missing where a value is missing.
        """
        tested = values[self.slot]
        passed = (tested <= self.high[..., None]) & ~(tested <= self.low[..., None])
        passed |= np.isnan(tested) & self.missing[..., None]
        if len(self.sets):
            passed[self.categories] = np.take_along_axis(self.sets, codes[self.slot[self.categories]], axis=1)
        return passed


def leaf_paths(trees: Trees, first: int, last: int) -> Iterator[list[LeafPaths]]:
    """Yield the ways to the leaves of the trees from `first` to before `last`, some trees at a time."""
    left = left_sizes(trees.feature)
    node, leaf = 2 * sum(trees.sizes[:first]) - first, sum(trees.sizes[:first])
    while first < last:
        after, leaves = first + 1, trees.sizes[first]
        while after < last and leaves + trees.sizes[after] <= MAX_LEAVES:
            leaves += trees.sizes[after]
            after += 1
        end = node + 2 * leaves - (after - first)
        yield _by_length(trees, _Edges(trees, left, slice(node, end), leaf))
        first, node, leaf = after, end, leaf + leaves


class _Edges:
    """Every step on the way to every leaf of some trees: arrays of one entry a step, by leaf and slot."""

    def __init__(self, trees: Trees, left: list[int], nodes: slice, first_leaf: int) -> None:
        feature = np.array(trees.feature[nodes], dtype=np.intp)
        inner, leaves = np.flatnonzero(feature >= 0), np.flatnonzero(feature < 0)
        parent = np.full(len(feature), -1)
        parent[inner + 1] = inner
        parent[inner + 2 * np.array(left[nodes], dtype=np.intp)[inner]] = inner
        node, leaf = _climb(leaves, parent)
        weights = np.array(trees.cover[first_leaf : first_leaf + len(leaves)])
        cover = np.bincount(node, weights[leaf], len(feature))
        stepped = parent[node] >= 0
        node, leaf = node[stepped], leaf[stepped]
        order = np.lexsort((feature[parent[node]], leaf))
        self.node, self.leaf = node[order], leaf[order]
        self.above = parent[self.node]
        self.slot = feature[self.above]
        self.share = cover[self.node] / cover[self.above]
        self.goes_left = self.node == self.above + 1
        self.number = np.array(trees.number[nodes])[self.above]
        missing_left = np.array([node in trees.missing_left for node in range(nodes.start, nodes.stop)])
        self.missing_passes = missing_left[self.above] == self.goes_left
        self.first_node, self.first_leaf = nodes.start, first_leaf


def _climb(leaves: Places, parent: Places) -> tuple[Places, Places]:
    """Return every node on the way from each leaf up to its root, and the number of the leaf."""
    nodes, numbers = [leaves], [np.arange(len(leaves))]
    while len(nodes[-1]):
        above = parent[nodes[-1]]
        nodes.append(above[above >= 0])
        numbers.append(numbers[-1][above >= 0])
    return np.concatenate(nodes), np.concatenate(numbers)


def _by_length(trees: Trees, edges: _Edges) -> list[LeafPaths]:
    """Join the steps that test one slot on the way to one leaf, and gather leaves with as many slots."""
    if not len(edges.slot):
        return []
    new = np.r_[True, (edges.leaf[1:] != edges.leaf[:-1]) | (edges.slot[1:] != edges.slot[:-1])]
    at = np.flatnonzero(new)
    low = np.fmax.reduceat(np.where(edges.goes_left, np.nan, edges.number), at)
    high = np.minimum.reduceat(np.where(edges.goes_left, edges.number, np.inf), at)
    missing = np.logical_and.reduceat(edges.missing_passes, at)
    share = np.multiply.reduceat(edges.share, at)
    leaf, slot = edges.leaf[at], edges.slot[at]
    pairs, sets = _code_sets(trees, edges, np.cumsum(new) - 1)
    starts = np.flatnonzero(np.r_[True, leaf[1:] != leaf[:-1]])
    lengths = np.diff(np.r_[starts, len(leaf)])
    groups = []
    for length in np.unique(lengths):
        places = starts[lengths == length] + np.arange(length)[:, None]
        held = np.isin(places, pairs)
        where = np.divmod(np.flatnonzero(held), held.shape[1])
        groups.append(
            LeafPaths(
                leaf[places[0]] + edges.first_leaf, slot[places], low[places], high[places], missing[places],
                share[places], where, sets[np.searchsorted(pairs, places[where])],
            )
        )  # fmt: skip
    return groups


def _code_sets(trees: Trees, edges: _Edges, pair: Places) -> tuple[Places, Truths]:
    """Return the rising pairs that test a category, and the codes that pass each: [pairs, codes and missing]."""
    above = (edges.above + edges.first_node).tolist()
    steps = [step for step, node in enumerate(above) if node in trees.tests] if trees.tests else []
    width = max(trees.codes.values(), default=0) + 1
    if not steps:
        return np.zeros(0, dtype=np.intp), np.zeros((0, width), dtype=np.bool_)
    passes = np.zeros((len(steps), width), dtype=np.bool_)
    for row, step in enumerate(steps):
        passes[row, list(trees.tests[above[step]])] = True
    passes ^= ~edges.goes_left[steps][:, None]
    pairs, at = np.unique(pair[steps], return_index=True)
    return pairs, np.logical_and.reduceat(passes, at)
