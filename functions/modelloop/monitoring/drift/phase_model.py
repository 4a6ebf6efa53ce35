"""A log-linear model of a column over time: the shares of its bins are a level's times a factor for each phase.

Without interaction between cycles, fitted by iterative scaling (Deming and Stephan, 1940): with one cycle it makes of
the whole exactly what its phases were, and shifts of a normal column by several cycles add up. Levels are parts of the
past; they are fitted beside the cycles, so that a trend is not taken for a season.

Rows are counted in cells, the hours that have any: tables are [cells, bins]. Cells of equal level and phases are merged
before anything is computed.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.monitoring.drift import calendar

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.monitoring.drift.calendar import Division

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

ROUNDS = 4
PRIORS = (5.0, 50.0, 500.0)  # rows as expected that are added to a phase: few for sharp seasons, many for weak ones
TINY = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A division that the past is long enough for: the phase of every cell, and whether its repetition is an odd one.

    `levels` are the parts of the past beside which the cycle is fitted. `kept` are the phases that are told apart, all
    others are one (None: all are). `prior` is how many rows as expected are added to every phase. `smooth` are the
    quarters of months that are expected to lie between their month and the next one, not to be as their whole month is.
    """

    division: Division
    phases: Places
    odd: Flags
    levels: Places
    kept: tuple[int, ...] | None = None
    prior: float = PRIORS[0]
    smooth: Flags | None = None

    @property
    def height(self) -> int:
        """Return the number of phases that are told apart."""
        return self.division.phases if self.kept is None else len(self.kept) + 1

    def of(self, kept: Flags) -> Candidate:
        """Return the candidate that tells only these phases apart."""
        if kept.all():
            return self
        places = np.where(kept, np.cumsum(kept) - 1, int(kept.sum()))
        return replace(self, phases=places[self.phases], kept=tuple(np.flatnonzero(kept).tolist()))

    def within(self, cells: Flags) -> Candidate:
        """Return the candidate of some of the cells."""
        return replace(self, phases=self.phases[cells], odd=self.odd[cells], levels=self.levels[cells])


class Merged(NamedTuple):
    """Cells of equal level and phases as one: their counts, and their level followed by their phases."""

    table: Floats
    codes: list[Places]

    def without_last(self) -> Merged:
        """Return the same cells where the last candidate is not looked at."""
        return Merged(self.table, self.codes[:-1])


class Factors(NamedTuple):
    """A fitted model: shares of bins by level, and factors by phase of every candidate."""

    levels: Floats
    candidates: tuple[Candidate, ...]
    phases: tuple[Floats, ...]

    def shares(self, levels: Places) -> Floats:
        """Return the shares of the bins to expect in every cell of the candidates, [cells, bins]."""
        return self.shares_of([levels, *(candidate.phases for candidate in self.candidates)])

    def shares_of(self, codes: Sequence[Places]) -> Floats:
        """Return the shares of the bins to expect at levels and phases."""
        product = _product([self.levels, *self.phases], codes)
        whole = product.sum(axis=1, keepdims=True)
        return product / np.where(whole > 0, whole, 1.0)

    def levelled_merged(self, merged: Merged) -> Factors:
        """Return the same factors of phases with the levels of other counts."""
        whole, height = _whole(merged.table), len(self.levels)
        rows, codes = merged.table.sum(axis=1, keepdims=True), merged.codes
        found = margin(merged.table, codes[0], height)
        factors = self._replace(levels=np.tile(whole, (height, 1)))
        for _ in range(ROUNDS):
            expected = margin(rows * factors.shares_of(codes), codes[0], height)
            factors = factors._replace(levels=_moved(factors.levels, found, expected, PRIORS[0], whole))
        return factors


def longest(candidates: Sequence[Candidate]) -> Candidate:
    """Return the candidate of the longest cycle."""
    return max(candidates, key=lambda candidate: calendar.LENGTHS[candidate.division.cycle])


