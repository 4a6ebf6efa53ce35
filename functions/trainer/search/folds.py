"""Folds of a table's rows: the one home of who is fitted, who stops and who is held out in a cross-validation.

They follow the rule by which the table itself was split. Rows of one content, or of one group, are in one fold. Of rows
that are ordered in time, blocks are held out one after the other, each by a fit on the rows before it; the first block
is never held out, for nothing lies before it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables import split

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.table import PreparedTable

    type Positions = NDArray[np.intp]

FOLDS = 5
STOPPING_SALT = 0x5709  # keeps the draw of the rows that stop boosting apart from that of the folds
NEVER_HELD = -1


@dataclass(frozen=True, slots=True)
class Fold:
    """One fold as rising positions: `held` rows judge, `rest` are all others that may be learned from.

    `stopping` are a fifth of the rest: they stop boosting early where a fit does so, and `fitted` are the others, so
    that a fold divides its rest as the table divides training and validation part.
    """

    rest: Positions
    fitted: Positions
    stopping: Positions
    held: Positions


def make_folds(table: PreparedTable, rows: int, repeat: int = 0) -> list[Fold]:
    """Return the folds of the table's first `rows` rows, which have several repeats but for an order in time.

    Empty where no folds can be made: a fold would be without rows or its rest without a class, the rows are grouped by
    a column that the prepared table does not hold, or they are ordered in time and this is not the first repeat.
    """
    numbers = deal(table, slice(0, rows), table.seed + repeat, never_held=1)
    if numbers is None or (_is_ordered(table) and repeat):
        return []
    stops = deal(table, slice(0, rows), table.seed + repeat + STOPPING_SALT, by_size=False)
    folds = [_fold(table, numbers, stops, number) for number in range(FOLDS)]
    return folds if all(_is_usable(table, fold) for fold in folds) else []


def deal(
    table: PreparedTable, rows: slice, seed: int, *, never_held: int = 0, by_size: bool = True
) -> NDArray[np.int64] | None:
    """Return the number of the fold of each of some rows, from 0, by the rule of the table's split, int64 [rows].

    Groups are dealt out `by_size`, so that folds are of one size, or in a drawn order alone.

    Rows in time fall into blocks of about as many rows; the first `never_held` of these have the number NEVER_HELD.
    None where rows are grouped by a column that the prepared table does not hold.
    """
    if _is_ordered(table):
        return _blocks(table, rows, never_held)
    groups = _groups(table, rows)
    if groups is None:
        return None
    labels = np.zeros(len(groups)) if table.classes is None else table.rows.target[rows]
    return _dealt(groups, labels, seed, by_size=by_size)


def _is_ordered(table: PreparedTable) -> bool:
    return table.rows.times is not None


def _blocks(table: PreparedTable, rows: slice, never_held: int) -> NDArray[np.int64]:
    """Return the block in time of each row; rows of one time are in one block, those without a time in the first."""
    assert table.rows.times is not None  # noqa: S101  asked by the caller
    times = table.rows.times[rows]
    known = np.sort(times[~np.isnan(times)])
    blocks = FOLDS + never_held
    if not len(known):
        return np.full(len(times), -never_held)
    edges = known[[(len(known) * block) // blocks for block in range(1, blocks)]]
    numbers = np.searchsorted(edges, times, side="right")
    numbers[np.isnan(times)] = 0
    return numbers.astype(np.int64) - never_held


def _groups(table: PreparedTable, rows: slice) -> Positions | None:
    """Return the group of each row, from 0: rows of one group are in one fold; None where nothing tells."""
    kind, contents = table.facts.split.kind, table.rows.contents
    if kind == split.GROUP:
        return None if table.groups is None else np.unique(table.groups[rows], return_inverse=True)[1]
    if contents is not None and (contents.copies or kind == split.CONTENT):
        return np.unique(contents.codes[rows], return_inverse=True)[1]
    if kind == split.CONTENT:
        matrix = np.ascontiguousarray(table.rows.matrix[rows])
        cells = matrix.view(np.dtype((np.void, matrix.dtype.itemsize * matrix.shape[1])))[:, 0]
        return np.unique(cells, return_inverse=True)[1]
    return np.arange(len(table.rows.target[rows]))


def _dealt(groups: Positions, labels: NDArray[np.float64], seed: int, *, by_size: bool) -> NDArray[np.int64]:
    """Deal the groups out, label by label, the largest first and equals in a drawn order; return each row's fold."""
    first = np.unique(groups, return_index=True)[1]
    sizes = np.bincount(groups) if by_size else np.zeros(len(first))
    drawn = np.random.default_rng(seed).random(len(first))
    order = np.lexsort((drawn, -sizes, labels[first]))
    numbers = np.empty(len(first), np.int64)
    numbers[order] = np.arange(len(first)) % FOLDS
    return numbers[groups]


def _fold(table: PreparedTable, numbers: NDArray[np.int64], stops: NDArray[np.int64] | None, number: int) -> Fold:
    held = np.flatnonzero(numbers == number)
    if table.rows.times is None:
        rest = np.flatnonzero(numbers != number)
        stopping = np.zeros(len(rest), np.bool_) if stops is None else stops[rest] == number
    else:
        rest = np.flatnonzero(numbers < number)
        stopping = split.by_time(table.rows.times[rest], split.VALIDATION_SHARE) == split.HOLDOUT
    return Fold(rest, rest[~stopping], rest[stopping], held)


def _is_usable(table: PreparedTable, fold: Fold) -> bool:
    if not (len(fold.fitted) and len(fold.stopping) and len(fold.held)):
        return False
    return table.classes is None or len(np.unique(table.rows.target[fold.fitted])) == len(table.classes)
