from __future__ import annotations

from datetime import UTC, datetime

import pytest

from modelloop.errors import InvalidValueError
from modelloop.tables.grammar import MISSING_TOKENS, clean, read_boolean, read_date, read_number, read_text

MISSING = frozenset(MISSING_TOKENS)


@pytest.mark.parametrize(
    ("raw", "number"),
    [
        ("0", 0.0), ("-0", -0.0), ("12.50", 12.5), (" 7 ", 7.0), ("1e3", 1000.0), ("-1.5E-2", -0.015), (3, 3.0),
        (2.5, 2.5), ("", None), ("NA", None), ("null", None), (None, None), (float("nan"), None), ("NaN", None),
        ("1e-400", 0.0),
    ],
)  # fmt: skip
def test_numbers(raw: object, number: float | None) -> None:
    assert read_number(raw, MISSING) == number


@pytest.mark.parametrize(
    "raw",
    [
        "01", "+1", "1,5", "1_000", ".5", "5.", "0x10", "1e", "inf", "Infinity", "1e400", "-1e400", "१", "1 2", True,
        False, [], {}, float("inf"), "1" * 401, 10**400, "twelve", "--1",
    ],
)  # fmt: skip
def test_what_is_no_number(raw: object) -> None:
    with pytest.raises(InvalidValueError):
        read_number(raw, MISSING)


@pytest.mark.parametrize(
    ("raw", "value"), [("true", True), ("FALSE", False), (" True ", True), (True, True), ("", None), (None, None)]
)
def test_booleans(raw: object, value: bool | None) -> None:
    assert read_boolean(raw, MISSING) is value


@pytest.mark.parametrize("raw", ["yes", "1", 1, 0.0, [], "t"])
def test_what_is_no_boolean(raw: object) -> None:
    with pytest.raises(InvalidValueError):
        read_boolean(raw, MISSING)


@pytest.mark.parametrize(
    ("raw", "moment"),
    [
        ("2026-01-31", datetime(2026, 1, 31, tzinfo=UTC)),
        ("2026-01-31T10:20:30Z", datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)),
        ("2026-01-31 10:20:30.25+00", datetime(2026, 1, 31, 10, 20, 30, 250_000, tzinfo=UTC)),  # Postgres
        ("2026-01-31 10:20:30 UTC", datetime(2026, 1, 31, 10, 20, 30, tzinfo=UTC)),  # BigQuery
        ("2026-01-31 00:20:00 +0200", datetime(2026, 1, 30, 22, 20, tzinfo=UTC)),  # Snowflake
        ("2026-01-31 00:20+02:00", datetime(2026, 1, 30, 22, 20, tzinfo=UTC)),
        ("2024-02-29", datetime(2024, 2, 29, tzinfo=UTC)),
        ("NA", None),
        (None, None),
    ],
)
def test_dates(raw: object, moment: datetime | None) -> None:
    assert read_date(raw, MISSING) == moment


@pytest.mark.parametrize(
    "raw",
    ["2026-02-30", "2023-02-29", "31.01.2026", "2026-1-1", "20260131", 20260131, True, "0001-01-01T00:00+23:00",
     "9999-12-31T23:59-23:00", "2026-01-31T25:00", "2026-W05-1"],
)  # fmt: skip
def test_what_is_no_date(raw: object) -> None:
    with pytest.raises(InvalidValueError):
        read_date(raw, MISSING)


@pytest.mark.parametrize(
    ("raw", "text"),
    [("a", "a"), (" a ", "a"), ("e\u0301", "\u00e9"), (3, "3"), (3.0, "3"), (2.5, "2.5"), (True, "true"),
     (float("nan"), None), ("N/A", None), (None, None), (10**400, "rare number"),
     (2**64 - 1, "18446744073709551615"), (2.0**63, "9223372036854775808"), (2.0**64, "1.8446744073709552e+19"),
     (-(2.0**63), "-9223372036854775808"), (-1e19, "-1e+19")],
)  # fmt: skip
def test_texts(raw: object, text: str | None) -> None:
    assert read_text(raw, MISSING) == text


@pytest.mark.parametrize("raw", [[], {}, [1]])
def test_what_is_no_text(raw: object) -> None:
    with pytest.raises(InvalidValueError):
        read_text(raw, MISSING)


def test_other_missing_tokens_replace_the_usual_ones() -> None:
    assert clean(" ? ", frozenset({"?", ""})) is None
    assert clean("NA", frozenset({"?", ""})) == "NA"


def test_errors_show_no_more_than_enough() -> None:
    with pytest.raises(InvalidValueError) as caught:
        read_number("x" * 10_000, MISSING)
    assert len(caught.value.message) < 100
