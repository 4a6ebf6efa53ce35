"""Path-dependent SHAP values of tree ensembles (Lundberg et al., "Consistent feature attribution", 2018).

A leaf whose way tests d slots plays a game of its own: slot k lets a vector pass (o_k is 1) or not (0), and while it is
unknown it lets the share z_k of the cover pass. The Shapley value of slot j for the leaf of value v is

    v (o_j - z_j) * integral from 0 to 1 of the product over k != j of (t o_k + (1 - t) z_k) dt

(Owen, "Multilinear extensions of games", 1972). The product is a polynomial of degree d - 1 in t, so Gauss-Legendre
quadrature with half as many nodes is exact. All factors are positive: nothing cancels, however deep the trees are,
which the usual algorithm, taking factors out again by division, cannot promise.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from modelloop.flat.shapley.leaf_paths import leaf_paths

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from numpy.typing import NDArray

    from modelloop.flat.batch.types import Matrix
    from modelloop.flat.shapley.leaf_paths import Floats, LeafPaths
    from modelloop.flat.trees import Trees

    Group = Sequence[LeafPaths]

MAX_KEPT_LEAVES = 20_000  # of an ensemble whose paths are kept between requests: a few megabytes
_PAIRS = 1 << 17  # slots times leaves times rows in one go: a megabyte an array, which stays in the cache


class TreeValues:
    """SHAP values of one ensemble. `vectors` are those that the trees test, missing values filled and flagged."""

    def __init__(self, trees: Trees) -> None:
        self._trees = trees
        self._kept: dict[int, list[Group]] = {}

    def of(self, vectors: Sequence[Sequence[float]], output: int) -> tuple[float, list[list[float]]]:
        """Return base and values, [vectors, slots], of one score: they add up to it."""
        trees = self._trees
        matrix = np.array(vectors, dtype=np.float64).T
        codes = _codes(trees, matrix)
        payloads = _payloads(trees, output)
        base, values = trees.base[output], np.zeros(matrix.shape)
        for group in self._groups(output):
            for paths in group:
                base += float(payloads[paths.leaf] @ paths.share.prod(axis=0))
                _add(values, paths, payloads[paths.leaf], matrix, codes)
        base += sum(payloads[leaf] for leaf in self._lone_leaves(output))
        for flag, slot in enumerate(trees.flags):
            values[slot] += values[trees.slots + flag]
        each: list[list[float]] = (values[: trees.slots] / trees.divisor).T.tolist()
        return float(base) / trees.divisor, each

    def _span(self, output: int) -> tuple[int, int]:
        """Return the first tree of a score and the one after its last: leaves with values for all are all of them."""
        trees = self._trees
        if trees.values is not None:
            return 0, len(trees.sizes)
        each = len(trees.sizes) // len(trees.base)
        return output * each, (output + 1) * each

    def _groups(self, output: int) -> Iterable[Group]:
        first, last = self._span(output)
        if sum(self._trees.sizes) > MAX_KEPT_LEAVES:
            return leaf_paths(self._trees, first, last)
        if first not in self._kept:
            self._kept[first] = list(leaf_paths(self._trees, first, last))
        return self._kept[first]

    def _lone_leaves(self, output: int) -> list[int]:
        """Return the leaves of trees that are one leaf: they belong to the base alone."""
        first, last = self._span(output)
        starts = np.cumsum([0, *self._trees.sizes]).tolist()
        return [starts[tree] for tree in range(first, last) if self._trees.sizes[tree] == 1]


def _payloads(trees: Trees, output: int) -> Floats:
    """Return the value of every leaf for one score."""
    numbers = np.array([number for slot, number in zip(trees.feature, trees.number, strict=True) if slot < 0])
    return numbers if trees.values is None else np.array(trees.values)[numbers.astype(np.intp), output]


def _codes(trees: Trees, matrix: Matrix) -> NDArray[np.intp]:
    """Return the code of every category slot, that of missing where it is missing; other slots are zero."""
    codes = np.zeros(matrix.shape if trees.tests else (0, 0), dtype=np.intp)
    for slot, missing in trees.codes.items() if trees.tests else ():
        codes[slot] = np.where(np.isnan(matrix[slot]), missing, matrix[slot])
    return codes


def _add(values: Floats, paths: LeafPaths, payloads: Floats, matrix: Matrix, codes: NDArray[np.intp]) -> None:
    """Add what some leaves contribute to the values, [slots, rows], in place."""
    order = np.argsort(paths.slot, axis=None, kind="stable")
    slots, starts = np.unique(paths.slot.ravel()[order], return_index=True)
    rows = max(1, _PAIRS // paths.slot.size)
    for start in range(0, matrix.shape[1], rows):
        part = slice(start, start + rows)
        passed = paths.passes(matrix[:, part], codes[:, part])
        share = np.empty(passed.shape)  # one entry a row too: arrays of one shape are added without a look at the shape
        share[...] = paths.share[..., None]
        gain = passed - share
        each = _integrals(gain, share)
        each *= gain
        each *= payloads[:, None]
        values[slots, part] += np.add.reduceat(each.reshape(paths.slot.size, -1)[order], starts, axis=0)


def _integrals(gain: Floats, share: Floats) -> Floats:
    """Return, for each slot on each way, the integral over the product of the other slots: [slots, leaves, rows].

    A factor is z + t (o - z), of which `share` has z and `gain` the difference.
    """
    total, factors, others = np.zeros(gain.shape), np.empty(gain.shape), np.empty(gain.shape)
    for t, weight in _quadrature((len(gain) + 1) // 2):
        np.multiply(gain, t, out=factors)
        factors += share
        total += _products_of_others(factors, weight, others)
    return total


def _products_of_others(factors: Floats, weight: float, others: Floats) -> Floats:
    """Return `others` with `weight` times the product of all factors but one, for each one along the first axis."""
    others[0] = weight
    for place in range(1, len(factors)):
        np.multiply(others[place - 1], factors[place - 1], out=others[place])
    after = factors[-1].copy()
    for place in range(len(factors) - 2, -1, -1):
        others[place] *= after
        after *= factors[place]
    return others


@lru_cache(maxsize=64)
def _quadrature(nodes: int) -> list[tuple[float, float]]:
    """Return nodes and weights of Gauss-Legendre quadrature between 0 and 1."""
    places, weights = np.polynomial.legendre.leggauss(nodes)
    return list(zip(((places + 1.0) / 2.0).tolist(), (weights / 2.0).tolist(), strict=True))
