"""What times make of a distribution, learned from a training part that is ordered in time.

A season is only what has come back: phases of day, week, month or year that foretell how the next repetition is
(`cycle_fitting`). A window is compared with its own phases. What the past shows beside them is allowed for: the largest
distance of a block of the past (500 rows, a day, an hour of the week) from what the other repetitions foretell, where
sampling does not explain it. It is at most 0.1, or 0.05 for predictions: what changes more than that is for a person to
see. A trend is not allowed for: blocks are compared with the level of their own part of the past. `season_shift` is the
same for shifts of ranks. Columns that the moment determines (a month, a weekday) say where in time a row is, not what
it is like: they are informational.
"""

from __future__ import annotations

import math
from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from modelloop.contracts.cycles import Cycles
from modelloop.monitoring.drift import comparison, cycle_fitting, histogram_tests, phase_model, thresholds
from modelloop.monitoring.drift.baseline import first_slots, places
from modelloop.monitoring.drift.comparison import MIN_ROWS
from modelloop.monitoring.drift.past import neighbours, past

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.monitoring.drift.baseline import Answers
    from modelloop.monitoring.drift.past import Cut, Past
    from modelloop.monitoring.drift.phase_model import Candidate
    from modelloop.tables.encoding import Encoding

    Floats = NDArray[np.float64]
    Places = NDArray[np.int64]
    Block = tuple[list[float], list[int]]

MOMENT_ROWS = 20
BIN_ROWS = 5  # a block of fewer in a bin says little by itself
SPARSE = 1.05  # by how much bins of so few rows exceed the distribution of the test
SURE = 3.0  # standard deviations
NOISE_DEVIATIONS = 3.72  # that of a normal variable is exceeded once in 5,000 blocks
CALENDAR = 0.95


class Bound(NamedTuple):
    """The largest season that is allowed for: a distance, and a normal column's shift of ranks at that distance."""

    distance: float
    shift: float


OF_COLUMNS, OF_PREDICTIONS = Bound(0.1, 0.07), Bound(0.05, 0.035)


def with_seasons(
    baseline: Baseline, encoding: Encoding, matrix: NDArray[np.float32], own: Answers, unseen: Answers
) -> Baseline:
    """Return the baseline with cycles and seasons of every column.

    `own` are the answers to the rows of `matrix`, with their times: seconds since 1970, or any rising number. `unseen`
    are the answers that the baseline counts; they may be the same.
    """
    times = _times(own)
    slots = {column.name: slot for column, slot in first_slots(encoding)}
    order, moments = past(times), neighbours(times, MOMENT_ROWS)
    columns = tuple(
        _column(column, matrix[:, slots[column.name]].astype(np.float64), order, moments) for column in baseline.columns
    )
    return replace(
        baseline, columns=columns, prediction=_prediction(baseline.prediction, own, unseen, order), season=order.seen
    )


def _column(column: BaselineColumn, values: Floats, order: Past, moments: Places) -> BaselineColumn:
    is_calendar = column.bins.edges is not None and _is_calendar(values, moments)
    column = replace(column, informational=is_calendar)
    if is_calendar or column.kind == "date":
        return column
    return _with_season(column, places(column.bins, values), order, OF_COLUMNS)


def _prediction(column: BaselineColumn, own: Answers, unseen: Answers, order: Past) -> BaselineColumn:
    """Learn from all answers, because a year has more than its end; the base is that of the ones to unseen rows."""
    if unseen is own:
        return _with_season(column, places(column.bins, own.predictions), order, OF_PREDICTIONS)
    times = np.concatenate([_times(answers) for answers in (own, unseen)])
    late = np.arange(len(times)) >= len(own.predictions)
    positions = places(column.bins, np.concatenate([answers.predictions for answers in (own, unseen)]))
    return _with_season(column, positions, past(times, late), OF_PREDICTIONS)


def _times(answers: Answers) -> Floats:
    return np.full(len(answers.predictions), np.nan) if answers.times is None else answers.times


def _with_season(column: BaselineColumn, positions: Places, order: Past, bound: Bound) -> BaselineColumn:
    """Return a column with its cycles and what is allowed for beside them."""
    drawn_places = np.asarray(comparison.drawn_places(column))
    drawn, width = drawn_places[positions], int(drawn_places.max()) + 1
    table = count(order.cells, drawn, len(order.levels), width).astype(np.float64)
    chosen = cycle_fitting.choose(table, order.candidates)
    if chosen:
        served = phase_model.fit(table, order.groups, chosen)
        base = served.levels[-1] / served.levels[-1].sum()
        cycles = Cycles(tuple(base.round(8).tolist()), cycle_fitting.phasings(table, served))
        column = replace(column, cycles=cycles)
    cuts = list(_cuts(table, drawn, order, chosen))
    season = max((_allowed([_distance(*block) for block in blocks]) for blocks in cuts), default=0.0)
    column = replace(column, season=round(min(season, bound.distance), 6))
    if column.bins.edges is None:
        return column
    shift = max((_allowed([_shift(*block) for block in blocks]) for blocks in cuts), default=0.0)
    return replace(column, season_shift=round(min(shift, bound.shift), 6))


