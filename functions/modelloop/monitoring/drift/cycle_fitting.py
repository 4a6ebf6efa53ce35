"""Which cycles a column has seen come back, and what each of their phases makes of it.

A division of a cycle is taken when one half of its repetitions foretells the other half better than no season does: what
was fitted to the even repetitions raises the likelihood of the odd ones, and the other way round. Columns without a
season fail this by far, because the noise of every phase counts against it. Of a division that fails, single phases
that came back surely are taken (a night of the week, a month of the year). The factors are those of a log-linear model
without interaction, fitted by iterative scaling (Deming and Stephan, 1940): with one cycle they make of the whole
exactly what its phases were, and shifts of a normal column by several cycles add up.

Rows are counted in cells: the hours that have any. `table` is [cells, bins]. `levels` say which part of the past a cell
lies in; what a level makes of the bins is fitted beside the cycles, so that a trend is not taken for one.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.contracts.cycles import Phasing
from modelloop.monitoring.drift.comparison import MIN_ROWS

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.monitoring.drift.calendar import Division

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

ROUNDS = 5
PRIORS = (5.0, 50.0)  # rows as expected that are added to every phase: few for sharp seasons, many for thin tables
SURE_PHASE = 5.0  # by how much a single phase must raise the log-likelihood of the other half
SCREEN = 3.0  # standard deviations of the G statistic below which phases are not looked at further
DIGITS = 4
TINY = 1e-12


@dataclass(frozen=True)
class Candidate:
    """A division that the past is long enough for: the phase of every cell, and whether its repetition is an odd one.

    `kept` are the phases that are told apart, all others are one (None: all are). `height` is how many that makes.
    `prior` is how many rows as expected are added to every phase.
    """

    division: Division
    phases: Places
    odd: Flags
    kept: tuple[int, ...] | None = None
    prior: float = PRIORS[0]

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


class Factors(NamedTuple):
    """A fitted model: bins by level, and by phase of every candidate."""

    levels: Floats
    candidates: tuple[Candidate, ...]
    phases: tuple[Floats, ...]

    def shares(self, levels: Places) -> Floats:
        """Return the shares of the bins to expect in every cell, [cells, bins]."""
        product = self.levels[levels]
        for candidate, factors in zip(self.candidates, self.phases, strict=True):
            product = product * factors[candidate.phases]
        whole = product.sum(axis=1, keepdims=True)
        return product / np.where(whole > 0, whole, 1.0)


def choose(table: Floats, levels: Places, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that have come back in a column, with the phases that did."""
    chosen: tuple[Candidate, ...] = ()
    for candidate in candidates:
        rows = np.bincount(candidate.phases, weights=table.sum(axis=1), minlength=candidate.height)
        enough = candidate.of(rows >= MIN_ROWS)
        if not _differs(table, levels, chosen, enough):
            continue
        tried = [(_gains(table, levels, chosen, one), one) for one in (replace(enough, prior=k) for k in PRIORS)]
        gains, best = max(tried, key=lambda pair: float(pair[0].sum()))
        if gains.sum() > 0:
            kept = tuple(one for one in chosen if one.division.name not in candidate.division.instead_of)
            chosen = (*kept, best)
            continue
        gains = tried[0][0]
        sure = np.zeros(candidate.height, np.bool_)
        places = np.flatnonzero(rows >= MIN_ROWS)
        sure[places[gains[: len(places)] > SURE_PHASE]] = True
        if sure.any():
            chosen = (*chosen, candidate.of(sure))
    return chosen


def fit(table: Floats, levels: Places, candidates: Sequence[Candidate], within: Flags | None = None) -> Factors:
    """Return the factors of the cells `within` (None: all)."""
    merged, codes = _merged(table if within is None else np.where(within[:, None], table, 0.0), levels, candidates)
    depth = int(levels.max(initial=0)) + 1
    whole = merged.sum(axis=0) / max(merged.sum(), 1.0)
    factors = [np.tile(whole, (depth, 1))]
    factors += [np.ones((candidate.height, len(whole))) for candidate in candidates]
    rows = merged.sum(axis=1, keepdims=True)
    for _ in range(ROUNDS if candidates else 1):
        for place, factor in enumerate(factors):
            product = np.prod([one[code] for one, code in zip(factors, codes, strict=True)], axis=0)
            sums = product.sum(axis=1, keepdims=True)
            expected = rows * product / np.where(sums > 0, sums, 1.0)
            prior = candidates[place - 1].prior if place else PRIORS[0] * (depth > 1)
            found, usual = (margin(side, codes[place], len(factor)) for side in (merged, expected))
            factor[:] = _moved(factor, found, usual, prior, 1.0 if place else whole)
    return Factors(factors[0], tuple(candidates), tuple(factors[1:]))


