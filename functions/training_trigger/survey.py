"""Counts of what every column of the table `cells` holds, made in a few passes of DuckDB."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from dataclasses import replace
from math import frexp, ldexp
from typing import TYPE_CHECKING, Any

from training_trigger.number_formats import ANY, NUMBER_FORMATS, in_other_format, nearly
from training_trigger.profile import Facts
from training_trigger.reading.cells import literal, value

if TYPE_CHECKING:
    from collections.abc import Sequence

    from duckdb import DuckDBPyConnection

    from training_trigger.reading.load import Cells

TOP = 20
BATCH = 20
FIXED_BITS = 60  # what is left of 127 holds the sum of more rows than there can be
_READ = ("c{p}", "as_number(c{p}) AS n{p}", "as_boolean(c{p}) AS b{p}", "as_minutes(c{p}) AS m{p}")
_KINDS = ("count(c{p})", "count(n{p})", "count(b{p})", "count(m{p})")
_NUMBER = "count(DISTINCT v), count(*) FILTER (v = trunc(v)), min(v), max(v)"
_DATE = "count(DISTINCT c), count(*) FILTER (length(c) > 10), min(c), max(c)"
_TEXT = (
    f"count(DISTINCT c), count(*) FILTER (regexp_full_match(c, {literal(ANY)})), "
    "avg(length(c) - length(replace(c, ' ', '')) + 1), min(c), max(c)"
)
MAX_ODD = 3
EXACT_FLOAT = 2**53  # below it every whole number is a 64-bit float of its own


def survey(connection: DuckDBPyConnection, cells: Cells) -> list[Facts]:
    """Return the facts of every column, in the table's order."""
    surveyed: list[Facts] = []
    for start in range(0, len(cells.names), BATCH):
        places = range(start, min(start + BATCH, len(cells.names)))
        wanted = ", ".join(count.format(p=place) for place in places for count in _KINDS)
        read = ", ".join(value.format(p=place) for place in places for value in _READ)
        counts = connection.execute(f"SELECT {wanted} FROM (SELECT {read} FROM cells)").fetchall()[0]
        for place in places:
            offset = (place - start) * len(_KINDS)
            surveyed.append(_facts(connection, cells, place, counts[offset : offset + len(_KINDS)]))
    return surveyed


def _facts(connection: DuckDBPyConnection, cells: Cells, place: int, counts: Sequence[int]) -> Facts:
    present, numbers, booleans, dates = counts
    name = cells.names[place]
    facts = Facts(
        name=name, rows=cells.rows, present=present, distinct=0, numbers=numbers, booleans=booleans, dates=dates,
        nested=name in cells.nested,
    )  # fmt: skip
    if facts.kind == "number":
        distinct, whole, low, high = _row(connection, _NUMBER, f"{value(place, 'number')} AS v")
        low, high = low + 0.0, high + 0.0  # of -0.0 and 0.0 either may come first
        if max(-low, high) >= EXACT_FLOAT and _are_merged(connection, place):
            return _text_facts(connection, place, replace(facts, merged=True))
        mean = _mean(connection, place, present, max(-low, high))
        return replace(facts, distinct=distinct, whole=whole, minimum=low, maximum=high, mean=mean)
    if facts.kind == "date":
        distinct, times, first, last = _row(connection, _DATE, f"c{place} AS c")
        return replace(facts, distinct=distinct, times=times, first=first, last=last)
    return _text_facts(connection, place, facts)


def _are_merged(connection: DuckDBPyConnection, place: int) -> bool:
    """Return whether whole numbers that are written in different digits are one number as a float."""
    large = f"FILTER (abs(v) >= {EXACT_FLOAT} AND regexp_full_match(c, '-?[0-9]+'))"
    wanted = f"count(DISTINCT c) {large} > count(DISTINCT v) {large}"
    return bool(_row(connection, wanted, f"c{place} AS c, {value(place, 'number')} AS v")[0])


def _text_facts(connection: DuckDBPyConnection, place: int, facts: Facts) -> Facts:
    distinct, foreign, words, first, last = _row(connection, _TEXT, f"c{place} AS c")
    facts = replace(
        facts, distinct=distinct, foreign=foreign, words=words or 0.0, first=first, last=last,
        top=_top(connection, place, "true", TOP),
    )  # fmt: skip
    if kind := nearly(facts):
        macro = {"number": "as_number", "date": "as_minutes", "boolean": "as_boolean"}[kind]
        return replace(facts, odd=_top(connection, place, f"{macro}(c) IS NULL", MAX_ODD))
    return _with_format(connection, place, facts) if in_other_format(facts) else facts


def _mean(connection: DuckDBPyConnection, place: int, present: int, maximum: float) -> float:
    """Return the mean, the same for every order of the rows: whole numbers are added, not floats."""
    scale = ldexp(1.0, min(FIXED_BITS - frexp(maximum)[1], 1023))
    (total,) = _row(connection, f"sum((v * {scale!r}::DOUBLE)::HUGEINT)", f"{value(place, 'number')} AS v")
    return int(total) / present / scale


def _with_format(connection: DuckDBPyConnection, place: int, facts: Facts) -> Facts:
    tests = [f"regexp_full_match(c, {literal(written.pattern)})" for written in NUMBER_FORMATS]
    counts = _row(connection, ", ".join(f"count(*) FILTER ({test})" for test in tests), f"c{place} AS c")
    commonest = counts.index(max(counts))
    return replace(facts, number_format=commonest, odd=_top(connection, place, tests[commonest], 1))


def _row(connection: DuckDBPyConnection, wanted: str, column: str) -> tuple[Any, ...]:
    return connection.execute(f"SELECT {wanted} FROM (SELECT {column} FROM cells)").fetchall()[0]


def _top(connection: DuckDBPyConnection, place: int, condition: str, limit: int) -> tuple[tuple[str, int], ...]:
    rows = connection.execute(
        f"SELECT c{place} AS c, count(*) AS n FROM cells WHERE c IS NOT NULL AND {condition}"
        f" GROUP BY 1 ORDER BY n DESC, 1 LIMIT {limit}"
    ).fetchall()
    return tuple((str(cell), int(count)) for cell, count in rows)