def fit(table: Floats, levels: Places, candidates: Sequence[Candidate]) -> Factors:
    """Return the model of all cells."""
    return fit_merged(merge(table, levels, candidates), candidates)


def fit_merged(merged: Merged, candidates: Sequence[Candidate], levels: int = 0) -> Factors:
    """Return the model of merged cells, with at least that many levels."""
    whole, codes = _whole(merged.table), merged.codes
    depth = max(int(codes[0].max(initial=0)) + 1, levels)
    factors = [np.tile(whole, (depth, 1))]
    factors += [np.ones((candidate.height, len(whole))) for candidate in candidates]
    base = factors[0].copy()
    rows = merged.table.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS if candidates else 1):
        for place, factor in enumerate(factors):
            product = _product(factors, codes)
            sums = product.sum(axis=1, keepdims=True)
            expected = rows * product / np.where(sums > 0, sums, 1.0)
            prior = candidates[place - 1].prior if place else PRIORS[0] * (depth > 1)
            found, usual = (margin(side, codes[place], len(factor)) for side in (merged.table, expected))
            factor[:] = _moved(factor, found, usual, prior, _centre(factors, candidates, place) if place else base)
    return Factors(factors[0], tuple(candidates), tuple(factors[1:]))


def merge(table: Floats, levels: Places, candidates: Sequence[Candidate]) -> Merged:
    """Return the table with cells of the same level and phases added up."""
    together = levels
    for candidate in candidates:
        together = together * candidate.height + candidate.phases
    kinds, at = np.unique(together, return_inverse=True)
    codes, rest = [], kinds
    for candidate in reversed(candidates):
        codes.append(rest % candidate.height)
        rest = rest // candidate.height
    return Merged(margin(table, at.ravel(), len(kinds)), [rest, *reversed(codes)])


def margin(table: Floats, places: Places, height: int) -> Floats:
    """Return the sums of the rows of a table by their places, [height, bins]."""
    width = table.shape[1]
    cells = (places[:, None] * width + np.arange(width)).ravel()
    return np.bincount(cells, weights=table.ravel(), minlength=height * width).reshape(height, width)


def _centre(factors: Sequence[Floats], candidates: Sequence[Candidate], place: int) -> Floats | float:
    """Return what the factors of a candidate are drawn to: 1, or half way from one month to the next."""
    smooth = candidates[place - 1].smooth
    months = [at for at, one in enumerate(candidates, 1) if one.division.name == calendar.MONTHS and one.kept is None]
    if smooth is None or not months:
        return 1.0
    month = np.repeat(np.maximum(factors[months[0]], TINY), len(calendar.QUARTERS), axis=0)
    offsets = np.tile(calendar.QUARTERS, len(factors[months[0]]))[:, None]
    beside = np.where(offsets < 0, np.roll(month, 4, axis=0), np.roll(month, -4, axis=0))
    return np.where(smooth[:, None], (beside / month) ** np.abs(offsets), 1.0)


def _whole(table: Floats) -> Floats:
    whole: Floats = table.sum(axis=0) / max(table.sum(), 1.0)
    return whole


def _product(factors: Sequence[Floats], codes: Sequence[Places]) -> Floats:
    product = factors[0][codes[0]]
    for factor, code in zip(factors[1:], codes[1:], strict=True):
        product = product * factor[code]
    return product


def _moved(factor: Floats, found: Floats, expected: Floats, prior: float, centre: Floats | float = 1.0) -> Floats:
    """Return factors that make what was found of what is expected without them, drawn to `centre` by `prior` rows."""
    without = np.where(factor > 0, expected * centre / np.where(factor > 0, factor, 1.0), 0.0)
    rows = without.sum(axis=1, keepdims=True)
    added = prior * without / np.where(rows > 0, rows, 1.0)
    return centre * np.where(without > 0, (found + added) / np.where(without > 0, without + added, 1.0), 1.0)
