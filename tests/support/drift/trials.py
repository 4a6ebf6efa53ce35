"""What drift is found in windows of a real table: where there is none, and where one column was changed.

The table stands for its population: training parts and windows are drawn from it with replacement, so that both are
exchangeable and as large as one likes.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from scipy import stats

from modelloop.contracts.counts import branch
from modelloop.monitoring.drift import baseline, comparison, pairs
from modelloop.monitoring.windows import Window

if TYPE_CHECKING:
    from collections.abc import Iterator

    from numpy.typing import NDArray

    from modelloop.contracts.baseline import Baseline, BaselineColumn
    from modelloop.contracts.counts import Counts
    from tests.support.drift.real import Matrix, Real

SHIFT = 0.3  # standard deviations
MIX = 0.15  # of the rows take another category
WINDOW = 1_000


class Power(NamedTuple):
    """How often a changed column was found, and the share of rows where it is present."""

    column: str
    kind: str
    present: float
    found: float


def false_windows(table: Real, rows: int, windows: int, seed: int, window_rows: int = WINDOW) -> int:
    """Return how many windows drift in any column where nothing changed."""
    return sum(any(one.drifted for one in found) for found in _exchangeable(table, rows, windows, seed, window_rows))


def _exchangeable(
    table: Real, rows: int, windows: int, seed: int, window_rows: int
) -> Iterator[list[comparison.Comparison]]:
    random = np.random.default_rng(seed)
    for _ in range(windows):
        known = learn(table, draw(random, table.matrix, rows))
        yield comparison.compare(known, counted(known, table, draw(random, table.matrix, window_rows)))


def powers(table: Real, rows: int, windows: int, seed: int, window_rows: int = WINDOW) -> list[Power]:
    """Change one column after the other, each in windows of its own baseline, and return how often that was found."""
    random = np.random.default_rng(seed)
    columns = baseline.first_slots(table.encoding)
    found = np.zeros(len(columns))
    for _ in range(windows):
        known = learn(table, draw(random, table.matrix, rows))
        live = draw(random, table.matrix, window_rows)
        usual = counted(known, table, live)
        for at, (column, slot) in enumerate(columns):
            values = changed(random, column.kind, live[:, slot], table.matrix[:, slot])
            counts = branch(usual.counts, "columns") | {column.name: count(known.columns[at], values)}
            compared = comparison.compare(known, usual._replace(counts=usual.counts | {"columns": counts}))
            found[at] += next(one.drifted for one in compared if one.name == column.name)
    return [
        Power(column.name, column.kind, float((~np.isnan(table.matrix[:, slot])).mean()), float(found[at] / windows))
        for at, (column, slot) in enumerate(columns)
    ]


def best(table: Real, rows: int, window_rows: int = WINDOW) -> float:
    """Return how often the best possible test finds the shift in a normal column, at one false window in a hundred.

    The difference of means, known to be a shift: nothing beats it there (Neyman and Pearson). No continuous
    distribution of a given spread makes a shift harder to see.
    """
    deviations = SHIFT / math.sqrt(1 / rows + 1 / window_rows)
    limit = stats.norm.isf(0.01 / len(table.encoding.columns) / 2)
    return float(stats.norm.sf(limit - deviations))


def changed(random: np.random.Generator, kind: str, live: Matrix, table: Matrix) -> Matrix:
    """Return a window's column after a shift of 0.3 standard deviations, or a change of mix of 15 % of its rows."""
    return _shifted(random, live, table) if kind == "number" else _mixed(random, live, table)


def _shifted(random: np.random.Generator, live: Matrix, table: Matrix) -> Matrix:
    """Move the values so far that their mean moves by 0.3 standard deviations, and only to values that the column has.

    What falls between two values goes to one of them by chance: a coarse column stays as coarse as it was, and nothing
    gives the change away but the change. What would go beyond the largest value stays there, and the others go further.
    """
    known = table[~np.isnan(table)].astype(np.float64)
    levels, step = np.unique(known), _step(known, SHIFT * known.std())
    wanted = np.clip(live + step, levels[0], levels[-1])
    upper = np.searchsorted(levels, np.nan_to_num(wanted, nan=levels[0]))
    lower = np.maximum(upper - 1, 0)
    gap = np.where(upper > lower, levels[upper] - levels[lower], 1.0)
    up = random.random(len(live)) < (wanted - levels[lower]) / gap
    moved = np.where(up, levels[upper], levels[lower])
    return np.where(np.isnan(live), np.nan, moved).astype(np.float32)


def _step(known: NDArray[np.float64], wanted: float) -> float:
    """Return what to add so that the mean of the clipped sums moves that far: up where there is room, else down."""
    sign = 1.0 if known.max() - known.mean() > 2 * wanted else -1.0
    low, high = wanted, float(np.ptp(known))
    for _ in range(30):
        middle = (low + high) / 2
        moved = abs(np.clip(known + sign * middle, known.min(), known.max()).mean() - known.mean())
        low, high = (middle, high) if moved < wanted else (low, middle)
    return sign * high


def _mixed(random: np.random.Generator, live: Matrix, table: Matrix) -> Matrix:
    """Take 15 % of the rows from the categories that the commoner half has to the others, as those are mixed."""
    codes = table[~np.isnan(table)].astype(int)
    counts = np.bincount(codes)
    ranked = np.argsort(-counts, kind="stable")
    common = ranked[: int(np.searchsorted(np.cumsum(counts[ranked]), len(codes) / 2)) + 1]
    others = counts.astype(np.float64)
    others[common] = 0
    mixed = live.copy()
    moving = np.isin(live, common) & (random.random(len(live)) < MIX * len(codes) / counts[common].sum())
    mixed[moving] = random.choice(len(counts), moving.sum(), p=others / others.sum())
    return mixed


def draw(random: np.random.Generator, matrix: Matrix, rows: int) -> Matrix:
    return matrix[random.integers(0, len(matrix), rows)]


def learn(table: Real, rows: Matrix, **options: Any) -> Baseline:
    """Return the baseline of some rows; the answers, which are not looked at here, are all the same."""
    return baseline.build(table.encoding, rows, np.zeros(len(rows)), ["same"], (), **options)


def counted(known: Baseline, table: Real, rows: Matrix) -> Window:
    slots = baseline.first_slots(table.encoding)
    columns: Counts = {
        column.name: count(bins, rows[:, slot]) for bins, (column, slot) in zip(known.columns, slots, strict=True)
    }
    return Window("2026-11-23T12", "2026-11-23T12", {"sampled": len(rows), "columns": columns})


def count(column: BaselineColumn, values: NDArray[Any]) -> Counts:
    counts, missing, unseen = baseline.count(column.bins, values)
    return {"counts": counts, "missing": missing, "unseen": unseen}


def counted_pairs(known: Baseline, table: Real, rows: Matrix, answers: NDArray[Any]) -> Counts:
    """Return the cells of the pairs of columns, as summaries have them."""
    if known.pairs is None:
        return {}
    slots = {column.name: slot for column, slot in baseline.first_slots(table.encoding)}
    bins = {column.name: column.bins for column in known.columns}
    codes = [
        pairs.grouped(
            column,
            baseline.places(known.prediction.bins, answers)
            if column.is_prediction
            else baseline.places(bins[column.name], rows[:, slots[column.name]]),
        )
        for column in known.pairs.columns
    ]
    return {"pairs": pairs.count(known.pairs.columns, codes)}
