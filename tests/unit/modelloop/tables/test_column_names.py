"""A request whose columns are not the model's is told all that are missing and what the unknown ones may have meant."""

from __future__ import annotations

import difflib
import random
from typing import Any

import pytest

from modelloop.errors import MissingColumnsError
from modelloop.tables import column_names
from modelloop.tables.column_names import MAX_NAME, MAX_UNKNOWN, missing_columns
from modelloop.tables.encoding import Column, Encoding

COLUMNS = [
    Column("body_mass_g", "number"), Column("island", "text"), Column("sex", "text", required=False),
    Column("bill length (mm)", "number"),
]  # fmt: skip


def test_one_missing_column_is_named() -> None:
    refused = missing_columns(COLUMNS, ["island", "bill length (mm)"], row=3)
    assert (refused.status, refused.code, refused.field, refused.row) == (
        422, "INVALID_PARAMETER_VALUE", "body_mass_g", 3,
    )  # fmt: skip
    assert refused.message == "column 'body_mass_g' is missing"


def test_all_missing_columns_and_the_nearest_names_are_named() -> None:
    refused = missing_columns(COLUMNS, ["Body Mass G", "islnd", "note"])
    assert refused.message == (
        "columns 'body_mass_g', 'island', 'bill length (mm)' are missing; the model does not know "
        "'Body Mass G' (did you mean 'body_mass_g'?), 'islnd' (did you mean 'island'?), 'note'"
    )


def test_an_optional_column_is_meant_too_but_is_not_missing() -> None:
    assert missing_columns(COLUMNS, ["Sex"]).message.endswith("'Sex' (did you mean 'sex'?)")
    assert "'sex'" not in missing_columns(COLUMNS, []).message


def test_a_name_that_was_sent_is_not_offered() -> None:
    assert missing_columns(COLUMNS, ["island", "islands"]).message.endswith("does not know 'islands'")


def test_the_first_five_names_of_a_length_that_can_be_shown_are_compared() -> None:
    sent = ["x" * (MAX_NAME + 1), *(f"unknown{place}" for place in range(9))]
    message = missing_columns(COLUMNS, sent).message
    assert all(f"'unknown{place}'" in message for place in range(MAX_UNKNOWN))
    assert "'unknown5'" not in message
    assert "xxx" not in message


def test_the_whole_comparison_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    """1,000 unknown names against a model of 1,000 columns: as many full comparisons as for a small one."""
    compared: list[tuple[str, int]] = []

    def close(name: str, among: list[str], **rest: Any) -> list[str]:
        compared.append((name, len(among)))
        return difflib.get_close_matches(name, among, **rest)

    monkeypatch.setattr(column_names, "get_close_matches", close)
    chooser = random.Random(1)
    columns = [Column("".join(chooser.choices("ab", k=MAX_NAME)), "number") for _ in range(1_000)]
    missing_columns(columns, ["".join(chooser.choices("ab", k=MAX_NAME)) for _ in range(1_000)])
    assert len(compared) == MAX_UNKNOWN
    assert sum(count for _, count in compared) <= 8 * MAX_UNKNOWN


def test_encoding_refuses_with_all_of_it() -> None:
    with pytest.raises(MissingColumnsError, match=r"'body_mass_g', 'bill length \(mm\)' are missing; .*'mass'"):
        Encoding(COLUMNS).read(1, {"island": ["x"], "mass": [1]})


def test_other_columns_stay_ignored_where_nothing_is_missing() -> None:
    assert Encoding(COLUMNS[:1]).read(1, {"body_mass_g": [1], "note": ["x"]}).vectors == [[1.0]]
