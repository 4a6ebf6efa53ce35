"""Whether two columns go together otherwise than in training, whatever became of each of them alone.

Two tables of counts, [bins of a][bins of b], of training rows and window rows. The G statistic of the log-linear model
without a three-factor interaction (Bartlett, 1935; Bishop, Fienberg and Holland, 1975): the odds ratios of the two
tables are the same, and both have margins of their own. The fit is by iterative proportional scaling (Deming and
Stephan, 1940). Plain floats, because a verdict is reached without numpy.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from modelloop.monitoring.drift import histogram_tests

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    Table: TypeAlias = "Sequence[Sequence[float]]"

MIN_MARGIN = 25  # rows of a bin, below which it is merged with a neighbour: else its cells hold next to nothing
MAX_ROUNDS = 50
CLOSE = 1e-6  # of the rows: how far a margin of the fit may be off


class Association(NamedTuple):
    """A G statistic with its degrees of freedom (0: nothing to compare), and the rows of both sides."""

    statistic: float
    freedom: int
    baseline_rows: float
    window_rows: float


def compare(baseline: Table, window: Table, idle: float = 1.0) -> Association:
    """Return how surely the association of two columns differs between two tables over the same bins.

    The fit ends early once the p-value is known to be `idle` or more: the statistic is then too large, and no finding.
    """
    sides = _merged(_turned(_merged((baseline, window))))
    rows = [sum(map(sum, side)) for side in sides]
    height, width = len(sides[0]), len(sides[0][0])
    if height < 2 or width < 2 or not all(rows):  # noqa: PLR2004  a margin of one bin associates with nothing
        return Association(0.0, 0, *rows)
    both = [[left + right for left, right in zip(*pair, strict=True)] for pair in zip(*sides, strict=True)]
    freedom = max((height - 1) * (width - 1) - sum(not cell for row in both for cell in row), 0)
    statistic = 0.0
    for model in fits(sides, both):
        statistic = _statistic(sides, model) / _inflation(model, both, freedom) if freedom else 0.0
        if histogram_tests.chi_square_tail(statistic, freedom) >= idle:
            break
    return Association(statistic, freedom, *rows)


def fits(sides: Sequence[Table], both: Table) -> Iterator[list[list[list[float]]]]:
    """Yield ever better fits of the two tables with equal odds ratios that have the sides' margins and sum (`both`).

    Every row and column of both sides needs a count. All fits have equal odds ratios; the last one has the margins.
    """
    whole = sum(map(sum, both))
    shares = [sum(map(sum, side)) / whole for side in sides]
    model = [[[cell * share for cell in row] for row in both] for share in shares]
    heights = [[sum(row) for row in side] for side in sides]
    widths = [[sum(column) for column in zip(*side, strict=True)] for side in sides]
    for _ in range(MAX_ROUNDS):
        gap = max(
            abs(sum(row) - wanted)
            for part, by_row in zip(model, heights, strict=True)
            for row, wanted in zip(part, by_row, strict=True)
        )
        model = [
            _scaled_columns(_scaled_rows(part, by_row), by_column)
            for part, by_row, by_column in zip(model, heights, widths, strict=True)
        ]
        yield model
        if gap < CLOSE * whole:
            return
        model = _scaled_sum(model, both)


def _scaled_rows(table: Table, wanted: Sequence[float]) -> list[list[float]]:
    scales = [sums / sum(row) for sums, row in zip(wanted, table, strict=True)]
    return [[cell * scale for cell in row] for row, scale in zip(table, scales, strict=True)]


def _scaled_columns(table: Table, wanted: Sequence[float]) -> list[list[float]]:
    scales = [sums / sum(column) for sums, column in zip(wanted, zip(*table, strict=True), strict=True)]
    return [[cell * scale for cell, scale in zip(row, scales, strict=True)] for row in table]


def _scaled_sum(model: Sequence[Table], both: Table) -> list[list[list[float]]]:
    scales = [
        [cell / (left + right) if cell else 0.0 for cell, left, right in zip(row, *parts, strict=True)]
        for row, *parts in zip(both, *model, strict=True)
    ]
    return [
        [[cell * scale for cell, scale in zip(*rows, strict=True)] for rows in zip(part, scales, strict=True)]
        for part in model
    ]


def _statistic(sides: Sequence[Table], model: Sequence[Table]) -> float:
    parts = [
        observed * math.log(observed / expected)
        for side, part in zip(sides, model, strict=True)
        for counts, expectations in zip(side, part, strict=True)
        for observed, expected in zip(counts, expectations, strict=True)
        if observed
    ]
    return max(2 * math.fsum(parts), 0.0)


def _inflation(model: Sequence[Table], both: Table, freedom: int) -> float:
    """Return how much larger than its degrees of freedom small expected counts make the statistic on average."""
    cells = math.fsum(_excess(cell) for part in model for row in part for cell in row)
    return 1 + max(cells - math.fsum(_excess(cell) for row in both for cell in row), 0.0) / freedom


def _excess(expected: float) -> float:
    """Return by how much the deviance of a Poisson count exceeds 1 on average: 1/(6 m) of m >= 1, nothing below 1/2."""
    return 1 / (6 * expected) if expected >= 1 else max(expected - 0.5, 0.0) / 3


def _merged(sides: Sequence[Table]) -> list[list[list[float]]]:
    """Return both tables with rows of few counts on either side merged into the smaller neighbour."""
    merged = [[list(row) for row in side] for side in sides]
    while len(merged[0]) > 1:
        sums = [min(sum(side[at]) for side in merged) for at in range(len(merged[0]))]
        least = min(range(len(sums)), key=sums.__getitem__)
        if sums[least] >= MIN_MARGIN:
            break
        beside = min((at for at in (least - 1, least + 1) if 0 <= at < len(sums)), key=sums.__getitem__)
        for side in merged:
            side[beside] = [left + right for left, right in zip(side[beside], side[least], strict=True)]
            del side[least]
    return merged


def _turned(sides: Sequence[Table]) -> list[list[list[float]]]:
    return [[list(column) for column in zip(*side, strict=True)] for side in sides]
