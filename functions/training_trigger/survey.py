"""Counting: what every column of the table `cells` holds, in a few passes of DuckDB."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from modelloop.profile import Facts
from training_trigger.reading.cells import value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from training_trigger.reading.load import Cells

TOP = 20
BATCH = 20
_READ = ("c{p}", "as_number(c{p}) AS n{p}", "as_boolean(c{p}) AS b{p}", "as_minutes(c{p}) AS m{p}")
_KINDS = ("count(c{p})", "count(n{p})", "count(b{p})", "count(m{p})")
_NUMBER = "count(DISTINCT v), count(*) FILTER (v = trunc(v)), min(v), max(v), avg(v)"
_DATE = "count(DISTINCT c), count(*) FILTER (length(c) > 10), min(c), max(c)"
_TEXT = (
    "count(DISTINCT c), count(*) FILTER (regexp_full_match(c, '-?[0-9.]+,[0-9]+')), "
    "avg(length(c) - length(replace(c, ' ', '')) + 1), min(c), max(c), min(c) FILTER (as_number(c) IS NULL)"
)


def survey(connection: DuckDBPyConnection, cells: Cells) -> list[Facts]:
    """Return the facts of every column, in the table's order."""
    found: list[Facts] = []
    for start in range(0, len(cells.names), BATCH):
        places = range(start, min(start + BATCH, len(cells.names)))
        wanted = ", ".join(count.format(p=place) for place in places for count in _KINDS)
        read = ", ".join(value.format(p=place) for place in places for value in _READ)
        counts = connection.execute(f"SELECT {wanted} FROM (SELECT {read} FROM cells)").fetchall()[0]
        for place in places:
            offset = (place - start) * len(_KINDS)
            found.append(_facts(connection, cells, place, counts[offset : offset + len(_KINDS)]))
    return found


def _facts(connection: DuckDBPyConnection, cells: Cells, place: int, counts: Sequence[int]) -> Facts:
    present, numbers, booleans, dates = counts
    name = cells.names[place]
    facts = Facts(
        name=name, rows=cells.rows, present=present, distinct=0, numbers=numbers, booleans=booleans, dates=dates,
        nested=name in cells.nested,
    )  # fmt: skip
    if facts.kind == "number":
        distinct, whole, low, high, mean = _one(connection, _NUMBER, f"{value(place, 'number')} AS v")
        return replace(facts, distinct=distinct, whole=whole, minimum=low, maximum=high, mean=mean)
    if facts.kind == "date":
        distinct, times, first, last = _one(connection, _DATE, f"c{place} AS c")
        return replace(facts, distinct=distinct, times=times, first=first, last=last)
    distinct, commas, words, first, last, odd = _one(connection, _TEXT, f"c{place} AS c")
    return replace(
        facts, distinct=distinct, commas=commas, words=words or 0.0, first=first, last=last, odd=odd,
        top=_top(connection, place),
    )  # fmt: skip


def _one(connection: DuckDBPyConnection, wanted: str, column: str) -> tuple[Any, ...]:
    return connection.execute(f"SELECT {wanted} FROM (SELECT {column} FROM cells)").fetchall()[0]


def _top(connection: DuckDBPyConnection, place: int) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        f"SELECT c{place} AS c, count(*) AS n FROM cells WHERE c IS NOT NULL GROUP BY 1 ORDER BY n DESC, 1 LIMIT {TOP}"
    ).fetchall()
    return tuple((str(cell), int(count)) for cell, count in rows)
