"""Text of many values as the mean of the target: for each value how far its rows lie from the whole, shrunken.

A value's deviation is shrunken towards zero by what a random-effects model of the values says (Searle, Casella and
McCulloch, "Variance Components", 1992, ch. 3): by n t / (n t + s), where n is the number of its rows, s the variance
inside of values and t that between them, from the analysis of variance. Where values do not differ by more than chance
explains, t is 0 and so are all deviations. Values that are rare or unseen have none, as the whole has none.

The rows that a model is fitted on get deviations that other rows gave (out of fold): their own label would be in them
otherwise, and a model would trust them far too much. Everything else reads the one table of all fitted rows.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np
from sklearn.base import BaseEstimator

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    type Matrix = NDArray[np.float32]
    type Numbers = NDArray[np.float64]

FOLDS = 5
DIGITS = 4  # that a deviation is rounded to
MIN_EVIDENCE = 3.0  # standard deviations of the F ratio of values that tell nothing, which is 1 in the mean


@dataclass(frozen=True, slots=True)
class InnerFolds:
    """The fold of each row, from 0, int64 [rows]; `ordered` folds follow one another in time and learn from earlier."""

    numbers: NDArray[np.int64]
    ordered: bool = False

    def learned(self, number: int) -> NDArray[np.bool_]:
        """Return the rows that a fold's deviations come from, bool [rows]."""
        return self.numbers < number if self.ordered else self.numbers != number


class TargetMeans(BaseEstimator):  # type: ignore[misc]
    """The deviations of some slots; `codes` has the number of codes of each, of which the last is for other values."""

    def __init__(self, codes: Mapping[int, int]) -> None:
        self.codes = codes

    def fit(self, matrix: Matrix, target: Numbers, weights: Numbers | None = None) -> Self:
        """Learn the table of each slot, float32 [codes], from all rows; `target` holds numbers or two classes."""
        weights = np.ones(len(target)) if weights is None else weights
        self.tables_ = {
            slot: deviations(matrix[:, slot], target.astype(np.float64), weights, codes)
            for slot, codes in self.codes.items()
        }
        return self

    def transform(self, matrix: Matrix) -> Matrix:
        """Return the matrix with deviations in place of codes; missing stays missing."""
        encoded = matrix.copy()
        for slot, table in self.tables_.items():
            encoded[:, slot] = _looked_up(matrix[:, slot], table)
        return encoded

    def fit_transform(
        self, matrix: Matrix, target: Numbers, weights: Numbers | None = None, folds: InnerFolds | None = None
    ) -> Matrix:
        """Learn the tables from all rows, and return the matrix with deviations that other folds gave.

        A slot whose values tell nothing in all rows tells nothing in folds either.
        """
        self.fit(matrix, target, weights)
        folds = InnerFolds(np.random.default_rng(0).permutation(len(target)) % FOLDS) if folds is None else folds
        encoded = self.transform(matrix)
        telling = {slot: self.codes[slot] for slot, table in self.tables_.items() if table.any()}
        for number in np.unique(folds.numbers).tolist():
            held, learned = folds.numbers == number, folds.learned(number)
            part = TargetMeans(telling).fit(
                matrix[learned], target[learned], None if weights is None else weights[learned]
            )
            for slot, table in part.tables_.items():
                encoded[held, slot] = _looked_up(matrix[held, slot], table)
        return encoded


def deviations(column: NDArray[np.float32], target: Numbers, weights: Numbers, codes: int) -> NDArray[np.float32]:
    """Return the shrunken deviation of each code, float32 [codes]; that of the last one, other values, is 0."""
    table = np.zeros(codes, np.float32)
    known = ~np.isnan(column) & (column < codes - 1) & (weights > 0)
    if not known.any():
        return table
    places, values, weight = column[known].astype(np.intp), target[known], weights[known]
    rows = np.bincount(places, weight, codes)
    means = np.bincount(places, weight * values, codes) / np.maximum(rows, np.finfo(np.float64).tiny)
    whole = float(np.average(target, weights=weights))
    inside, between = _variances(rows, means, weight, values - means[places])
    spread = rows * between
    shares = np.divide(spread, spread + inside, out=np.zeros(codes), where=spread > 0)
    shrunken = shares * (means - whole) + 0.0  # no negative zeros
    return np.array([float(f"{value:.{DIGITS}g}") for value in shrunken], np.float32)


def _variances(rows: Numbers, means: Numbers, weight: Numbers, residuals: Numbers) -> tuple[float, float]:
    """Return the variance inside of values and that between them, the latter at least 0."""
    present = rows > 0
    values, total = int(present.sum()), float(weight.sum())
    freedom = len(weight) - values
    if values < 2 or freedom < 1:  # noqa: PLR2004  one value, or one row a value, shows no spread
        return 1.0, 0.0
    inside = float((weight * residuals**2).sum()) / freedom
    centre = float((rows * means).sum()) / total
    among = float((rows[present] * (means[present] - centre) ** 2).sum())
    size = total - float((rows**2).sum()) / total
    chance = (1.0 + MIN_EVIDENCE * (2.0 / (values - 1)) ** 0.5) * inside
    if size <= 0 or among <= (values - 1) * chance:
        return inside, 0.0
    return inside, (among - (values - 1) * inside) / size


def _looked_up(column: NDArray[np.float32], table: NDArray[np.float32]) -> NDArray[np.float32]:
    missing = np.isnan(column)
    found = table[np.where(missing, len(table) - 1, column).astype(np.intp)]
    found[missing] = np.nan
    return found
