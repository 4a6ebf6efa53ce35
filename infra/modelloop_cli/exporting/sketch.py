"""The quantile sketch of a number column in Model Monitor's statistics.json, drawn from the bins of a baseline.

The layout is that of a KLL sketch (Karnin, Lang and Liberty, 2016, "Optimal quantile approximation in streams"): an
item of level i stands for 2**i rows. Ranks are exact at the edges of the bins. Between them rows are spread evenly,
so a rank there is off by less than its bin holds.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

SIZE, SHRINKING = 2048, 0.64
FLOAT32_STEP, FLOAT32_TINY = 2.0**-23, 2.0**-126


class Bin(NamedTuple):
    """So many rows with lower < value <= upper."""

    lower: float
    upper: float
    rows: int


def sketch(bins: Sequence[Bin], *, whole: bool) -> dict[str, Any]:
    """Return parameters and data of the sketch; `whole` keeps every item a whole number.

    data[i] are the items that stand for 2**i rows; their weights add up to the rows of all bins.
    """
    top = max(math.ceil(math.log2(max(sum(interval.rows for interval in bins), 1) / SIZE)), 0)
    data: list[list[float]] = [[] for _ in range(top + 1)]
    for interval in bins:
        for level, share in _items(interval.rows, top):
            data[level].append(_value(interval, share, whole=whole))
    return {"parameters": {"c": SHRINKING, "k": SIZE}, "data": data}


def _items(count: int, top: int) -> Iterator[tuple[int, float]]:
    """Yield the level of each item of a bin, and the share of the bin's rows up to and with it."""
    reached = 0
    for level in range(top, -1, -1):
        while count - reached >= 1 << level:
            reached += 1 << level
            yield level, reached / count


def _value(interval: Bin, share: float, *, whole: bool) -> float:
    """Return the value up to which a share of the bin lies; the upper edge when 32-bit floats have none between."""
    step = max(abs(interval.upper) * FLOAT32_STEP, FLOAT32_TINY)
    if interval.upper - interval.lower <= step:
        return interval.upper
    value = interval.lower + (interval.upper - interval.lower) * share
    return float(min(math.ceil(value), math.floor(interval.upper))) if whole else min(value, interval.upper)
