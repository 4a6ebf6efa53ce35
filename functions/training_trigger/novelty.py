"""How often text columns bring new values: learned from the training part's own order in time.

A version that is trained on the earlier half of the training part would not know some values of the later half. Their
share is the column's novelty: drift takes as many new values for usual, and more for a fault. Without a time column the
order of the rows says nothing, so nothing is learned.
"""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number>
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables import split
from modelloop.tables.encoding import MAX_CATEGORIES
from modelloop.versions.novelty import Novelty
from training_trigger.profile import SHOWN_FROM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.tables.encoding import Column
    from training_trigger.membership import Membership

EARLIER, LATER, NEITHER = 0, 1, 2
MIN_ROWS = 100  # of the later half, below which it says nothing
BLOCK_ROWS = 500
TOLD_ROWS = 5  # of those: fewer are not worth a warning
KNOWN_FROM = SHOWN_FROM // 2  # a value is learned from 10 rows of the whole on


def novelties(
    connection: DuckDBPyConnection, columns: Sequence[Column], places: Sequence[int], sides: Membership
) -> dict[str, Novelty]:
    """Return the novelty of the text columns that brought any; empty without a time column."""
    if sides.times is None:
        return {}
    halves = _halves(sides.times, sides.sides)
    if (halves == LATER).sum() < MIN_ROWS:
        return {}
    connection.register("halves_view", {"half": halves})
    connection.execute("CREATE OR REPLACE TABLE halves AS SELECT half FROM halves_view")
    connection.unregister("halves_view")
    texts = ((column.name, place) for column, place in zip(columns, places, strict=True) if column.kind == "text")
    found = {name: _novelty(connection, place) for name, place in texts}
    connection.execute("DROP TABLE halves")
    return {name: novelty for name, novelty in found.items() if novelty.new}


def warnings(found: Mapping[str, Novelty], mask: Sequence[str]) -> list[str]:
    """Return what a person is told of columns that bring many new values."""
    rates = {name: round(BLOCK_ROWS * novelty.new / novelty.rows) for name, novelty in found.items()}
    return [
        f"column {name!r} keeps bringing new values: {rate} in {BLOCK_ROWS} rows of the later half of the training "
        "part, so drift takes about as many for usual and more for a data fault"
        for name, rate in rates.items()
        if rate >= TOLD_ROWS and name not in mask
    ]


def _halves(times: NDArray[np.float64], sides: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Return every row's half of the training part in the order of its times; neither for other rows."""
    trained = np.flatnonzero((sides == split.TRAIN) & ~np.isnan(times))
    ordered = trained[np.argsort(times[trained], kind="stable")]
    halves = np.full(len(times), NEITHER, np.uint8)
    halves[ordered[: len(ordered) // 2]] = EARLIER
    halves[ordered[len(ordered) // 2 :]] = LATER
    return halves


def _novelty(connection: DuckDBPyConnection, place: int) -> Novelty:
    """Return how many present cells of the later half have a value that the earlier half would not have taught."""
    new, rows = connection.execute(
        f"""
        WITH present AS (SELECT c{place} AS v, half FROM cells POSITIONAL JOIN halves WHERE c{place} IS NOT NULL),
        known AS (
            SELECT v FROM present WHERE half = {EARLIER} GROUP BY v HAVING count(*) >= {KNOWN_FROM}
            ORDER BY count(*) DESC, v LIMIT {MAX_CATEGORIES}
        )
        SELECT count(*) FILTER (known.v IS NULL), count(*)
        FROM present LEFT JOIN known ON present.v = known.v WHERE half = {LATER}
        """
    ).fetchall()[0]
    return Novelty(int(new), int(rows))
