"""Counting: what every column of the table `cells` holds, in a few passes of DuckDB."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from typing import TYPE_CHECKING, Any

from modelloop.profile import Facts

if TYPE_CHECKING:
    from duckdb import DuckDBPyConnection

    from training_trigger.reading.load import Cells

TOP = 20
_READ = ("c{p}", "as_number(c{p}) AS n{p}", "as_boolean(c{p}) AS b{p}", "as_minutes(c{p}) AS m{p}")
_AGGREGATES = (
    "count(c{p})", "count(n{p})", "count(b{p})", "count(m{p})", "count(m{p}) FILTER (length(c{p}) > 10)",
    "count(n{p}) FILTER (n{p} = trunc(n{p}))", "count(c{p}) FILTER (regexp_full_match(c{p}, '-?[0-9.]+,[0-9]+'))",
    "min(n{p})", "max(n{p})", "avg(n{p})", "min(c{p})", "max(c{p})", "min(c{p}) FILTER (n{p} IS NULL)",
    "avg(length(c{p}) - length(replace(c{p}, ' ', '')) + 1)",
)  # fmt: skip
BATCH = 20


def survey(connection: DuckDBPyConnection, cells: Cells) -> list[Facts]:
    """Return the facts of every column, in the table's order."""
    found: list[Facts] = []
    for start in range(0, len(cells.names), BATCH):
        places = range(start, min(start + BATCH, len(cells.names)))
        wanted = ", ".join(aggregate.format(p=place) for place in places for aggregate in _AGGREGATES)
        read = ", ".join(value.format(p=place) for place in places for value in _READ)
        values = connection.execute(f"SELECT {wanted} FROM (SELECT {read} FROM cells)").fetchall()[0]
        for place in places:
            offset = (place - start) * len(_AGGREGATES)
            found.append(_facts(connection, cells, place, values[offset : offset + len(_AGGREGATES)]))
    return found


def _facts(connection: DuckDBPyConnection, cells: Cells, place: int, counts: tuple[Any, ...]) -> Facts:
    present, numbers, booleans, dates, times, whole, commas, low, high, mean, first, last, odd, words = counts
    value = f"as_number(c{place})" if present and numbers == present else f"c{place}"
    distinct = connection.execute(f"SELECT count(DISTINCT {value}) FROM cells").fetchall()[0][0]
    name = cells.names[place]
    textual = present and present not in (numbers, dates)
    return Facts(
        name=name, rows=cells.rows, present=present, distinct=distinct, numbers=numbers, booleans=booleans,
        dates=dates, times=times, whole=whole, commas=commas, words=words or 0.0, minimum=low, maximum=high,
        mean=mean, first=first, last=last, odd=odd, nested=name in cells.nested,
        top=_top(connection, place) if textual else (),
    )  # fmt: skip


def _top(connection: DuckDBPyConnection, place: int) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        f"SELECT c{place}, count(*) AS n FROM cells WHERE c{place} IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return tuple((str(value), int(count)) for value, count in rows)
