"""The grammar of cells in SQL: macros that must give, cell by cell, what modelloop.tables.grammar gives.

`trimmed(x)` is in Unicode form C and `present(x)` of that is NULL when missing. `as_number`, `as_boolean` and
`as_minutes` take such a cell and give NULL when it is not of their kind; minutes are UTC, since 1970-01-01.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.tables import grammar

if TYPE_CHECKING:
    from collections.abc import Iterable

    from duckdb import DuckDBPyConnection

WHITESPACE = (
    "\t\n\x0b\x0c\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
MARKS = "too many combining marks"  # what the macro `trimmed` raises; where they are is looked up then
_FIRST_MINUTE, _LAST_MINUTE = -1035593280, 4223371679
_PLAIN = "BETWEEN 33 AND 126"
_A_MARK = "\u0300"


def literal(text: str) -> str:
    """Return a text as a SQL literal."""
    return "'" + text.replace("'", "''") + "'"


def value(place: int, kind: str) -> str:
    """Return the SQL of a cell's value in column c<place>, all of whose present cells are of that kind."""
    cell = f"c{place}"
    return {
        "number": f"try_cast({cell} AS DOUBLE)",
        "boolean": f"as_boolean({cell})",
        "date": f"as_minutes({cell})",
    }.get(kind, cell)


def too_many_marks(text: str) -> str:
    """Return the SQL that tests whether a text has more combining marks in a run than are put in order.

    Every mark is replaced by the same one, and a run of that is looked for: a pattern that repeats all marks 31 times
    takes 17 ms to compile, for every column of a table.
    """
    run = grammar.MAX_MARKS + 1
    levelled = f"regexp_replace({text}, '\\p{{M}}', '{_A_MARK}', 'g')"
    return f"strlen({text}) - length({text}) >= {run} AND contains({levelled}, '{_A_MARK * run}')"


def missing_macro(name: str, tokens: Iterable[str]) -> str:
    """Return the SQL that defines a macro which makes NULL of a cell that is one of the tokens.

    Comparisons one by one, because a chain of nullif doubles the expression with every token, the planner makes a join
    of IN, and looking into a list copies it for every cell: eight times the memory on a table of 60 columns.
    """
    is_token = " OR ".join(f"x = {literal(token)}" for token in sorted(tokens))
    expression = f"CASE WHEN {is_token} THEN NULL ELSE x END" if is_token else "x"
    return f"CREATE OR REPLACE MACRO {name}(x) AS {expression}"


def define_macros(connection: DuckDBPyConnection, missing: Iterable[str]) -> None:
    """Define the macros on a connection, for one set of missing tokens."""
    connection.execute(missing_macro("present", {*missing, ""}))
    trimmed = (
        f"CASE WHEN {too_many_marks('x')} THEN error({literal(MARKS)} || left(x, 0))::VARCHAR"
        f" ELSE nfc_normalize(CASE WHEN ord(x) {_PLAIN} AND ord(right(x, 1)) {_PLAIN} THEN x"
        f" ELSE trim(x, {literal(WHITESPACE)}) END) END"
    )
    macros = {
        "trimmed": trimmed,
        "as_number": _number(),
        "as_boolean": "CASE lower(x) WHEN 'true' THEN true WHEN 'false' THEN false END",
        "value_key": (
            "coalesce(as_boolean(x)::VARCHAR,"
            f" CASE WHEN abs(as_number(x)) < {grammar.EXACT_FLOAT!r} THEN (as_number(x) + 0.0)::VARCHAR END)"
        ),
        "as_minutes": _minutes(),
        "as_seconds": _seconds(),
    }
    for name, expression in macros.items():
        connection.execute(f"CREATE OR REPLACE MACRO {name}(x) AS {expression}")


def _number() -> str:
    value = "try_cast(x AS DOUBLE)"
    form = f"length(x) <= {grammar.MAX_NUMBER} AND regexp_full_match(x, {literal(grammar.NUMBER.pattern)})"
    return f"CASE WHEN {form} AND isfinite({value}) THEN {value} END"


def _seconds() -> str:
    rest = "coalesce(try_cast(regexp_extract(substr(x, 18), '^[0-9.]+') AS DOUBLE), 0)"
    return f"as_minutes(x) * 60.0 + CASE WHEN substr(x, 17, 1) = ':' THEN {rest} ELSE 0 END"


def _minutes() -> str:
    day = "(try_cast(left(x, 10) AS DATE) - DATE '1970-01-01')"
    clock = "coalesce(try_cast(substr(x, 12, 2) AS INTEGER) * 60 + try_cast(substr(x, 15, 2) AS INTEGER), 0)"
    zone = r"regexp_extract(substr(x, 17), '([+-])([0-9]{2})(?::?([0-9]{2}))?$', ['sign', 'hour', 'minute'])"
    past = f"{zone}.hour::INTEGER * 60 + coalesce(try_cast({zone}.minute AS INTEGER), 0)"
    offset = (
        f"CASE WHEN {zone}.sign IN ('+', '-') THEN (CASE {zone}.sign WHEN '-' THEN -1 ELSE 1 END) * ({past}) ELSE 0 END"
    )
    valid = (
        f"regexp_full_match(x, {literal(grammar.DATE.pattern)}) AND {day} IS NOT NULL AND left(x, 4) <> '0000'"
        " AND coalesce(try_cast(substr(x, 12, 2) AS INTEGER), 0) < 24"
        " AND coalesce(try_cast(substr(x, 15, 2) AS INTEGER), 0) < 60"
        " AND (substr(x, 17, 1) <> ':' OR try_cast(substr(x, 18, 2) AS INTEGER) < 60)"
        f" AND ({zone}.sign = '' OR {past} < 1440)"
    )
    value = f"({day} * 1440 + {clock} - {offset})"
    return f"CASE WHEN {valid} AND {value} BETWEEN {_FIRST_MINUTE} AND {_LAST_MINUTE} THEN {value}::BIGINT END"
