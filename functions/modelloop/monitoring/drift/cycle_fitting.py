"""Which cycles a column has seen come back, and what each of their phases makes of it.

A division of a cycle is taken when one half of its repetitions foretells the other half better than no season does:
what was fitted to the even repetitions raises the likelihood of the odd ones, and the other way round. Columns without
a season fail this by far, because the noise of every phase counts against it. Of a division that fails, single phases
that came back surely are taken (a night of the week, a month of the year). The model is log-linear without interaction
(`phase_model`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from modelloop.contracts.cycles import Phasing
from modelloop.monitoring.drift import calendar, phase_model
from modelloop.monitoring.drift.comparison import MIN_ROWS
from modelloop.monitoring.drift.phase_model import PRIORS, TINY, Candidate, margin

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from modelloop.monitoring.drift.phase_model import Factors

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Flags = NDArray[np.bool_]

SURE_PHASE = 5.0  # by how much a single phase must raise the log-likelihood of either half
WHOLE = 0.8  # the part of what the sure phases gain that all of them must, to be told apart
SCREEN = 3.0  # standard deviations of the G statistic below which phases are not looked at further
FIRM = 1e6  # rows: factors stay what they are drawn to
DIGITS = 4


def choose(table: Floats, candidates: Sequence[Candidate]) -> tuple[Candidate, ...]:
    """Return the candidates that have come back in a column, with the phases that did; `table` is [cells, bins]."""
    chosen: tuple[Candidate, ...] = ()
    cells = table.sum(axis=1)
    for candidate in candidates:
        rows = np.bincount(candidate.phases, weights=cells, minlength=candidate.height)
        enough = candidate.of(rows >= MIN_ROWS)
        enough = _smoothed(table, chosen, enough)
        if enough.smooth is None and not _differs(table, chosen, enough):
            continue
        best = _best(table, chosen, candidate, enough, rows >= MIN_ROWS)
        chosen = chosen if best is None else (*chosen, best)
    return chosen


def _smoothed(table: Floats, chosen: Sequence[Candidate], candidate: Candidate) -> Candidate:
    """Return quarters of months that pass from one month to the next where that foretells more than the month itself.

    Most seasons of the year are such, and free factors of 48 phases would need many more rows to show it.
    """
    months = [one for one in chosen if one.division.name == calendar.MONTHS and one.kept is None]
    if candidate.division.name != calendar.QUARTERS_OF_MONTHS or candidate.kept is not None or not months:
        return candidate
    smooth = replace(candidate, smooth=np.ones(candidate.height, np.bool_), prior=FIRM)
    foretells = (_gains(table, chosen, smooth) > 0).all(axis=0)
    return replace(candidate, smooth=foretells) if foretells.any() else candidate


def _best(
    table: Floats, chosen: Sequence[Candidate], candidate: Candidate, enough: Candidate, known: Flags
) -> Candidate | None:
    """Return the candidate with the phases and the prior that raise the likelihood most; None when nothing raises it.

    All `enough` phases are told apart unless the sure ones alone raise it much more.
    """
    places = np.flatnonzero(known)
    whole: list[tuple[float, Candidate]] = []
    single: list[tuple[float, Candidate]] = []
    for prior in PRIORS if enough.smooth is None else (*PRIORS, FIRM):
        gains = _gains(table, chosen, replace(enough, prior=prior))[:, : len(places)]
        sure = np.zeros(candidate.height, np.bool_)
        sure[places[(gains > SURE_PHASE).all(axis=0)]] = True
        whole.append((float(gains.sum()), replace(enough, prior=prior)))
        single.append((float(gains[:, sure[places]].sum()), replace(candidate.of(sure), prior=prior)))
    (all_gain, all_phases), (sure_gain, sure_phases) = (
        max(tried, key=lambda pair: pair[0]) for tried in (whole, single)
    )
    if all_gain > max(WHOLE * sure_gain, 0.0):
        return all_phases
    return sure_phases if sure_gain > 0 else None


def foretold(table: Floats, levels: Places, chosen: Sequence[Candidate]) -> Floats:
    """Return the shares of every cell that the other half of the repetitions foretells, at the cell's own level.

    `levels` are for a column without a season.
    """
    if not chosen:
        return phase_model.fit(table, levels, ()).shares(levels)
    slow = phase_model.longest(chosen)
    shares = np.zeros_like(table)
    for half in (slow.odd, ~slow.odd):
        fitting, judging = (
            phase_model.merge(table[part], slow.levels[part], [one.within(part) for one in chosen])
            for part in (~half, half)
        )
        fitted = phase_model.fit_merged(fitting, chosen, int(slow.levels.max()) + 1).levelled_merged(judging)
        shares[half] = fitted.shares_of([slow.levels[half], *(one.phases[half] for one in chosen)])
    return shares


def phasings(table: Floats, factors: Factors) -> tuple[Phasing, ...]:
    """Return fitted factors as a baseline holds them."""
    return tuple(
        _phasing(table, candidate, made) for candidate, made in zip(factors.candidates, factors.phases, strict=True)
    )


def _phasing(table: Floats, candidate: Candidate, made: Floats) -> Phasing:
    rows = np.bincount(candidate.phases, weights=table.sum(axis=1), minlength=candidate.height).astype(int)
    places = np.arange(candidate.division.phases)
    if candidate.kept is not None:
        places[:] = len(candidate.kept)
        places[list(candidate.kept)] = range(len(candidate.kept))
        rows[-1] = 0
    factors = made[places].round(DIGITS)
    return Phasing(candidate.division.name, tuple(rows[places].tolist()), tuple(map(tuple, factors.tolist())))


def _differs(table: Floats, chosen: Sequence[Candidate], candidate: Candidate) -> bool:
    """Return whether phases are further from what is known than their noise: else there is nothing to look for."""
    if candidate.height == 1:
        return False
    merged = phase_model.merge(table, candidate.levels, (*chosen, candidate))
    known = phase_model.fit_merged(merged.without_last(), chosen)
    expected = merged.table.sum(axis=1, keepdims=True) * known.shares_of(merged.codes[:-1])
    found, usual = (margin(side, merged.codes[-1], candidate.height) for side in (merged.table, expected))
    parts = found * np.log(np.where(found > 0, found / np.maximum(usual, TINY), 1.0))
    freedom = max((candidate.height - 1) * (int((table.sum(axis=0) > 0).sum()) - 1), 1)
    return bool(2 * parts.sum() > freedom + SCREEN * np.sqrt(2 * freedom))


def _gains(table: Floats, chosen: Sequence[Candidate], candidate: Candidate) -> Floats:
    """Return by how much each phase raises the log-likelihood of either half when fitted to the other, [2, phases]."""
    gains = np.zeros((2, candidate.height))
    levels = phase_model.longest((*chosen, candidate)).levels
    for at, half in enumerate((candidate.odd, ~candidate.odd)):
        if not half.any() or half.all():
            return gains - 1.0
        fitting, judging = (
            phase_model.merge(table[part], levels[part], [one.within(part) for one in (*chosen, candidate)])
            for part in (~half, half)
        )
        logs = []
        for merged, judged, kinds in (
            (fitting.without_last(), judging.without_last(), chosen),
            (fitting, judging, (*chosen, candidate)),
        ):
            factors = phase_model.fit_merged(merged, kinds, int(levels.max()) + 1).levelled_merged(judged)
            logs.append(np.log(np.maximum(factors.shares_of(judging.codes[: len(kinds) + 1]), TINY)))
        gained = (judging.table * (logs[1] - logs[0])).sum(axis=1)
        gains[at] = np.bincount(judging.codes[-1], weights=gained, minlength=candidate.height)
    return gains
