"""The encoded matrix: modelloop.tables.encoding over whole columns in SQL, written one by one in bounded memory."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
import os
from collections import Counter
from datetime import date, timedelta
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.day_of_year import BEFORE_MONTH, points
from modelloop.tables.encoding import MAX_CATEGORIES, YEAR_PARTS, Column, Encoding
from modelloop.tables.grammar import value_key
from training_trigger.profile import SHOWN_FROM
from training_trigger.reading.cells import literal, value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from duckdb import DuckDBPyConnection

    from training_trigger.profile import Facts

COVERED = 0.8
EPOCH = date(1970, 1, 1)
MINUTES_A_DAY = 1440
MIN_DAYS_FOR_YEAR = 365
_NAN = "'nan'::DOUBLE"


def choose_column(
    connection: DuckDBPyConnection, place: int, facts: Facts, most_values: int = 0
) -> tuple[Column | None, str | None]:
    """Return the encoding of a feature column, learned from the training part only, or None and why it is dropped.

    A text of too many values to learn each of them is encoded by the target, with at most `most_values` of them.
    """
    if facts.kind == "text":
        return _text_column(connection, place, facts, most_values)
    if facts.kind == "date":
        return _date_column(connection, place, facts), None
    return Column(facts.name, facts.kind), None


def _date_column(connection: DuckDBPyConnection, place: int, facts: Facts) -> Column:
    """Return the encoding of a date: the day of the year is a part of it where a whole year has been seen.

    In less than a year it says what the days since the first one say already, and nothing of the next year.
    """
    ends = (
        f"SELECT min(as_minutes(c{place})), max(as_minutes(c{place})) FROM cells POSITIONAL JOIN sides WHERE side = 0"
    )
    first, last = ((minutes or 0) // MINUTES_A_DAY for minutes in connection.execute(ends).fetchall()[0])
    origin = (EPOCH + timedelta(days=first)).isoformat()
    return Column(
        facts.name, "date", origin=origin, with_time=facts.times > 0, day_of_year=last - first >= MIN_DAYS_FOR_YEAR
    )


def _text_column(
    connection: DuckDBPyConnection, place: int, facts: Facts, most_values: int
) -> tuple[Column | None, str | None]:
    counts = _counts(connection, place, MAX_CATEGORIES)
    if not counts:
        return None, f"no value occurs {SHOWN_FROM} times in the training part"
    present = f"SELECT count(c{place}) FROM cells POSITIONAL JOIN sides WHERE side = 0"
    cells = connection.execute(present).fetchall()[0][0]
    many = facts.distinct > MAX_CATEGORIES and sum(count for _, count in counts) < COVERED * cells
    if many and most_values < len(counts):
        return None, f"it has {facts.distinct:,} different texts, too many to learn from"
    counts = _counts(connection, place, most_values) if many else counts
    categories = tuple(value for value, _ in counts)
    by_value = any(value_key(category) is not None for category in categories)
    return Column(facts.name, "text", categories=categories, by_value=by_value, by_target=many), None


def _counts(connection: DuckDBPyConnection, place: int, most: int) -> list[tuple[str, int]]:
    """Return the values of a text that occur often enough in the training part, the commonest first."""
    return connection.execute(
        f"SELECT c{place}, count(*) AS n FROM cells POSITIONAL JOIN sides WHERE side = 0 AND c{place} IS NOT NULL"
        f" GROUP BY 1 HAVING n >= {SHOWN_FROM} ORDER BY n DESC, 1 LIMIT {most}"
    ).fetchall()


def write_matrix(
    connection: DuckDBPyConnection, encoding: Encoding, places: Sequence[int], rows: int, path: Path
) -> None:
    """Write float32 [rows, slots] in C order as a .npy file; missing is NaN. `places` are the columns' places."""
    matrix = np.lib.format.open_memmap(path, mode="w+", dtype=np.float32, shape=(rows, len(encoding.slots)))
    with path.open("rb+") as file:  # reserve it now: writing to a full disk through the map would kill the process
        os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    slot = 0
    for column, place in zip(encoding.columns, places, strict=True):
        expressions = _expressions(connection, column, place)
        wanted = ", ".join(f"coalesce(({sql})::DOUBLE, {_NAN}) AS s{part}" for part, sql in enumerate(expressions))
        slots = connection.execute(f"SELECT {wanted} FROM cells").fetchnumpy()
        for part in range(len(expressions)):
            matrix[:, slot] = slots[f"s{part}"]
            slot += 1
    matrix.flush()


def _by_value(connection: DuckDBPyConnection, column: Column, cell: str) -> str:
    """Return the SQL of the code of the one category that has a cell's value, NULL when there is none."""
    if not column.by_value:
        return "NULL"
    options = ", ".join(literal(category) for category in column.categories)
    found = connection.execute(f"SELECT value_key(x) FROM (SELECT unnest([{options}]) AS x)").fetchall()
    keys = [key for (key,) in found]
    often = Counter(keys)
    codes = {key: code for code, key in enumerate(keys) if key is not None and often[key] == 1}
    if not codes:
        return "NULL"
    connection.execute(f"CREATE OR REPLACE TYPE keyed AS ENUM ({', '.join(map(literal, codes))})")
    place = f"enum_code(try_cast(value_key({cell}) AS keyed))::INTEGER + 1"
    return f"list_extract([{', '.join(map(str, codes.values()))}], {place})::INTEGER"


def _expressions(connection: DuckDBPyConnection, column: Column, place: int) -> list[str]:
    cell = f"c{place}"
    if column.kind == "number":
        return [value(place, "number")]
    if column.kind == "boolean":
        return [f"as_boolean({cell})::INTEGER"]
    if column.kind == "text":
        options = ", ".join(literal(category) for category in column.categories)
        connection.execute(f"CREATE OR REPLACE TYPE category AS ENUM ({options})")
        exact = f"enum_code(try_cast({cell} AS category))::INTEGER"
        code = f"coalesce({exact}, {_by_value(connection, column, cell)}, {len(column.categories)})"
        return [f"CASE WHEN {cell} IS NOT NULL THEN {code} END"]
    origin = (date.fromisoformat(column.origin or EPOCH.isoformat()) - EPOCH).days
    day = f"floor(as_minutes({cell}) / 1440)::INTEGER"
    moment = f"(DATE '1970-01-01' + {day})"
    in_year = f"list_extract({list(BEFORE_MONTH)}, month({moment})) + day({moment})"
    parts = {
        "days": f"{day} - ({origin})",
        "month": f"month({moment})",
        "weekday": f"isodow({moment}) - 1",
        "hour": f"(as_minutes({cell}) - {day}::BIGINT * 1440) // 60",
        **{
            part: f"list_extract({list(map(str, values))}::DOUBLE[], {in_year})"
            for part, values in zip(YEAR_PARTS, points(), strict=True)
        },
    }
    return [parts[part] for part in column.date_parts]
