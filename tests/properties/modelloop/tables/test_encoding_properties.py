"""The quick way through a column is the grammar's way, cell by cell; one row at a time is all rows at once."""

from __future__ import annotations

import math
import struct
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from modelloop.errors import InvalidValueError
from modelloop.tables import grammar
from modelloop.tables.encoding import Column, Encoding

MISSING = frozenset(grammar.MISSING_TOKENS)
ENCODING = Encoding(
    [
        Column("n", "number"),
        Column("b", "boolean"),
        Column("t", "text", ("a", "b", "1", "true", "é")),
        Column("d", "date", origin="2000-02-29", with_time=True, day_of_year=True),
    ]
)
NUMBERS = st.one_of(
    st.floats(width=64), st.integers(-(2**63), 2**64 - 1), st.none(), st.text("0123456789.eE+- ", max_size=8),
    st.sampled_from(["NA", "", "null", "1e39", "3.4028235e38", 3.4028236e38, True, [], {}]),
)  # fmt: skip
BOOLEANS: st.SearchStrategy[Any] = st.sampled_from(
    [True, False, None, "true", "FALSE", " true", "NA", 1, 0.0, "yes", []]
)
TEXTS: st.SearchStrategy[Any] = st.one_of(
    st.text(max_size=4), st.sampled_from(["a", " b", "e\u0301", "NA", None, True, 1, 1.0, 2.5, math.nan, [], {"a": 1}])
)
DATES = st.one_of(
    st.datetimes().map(lambda at: at.isoformat()), st.dates().map(str), st.sampled_from([None, "", "2026-13-01", 5])
)


def expected(cell: object, kind: str) -> list[float] | None:
    """Read a cell by the grammar alone; None when it must be refused."""
    try:
        value = getattr(grammar, f"read_{kind}")(cell, MISSING)
        if value is None:
            return [math.nan] * (6 if kind == "date" else 1)
        if kind == "number":
            return [struct.unpack("<f", struct.pack("<f", value))[0]]
        if kind == "boolean":
            return [float(value)]
        if kind == "text":
            categories = ENCODING.columns[2].categories
            return [float(categories.index(value)) if value in categories else 5.0]
        days = (value.date() - __import__("datetime").date(2000, 2, 29)).days
        angle = (value.replace(year=2000).timetuple().tm_yday - 1) / 366 * 2 * math.pi
        circle = [float(np.float32(round(part, 6))) for part in (math.sin(angle), math.cos(angle))]
        return [float(days), float(value.month), float(value.weekday()), float(value.hour), *circle]
    except (InvalidValueError, OverflowError):
        return None


@given(st.lists(st.tuples(NUMBERS, BOOLEANS, TEXTS, DATES), min_size=1, max_size=6))
def test_encoding_is_the_grammar_cell_by_cell(rows: list[tuple[Any, ...]]) -> None:
    cells = dict(zip("nbtd", map(list, zip(*rows, strict=True)), strict=True))
    kinds = ("number", "boolean", "text", "date")
    wanted = [[expected(cell, kind) for cell, kind in zip(row, kinds, strict=True)] for row in rows]
    bad = next(((name, at) for place, name in enumerate("nbtd") for at, row in enumerate(wanted) if row[place] is None), None)  # fmt: skip  # noqa: E501
    try:
        table = ENCODING.read(len(rows), cells)
    except InvalidValueError as error:
        assert (error.field, error.row) == bad  # noqa: PT017  whether it raises depends on the rows
        return
    assert bad is None
    flat = [[slot for part in row for slot in part or []] for row in wanted]
    assert repr(table.vectors) == repr(flat)
    assert all(
        struct.unpack("<f", struct.pack("<f", slot))[0] == slot or math.isnan(slot)
        for row in table.vectors
        for slot in row
    )
    singles = [ENCODING.read(1, {name: [column[at]] for name, column in cells.items()}) for at in range(len(rows))]
    assert repr([single.vectors[0] for single in singles]) == repr(table.vectors)
    values = table.values
    assert all(len(column) == len(rows) for column in values.values())
    again = ENCODING.read(len(rows), values)
    assert repr(again.vectors) == repr(table.vectors)
