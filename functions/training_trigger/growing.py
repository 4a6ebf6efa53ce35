"""Numbers that grow with the rows, such as epoch seconds and order numbers: new rows always have others.

Drift watches them as it watches dates: shown, and no alarm. Only numbers of which nearly every one differs can be such
a column, and only if they rise with the time column, or in file order without one when they are whole numbers or look
like seconds since 1970: a table that is sorted by a measured feature has none.
"""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from typing import TYPE_CHECKING

import numpy as np

from training_trigger.profile import ENOUGH_TO_JUDGE
from training_trigger.reading.cells import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from training_trigger.profile import Facts

DIFFERENT = 0.99  # of the present cells
EPOCHS = (946_684_800.0, 4_102_444_800.0)  # the seconds of the years 2000 to 2099
RISING = 0.99  # the least correlation of ranks with time, or with the order of the rows


def growing_columns(
    connection: DuckDBPyConnection, facts: Sequence[Facts], places: Sequence[int], times: NDArray[np.float64] | None
) -> list[str]:
    """Return the names of the number columns among `places` that grow with the rows.

    `times` are the rows' times, NaN where missing; None for tables without a time column.
    """
    return [
        facts[place].name for place in places if _may_grow(facts[place], times) and _rises(connection, place, times)
    ]


def warnings(names: Sequence[str]) -> list[str]:
    """Return what a person is told of each growing column."""
    return [
        f"column {name!r} grows with the rows, so later rows have other values: drift shows it as it shows dates, "
        f"without an alarm, unless the model depends on it most; put `watch: [{name}]` in model.yaml to be alarmed"
        for name in names
    ]


def _may_grow(facts: Facts, times: NDArray[np.float64] | None) -> bool:
    differs = facts.present >= ENOUGH_TO_JUDGE and facts.distinct >= DIFFERENT * facts.present
    counts = facts.whole == facts.present or EPOCHS[0] <= (facts.minimum or 0.0) <= (facts.maximum or 0.0) <= EPOCHS[1]
    return facts.kind == "number" and differs and (times is not None or counts)


def _rises(connection: DuckDBPyConnection, place: int, times: NDArray[np.float64] | None) -> bool:
    sql = f"SELECT coalesce({value(place, 'number')}, 'nan'::DOUBLE) AS v FROM cells ORDER BY rowid"
    values = np.asarray(connection.execute(sql).fetchnumpy()["v"], np.float64)
    order = np.arange(len(values), dtype=np.float64) if times is None else times
    known = ~np.isnan(values) & ~np.isnan(order)
    if known.sum() < ENOUGH_TO_JUDGE or len(np.unique(order[known])) < ENOUGH_TO_JUDGE:
        return False
    ranks = np.array([np.unique(part[known], return_inverse=True)[1] for part in (values, order)], np.float64)
    return float(np.corrcoef(ranks[0], ranks[1])[0, 1]) >= RISING