def _cuts(table: Floats, drawn: Places, order: Past, chosen: Sequence[Candidate]) -> Iterator[list[Block]]:
    """Yield every cut's blocks of enough rows: the counts to expect of their moments, and the ones that they have."""
    levels = phase_model.longest(chosen).levels if chosen else order.levels
    shares, width = cycle_fitting.foretold(table, levels, chosen), table.shape[1]
    rows = table.sum(axis=1)
    for cut in order.cuts:
        counts = count(cut.blocks, drawn, cut.height, width)
        mixed = np.zeros((cut.height, width))
        for at in range(width):
            mixed[:, at] = np.bincount(cut.block, weights=cut.rows * shares[cut.cell, at], minlength=cut.height)
        spread = _spread(cut, levels, rows)
        spreads = {
            candidate.division.name: np.maximum(_spread(cut, candidate.phases, rows / 2) - 2 / max(rows.sum(), 1.0), 0)
            for candidate in chosen
        }
        for candidate in chosen:
            coarse = sum(spreads[outer] for outer in candidate.division.within if outer in spreads)
            spread += np.maximum(spreads[candidate.division.name] - coarse, 0.0)
        sizes = counts.sum(axis=1)
        used = (counts + mixed > 0).sum(axis=1)
        yield [
            ((mixed[block] / sizes[block] / spread[block]).tolist(), counts[block].tolist())
            for block in np.flatnonzero(sizes >= np.maximum(BIN_ROWS * used, MIN_ROWS))
        ]


def _spread(cut: Cut, parts: Places, rows: Floats) -> Floats:
    """Return the reciprocal of the rows that a mix of parts of the past stands on, for every block."""
    height = int(parts.max(initial=0)) + 1
    known = np.maximum(np.bincount(parts, weights=rows, minlength=height), 1.0)
    mix = np.bincount(cut.block * height + parts[cut.cell], weights=cut.rows, minlength=cut.height * height)
    table = mix.reshape(cut.height, height)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1.0)
    spread: Floats = np.maximum((shares**2 / known).sum(axis=1), phase_model.TINY)
    return spread


def count(rows: Places, columns: Places, height: int, width: int) -> Places:
    """Count rows by two positions; those at -1 are left out."""
    placed = (rows >= 0) & (columns >= 0)
    return np.bincount(rows[placed] * width + columns[placed], minlength=height * width).reshape(height, width)


class Excess(NamedTuple):
    """One block against what was foretold: squares of the difference and of what sampling makes of it on average.

    `freedom` is how many squares of a normal variable the difference is nearly made of; `noise` is the difference that
    sampling alone hardly ever exceeds.
    """

    found: float
    sampling: float
    freedom: int
    noise: float


def _allowed(blocks: Sequence[Excess]) -> float:
    """Return the difference to allow for: that of the block furthest beyond its noise, or twice their spread.

    The spread is the root of what their squares have beyond sampling on average, where all of them together surely have
    more: what no block shows by itself.
    """
    far = max((one.found - one.sampling for one in blocks if one.found > one.noise**2), default=0.0)
    freedom = sum(one.freedom for one in blocks)
    statistic = sum(one.found / one.sampling * one.freedom for one in blocks if one.sampling)
    if statistic > SPARSE * freedom + SURE * math.sqrt(2 * freedom):
        spread = sum(one.found - SPARSE * one.sampling for one in blocks) / len(blocks)
        far = max(far, 4 * spread)
    return math.sqrt(max(far, 0.0))


def _distance(expected: list[float], counts: list[int]) -> Excess:
    """Return the distance of a block."""
    used = max(sum(1 for before, after in zip(expected, counts, strict=True) if before + after), 2)
    sizes = sum(expected), sum(counts), used
    distance = histogram_tests.jensen_shannon(expected, counts)
    return Excess(distance**2, thresholds.sampling(*sizes), used - 1, thresholds.noise(*sizes))


def _shift(expected: list[float], counts: list[int]) -> Excess:
    """Return the shift of ranks of a block, either way."""
    shift, error = histogram_tests.rank_shift(expected[:-2], counts[:-2])
    return Excess(shift**2, error**2, 1, NOISE_DEVIATIONS * error)


def _is_calendar(values: Floats, blocks: Places) -> bool:
    """Return whether the block explains nearly all of a column's variance."""
    placed = ~np.isnan(values) & (blocks >= 0)
    values, blocks = values[placed], blocks[placed]
    if not values.size or not values.var():
        return False
    _, groups = np.unique(blocks, return_inverse=True)
    rows = np.bincount(groups)
    means = np.bincount(groups, values) / rows
    return bool((rows * (means - values.mean()) ** 2).sum() / (values.size * values.var()) > CALENDAR)