def levelled(table: Floats, levels: Places, factors: Factors, within: Flags) -> Factors:
    """Return factors that others were fitted for, with the levels of the cells `within`."""
    counts = np.where(within[:, None], table, 0.0)
    rows, height = counts.sum(axis=1, keepdims=True), len(factors.levels)
    whole = counts.sum(axis=0) / max(counts.sum(), 1.0)
    factors = factors._replace(levels=np.tile(whole, (height, 1)))
    for _ in range(ROUNDS):
        expected = margin(rows * factors.shares(levels), levels, height)
        moved = _moved(factors.levels, margin(counts, levels, height), expected, PRIORS[0], whole)
        factors = factors._replace(levels=moved)
    return factors


def phasings(table: Floats, factors: Factors) -> tuple[Phasing, ...]:
    """Return the factors as a baseline holds them."""
    return tuple(
        _phasing(table, candidate, made) for candidate, made in zip(factors.candidates, factors.phases, strict=True)
    )


def margin(table: Floats, places: Places, height: int) -> Floats:
    """Return the sums of the rows of a table by their places, [height, bins]."""
    width = table.shape[1]
    cells = (places[:, None] * width + np.arange(width)).ravel()
    return np.bincount(cells, weights=table.ravel(), minlength=height * width).reshape(height, width)


def _phasing(table: Floats, candidate: Candidate, made: Floats) -> Phasing:
    rows = np.bincount(candidate.phases, weights=table.sum(axis=1), minlength=candidate.height).astype(int)
    places = np.arange(candidate.division.phases)
    if candidate.kept is not None:
        places[:] = len(candidate.kept)
        places[list(candidate.kept)] = range(len(candidate.kept))
        rows[-1] = 0
    factors = made[places].round(DIGITS)
    return Phasing(candidate.division.name, tuple(rows[places].tolist()), tuple(map(tuple, factors.tolist())))


def _merged(table: Floats, levels: Places, candidates: Sequence[Candidate]) -> tuple[Floats, list[Places]]:
    """Return the table with cells of the same level and phases added up, and their level and phases."""
    together = levels
    for candidate in candidates:
        together = together * candidate.height + candidate.phases
    kinds, at = np.unique(together, return_inverse=True)
    codes, rest = [], kinds
    for candidate in reversed(candidates):
        codes.append(rest % candidate.height)
        rest = rest // candidate.height
    return margin(table, at.ravel(), len(kinds)), [rest, *reversed(codes)]


def _moved(factor: Floats, found: Floats, expected: Floats, prior: float, centre: Floats | float = 1.0) -> Floats:
    """Return factors that make of what is expected without them what was found, drawn to `centre` by rows as expected."""
    without = np.where(factor > 0, expected * centre / np.where(factor > 0, factor, 1.0), 0.0)
    rows = without.sum(axis=1, keepdims=True)
    added = prior * without / np.where(rows > 0, rows, 1.0)
    return centre * np.where(without > 0, (found + added) / np.where(without > 0, without + added, 1.0), 1.0)


def _differs(table: Floats, levels: Places, chosen: Sequence[Candidate], candidate: Candidate) -> bool:
    """Return whether phases are further from what is known than their noise: else there is nothing to look for."""
    expected = table.sum(axis=1, keepdims=True) * fit(table, levels, chosen).shares(levels)
    found, usual = (margin(side, candidate.phases, candidate.height) for side in (table, expected))
    parts = found * np.log(np.where(found > 0, found / np.maximum(usual, TINY), 1.0))
    freedom = max((candidate.height - 1) * ((table.sum(axis=0) > 0).sum() - 1), 1)
    return bool(2 * parts.sum() > freedom + SCREEN * np.sqrt(2 * freedom))


def _gains(table: Floats, levels: Places, chosen: Sequence[Candidate], candidate: Candidate) -> Floats:
    """Return by how much each phase raises the log-likelihood of the half that it was not fitted to, both ways."""
    gains = np.zeros(candidate.height)
    for half in (candidate.odd, ~candidate.odd):
        if not half.any() or half.all():
            return gains - 1.0
        without, with_it = (
            levelled(table, levels, fit(table, levels, kinds, within=~half), within=half).shares(levels)[half]
            for kinds in (chosen, (*chosen, candidate))
        )
        ratio = np.maximum(with_it, TINY) / np.maximum(without, TINY)
        gained = (table[half] * np.log(ratio)).sum(axis=1)
        gains += np.bincount(candidate.phases[half], weights=gained, minlength=candidate.height)
    return gains
