"""Which rows of a fit may tell of which other rows the mean of the target, where text is encoded by it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from trainer.families.target_means import FOLDS, InnerFolds

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from trainer.rows import Part
    from trainer.table import PreparedTable

BLOCKS = 10  # of rows in time; the first one learns from nothing


def inner_folds(table: PreparedTable, part: Part) -> InnerFolds | None:
    """Return the folds of rows to fit on, by the rule of the table's split; None where any will do or none is needed.

    Rows in time learn from earlier ones only; copies of a row, or rows of one group, are in one fold.
    """
    if not any(slot.kind == "value" for slot in table.encoding.slots):
        return None
    if part.times is not None:
        return InnerFolds(_blocks(part.times), ordered=True)
    groups = part.groups if part.contents is None else part.contents.codes
    return None if groups is None else InnerFolds(_dealt(groups))


def _blocks(times: NDArray[np.float64]) -> NDArray[np.int64]:
    """Return the block in time of each row, from 0; rows of one time are in one, those without a time in the first."""
    known = np.sort(times[~np.isnan(times)])
    edges = known[[len(known) * block // BLOCKS for block in range(1, BLOCKS)]] if len(known) else known
    return np.where(np.isnan(times), 0, np.searchsorted(edges, times, side="right")).astype(np.int64)


def _dealt(groups: NDArray[np.int32]) -> NDArray[np.int64]:
    """Return a fold for each row; rows of one group are in one."""
    places = np.unique(groups, return_inverse=True)[1]
    folds = np.random.default_rng(0).permutation(int(places.max(initial=0)) + 1) % FOLDS
    return folds[places].astype(np.int64)
