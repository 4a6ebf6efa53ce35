"""The SQL macros give, cell by cell, what the scalar grammar gives."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import duckdb
import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from modelloop.errors import InvalidValueError
from modelloop.tables import grammar
from training_trigger.reading.cells import WHITESPACE, define_macros

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

MISSING = frozenset(grammar.MISSING_TOKENS)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

padding = st.text(st.sampled_from(WHITESPACE), max_size=2)
digits = st.text(st.sampled_from("0123456789"), min_size=1, max_size=4)
signs, marks = st.sampled_from(["", "-", "+", "--"]), st.sampled_from(["", ".", ",", "_", "e"])
endings = st.sampled_from(["", "e5", "E-3", "e+400", "e", "f", "e-400", "x"])
numbers = st.one_of(
    st.floats().map(repr),
    st.integers().map(str),
    st.decimals(allow_nan=False).map(str),
    st.builds("{}{}{}{}{}".format, signs, digits, marks, st.one_of(st.just(""), digits), endings),
    st.integers(1, 450).map(lambda length: "9" * length),
    st.sampled_from(["inf", "-Infinity", "nan", "0x10", "1e309", "-0", "0.0", "00", "1.", ".5", "٣", "1 2"]),
    st.just("4.9e-324"),
)  # fmt: skip
zones = st.one_of(
    st.sampled_from(
        [
            "",
            "Z",
            "+00:00",
            "-0000",
            "+23:59",
            "-23:59",
            "+24:00",
            "+12:60",
            "+1",
            "z",
            "+00",
            "-05",
            " UTC",
            " +0200",
            " -03",
            "UTC",
            "  +01",
        ]
    ),
    st.builds(
        "{}{:02d}{}{:02d}".format,
        st.sampled_from("+-"),
        st.integers(0, 30),
        st.sampled_from([":", ""]),
        st.integers(0, 70),
    ),
)
dates = st.builds(
    "{:04d}-{:02d}-{:02d}".format, st.one_of(st.integers(0, 2), st.integers(9998, 9999), st.integers(1890, 2100)),
    st.integers(0, 13), st.integers(0, 32),
)  # fmt: skip
clocks = st.one_of(
    st.builds("{}{:02d}:{:02d}".format, st.sampled_from("T t"), st.integers(0, 25), st.integers(0, 61)),
    st.builds("T{:02d}:{:02d}:{:02d}".format, st.integers(0, 25), st.integers(0, 61), st.integers(0, 61)),
    st.builds(" {:02d}:{:02d}:{:02d}.{}".format, st.integers(0, 23), st.integers(0, 59), st.integers(0, 59), digits),
)
moments = st.one_of(
    dates, st.builds("{}{}{}".format, dates, clocks, zones), st.builds("{}{}".format, dates, zones),
    st.datetimes(timezones=st.timezones()).map(lambda moment: moment.isoformat()),
)  # fmt: skip
words = st.one_of(
    st.sampled_from(
        [*grammar.MISSING_TOKENS, "true", "FALSE", "True", "na", "nan", "yes", "e\u0301", "Å", "ﬁ", "\u1e9b\u0323"]
    ),
    st.text(st.characters(exclude_categories=["Cs", "Cn"], max_codepoint=0x2FFFF), max_size=6),
)
cells = st.builds("{}{}{}".format, padding, st.one_of(numbers, moments, words), padding)


@pytest.fixture(scope="module")
def connection() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as opened:
        define_macros(opened, grammar.MISSING_TOKENS)
        yield opened


def read(reader: Callable[[object, frozenset[str]], Any], cell: str) -> Any:
    try:
        return reader(cell, MISSING)
    except InvalidValueError:
        return None


def twin(connection: duckdb.DuckDBPyConnection, values: list[str]) -> list[tuple[Any, ...]]:
    return connection.execute(
        "WITH cleaned AS MATERIALIZED (SELECT present(x) AS x FROM "
        "(SELECT trimmed(x) AS x FROM (SELECT unnest($cells::VARCHAR[]) AS x))) "
        "SELECT x, as_number(x), as_boolean(x), as_minutes(x), as_seconds(x) FROM cleaned",
        {"cells": values},
    ).fetchall()


@given(st.lists(cells, min_size=1, max_size=60))
@settings(max_examples=60, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate])
def test_every_cell_reads_the_same(connection: duckdb.DuckDBPyConnection, values: list[str]) -> None:
    values = [cell.replace("\0", "") for cell in values]  # a text file with NUL is refused; the engine ends texts there
    for cell, (text, number, boolean, minutes, seconds) in zip(values, twin(connection, values), strict=True):
        assert text == grammar.read_text(cell, MISSING), ascii(cell)
        wanted = read(grammar.read_number, cell)
        assert (number, str(number)) == (wanted, str(wanted)), ascii(cell)
        assert boolean == read(grammar.read_boolean, cell), ascii(cell)
        moment = read(grammar.read_date, cell)
        if moment is None:
            assert minutes is None, ascii(cell)
        else:
            span = moment - EPOCH
            assert minutes == span.days * 1440 + span.seconds // 60, ascii(cell)
            assert seconds == pytest.approx(span.total_seconds(), abs=2e-3), ascii(cell)


def test_whitespace_is_what_python_trims() -> None:
    assert set(WHITESPACE) == {chr(point) for point in range(sys.maxunicode + 1) if chr(point).isspace()}


def test_every_assigned_character_composes_and_trims_the_same(connection: duckdb.DuckDBPyConnection) -> None:
    points = [chr(point) for point in range(1, 0x30000) if not 0xD800 <= point < 0xE000]
    cells_ = [f"{point}a{point}\u0301" for point in points]
    for cell, row in zip(cells_, twin(connection, cells_), strict=True):
        assert row[0] == grammar.read_text(cell, MISSING), ascii(cell)
