"""Slices over protected columns that the model does not see: which slice every row is in, for metrics of their own."""

from __future__ import annotations

# ruff: noqa: S608  in this SQL columns are named c<number> and every text goes through literal()
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

import numpy as np

from modelloop.tables.encoding import MAX_CATEGORIES
from modelloop.tables.slices import spans
from modelloop.versions.prepared_table import SliceLabels
from training_trigger.profile import SHOWN_FROM
from training_trigger.reading.cells import literal, value

if TYPE_CHECKING:
    from collections.abc import Container, Sequence

    from duckdb import DuckDBPyConnection
    from numpy.typing import NDArray

    from modelloop.spec.model import Spec
    from training_trigger.profile import Facts

RARE = "rare"
FEW_NUMBERS = 10
QUARTERS = (0.25, 0.5, 0.75)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def cut(
    connection: DuckDBPyConnection, facts: Sequence[Facts], spec: Spec, features: Container[str]
) -> tuple[list[SliceLabels], NDArray[np.int16]]:
    """Return the labels of every protected column that is no feature and not masked, and each row's slices.

    The slices are int16 [rows, columns]: places among the labels, -1 where the cell is missing. Texts, booleans and
    numbers of few values are cut by value, and values that occur fewer than ten times are one slice; other numbers and
    dates are cut into quarters.
    """
    places = {column.name: place for place, column in enumerate(facts)}
    described, columns = [], []
    for name in spec.protected:
        if name in features or name in spec.mask:
            continue
        labels, code = _slices(connection, places[name], facts[places[name]])
        codes = connection.execute(f"SELECT coalesce(({code})::SMALLINT, -1) AS v FROM cells").fetchnumpy()["v"]
        described.append(SliceLabels(name, labels))
        columns.append(np.asarray(codes, np.int16))
    return described, np.column_stack(columns) if columns else np.zeros((facts[0].rows, 0), np.int16)


def _slices(connection: DuckDBPyConnection, place: int, facts: Facts) -> tuple[list[str], str]:
    """Return the labels of a column's slices and the SQL of a row's place among them."""
    sql = value(place, facts.kind)
    if facts.kind == "boolean":
        return ["false", "true"], f"{sql}::INTEGER"
    if facts.kind == "text" or (facts.kind == "number" and facts.distinct <= FEW_NUMBERS):
        return _by_value(connection, sql, facts.kind)
    edges = connection.execute(f"SELECT quantile_disc({sql}, {list(QUARTERS)}) FROM cells").fetchall()[0][0]
    edges = sorted(set(edges or ()))
    code = " + ".join(["0", *(f"({sql} > {edge!r})::INTEGER" for edge in edges)])
    return spans([_label(edge, facts.kind) for edge in edges]), code


def _by_value(connection: DuckDBPyConnection, sql: str, kind: str) -> tuple[list[str], str]:
    text = f"({sql})::VARCHAR"
    values = connection.execute(
        f"SELECT {text} AS v, any_value({sql}) FROM cells WHERE v IS NOT NULL"
        f" GROUP BY v HAVING count(*) >= {SHOWN_FROM} ORDER BY count(*) DESC, v LIMIT {MAX_CATEGORIES}"
    ).fetchall()
    if not values:
        return [RARE], f"CASE WHEN {text} IS NOT NULL THEN 0 END"
    connection.execute(f"CREATE OR REPLACE TYPE slice AS ENUM ({', '.join(literal(shown) for shown, _ in values)})")
    code = f"coalesce(enum_code(try_cast({text} AS slice))::INTEGER, {len(values)})"
    return [*(_label(cell, kind) for _, cell in values), RARE], f"CASE WHEN {text} IS NOT NULL THEN {code} END"


def _label(cell: str | float, kind: str) -> str:
    if kind == "date":
        return (EPOCH + timedelta(minutes=float(cell))).date().isoformat()
    return f"{cell:g}" if kind == "number" else str(cell)
