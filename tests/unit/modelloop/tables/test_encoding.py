from __future__ import annotations

import math
import unicodedata
from typing import Any, Literal

import pytest

from modelloop.errors import ArtifactRefusedError, InvalidValueError
from modelloop.tables import day_of_year, grammar
from modelloop.tables.encoding import Column, Encoding, encoding_from_json

ENCODING = Encoding(
    [
        Column("mass", "number"),
        Column("adult", "boolean"),
        Column("island", "text", ("Biscoe", "Dream")),
        Column("seen", "date", origin="2026-01-01", with_time=True),
        Column("note", "text", ("x",), required=False),
    ]
)
CELLS: dict[str, list[Any]] = {
    "mass": [0.1, "", 3],
    "adult": ["TRUE", False, None],
    "island": [" Dream ", "Mars", "NA"],
    "seen": ["2026-01-02T13:30:00Z", None, "2025-12-31"],
    "colour": ["ignored", "ignored", "ignored"],
}


def same(vector: list[float], expected: list[float]) -> bool:
    return all(one == two or (math.isnan(one) and math.isnan(two)) for one, two in zip(vector, expected, strict=True))


def test_vectors_follow_the_columns() -> None:
    nan = math.nan
    table = ENCODING.read(3, CELLS)
    tenth = 0.10000000149011612
    assert same(table.vectors[0], [tenth, 1.0, 1.0, 1.0, 1.0, 4.0, 13.0, nan])
    assert same(table.vectors[1], [nan, 0.0, 2.0, nan, nan, nan, nan, nan])
    assert same(table.vectors[2], [3.0, nan, nan, -1.0, 12.0, 2.0, 0.0, nan])
    assert table.unseen == {"island": 1}
    assert len(ENCODING.slots) == 8
    assert [slot.name for slot in ENCODING.slots[3:7]] == ["seen:days", "seen:month", "seen:weekday", "seen:hour"]


def test_the_day_of_the_year_is_a_point_on_a_circle() -> None:
    encoding = Encoding([Column("seen", "date", origin="2026-01-01", day_of_year=True)])
    assert [slot.name for slot in encoding.slots][3:] == ["seen:year_sine", "seen:year_cosine"]
    assert {slot.column for slot in encoding.slots} == {"seen"}
    days = ["2023-01-01", "2024-01-01", "2023-12-25", "2024-12-25", "2024-07-02", "2023-12-31", None]
    points = [tuple(vector[3:]) for vector in encoding.read(len(days), {"seen": days}).vectors]
    assert points[0] == points[1] == (0.0, 1.0)
    assert points[2] == points[3], "a feast has one place, in leap years too"
    assert points[4] == (0.0, -1.0), "half a year later lies opposite"
    assert math.dist(points[5], points[0]) < 0.02, "the last day lies beside the first"
    assert all(math.isnan(part) for part in points[6])
    assert len({tuple(vector) for vector in zip(*day_of_year.points(), strict=True)}) == 366


def test_the_last_digit_of_the_day_of_the_year_is_no_matter_of_platforms() -> None:
    exact = (2 * math.pi * day / 366 for day in range(366))
    for angle in exact:
        for value in (math.sin(angle) * 1e6, math.cos(angle) * 1e6):
            assert abs(value - math.floor(value) - 0.5) > 1e-6, "nothing lies so near to a half that it might turn"


def test_dates_of_earlier_bundles_have_the_parts_that_they_had() -> None:
    document = Encoding([Column("seen", "date", origin="2026-01-01")]).to_json()
    assert "day_of_year" not in document["columns"][0]  # type: ignore[index,operator]
    assert encoding_from_json(document).read(1, {"seen": ["2026-03-01"]}).vectors == [[59.0, 3.0, 6.0]]


def test_values_are_typed() -> None:
    values = ENCODING.read(3, CELLS).values
    assert values["mass"] == [0.10000000149011612, None, 3.0]
    assert values["adult"] == [True, False, None]
    assert values["island"] == ["Dream", "Mars", None]
    assert values["seen"] == ["2026-01-02T13:30:00+00:00", None, "2025-12-31T00:00:00+00:00"]
    assert values["note"] == [None, None, None]


@pytest.mark.parametrize(
    ("column", "cells", "row"),
    [
        ("mass", [1.0, "heavy", 2.0], 1),
        ("mass", [1.0, 2.0, 1e39], 2),
        ("mass", [True, 2.0, 1.0], 0),
        ("mass", [1.0, math.inf, 1.0], 1),
        ("adult", [True, True, "maybe"], 2),
        ("island", [[], "a", "b"], 0),
        ("seen", ["2026-01-01", "tomorrow", None], 1),
        ("mass", [1.0], None),
    ],
)
def test_errors_name_field_and_row(column: str, cells: list[Any], row: int | None) -> None:
    with pytest.raises(InvalidValueError) as caught:
        ENCODING.read(3, CELLS | {column: cells})
    assert (caught.value.field, caught.value.row) == (column, row)


def test_a_missing_required_column_is_named() -> None:
    with pytest.raises(InvalidValueError) as caught:
        ENCODING.read(1, {"mass": [1.0]})
    assert caught.value.field == "adult"


def test_the_float32_range_ends_where_it_ends() -> None:
    encoding = Encoding([Column("x", "number")])
    largest = 3.4028234663852886e38
    assert encoding.read(2, {"x": [largest, -largest]}).vectors == [[largest], [-largest]]
    assert encoding.read(1, {"x": [3.4028235e38]}).vectors == [[largest]]
    with pytest.raises(InvalidValueError):
        encoding.read(1, {"x": [3.4028236e38]})


def test_the_document_round_trips() -> None:
    dated = Column("born", "date", origin="2026-01-01", day_of_year=True)
    again = encoding_from_json(Encoding([*ENCODING.columns, dated]).to_json())
    assert again.columns == (*ENCODING.columns, dated)
    assert again.missing == ENCODING.missing


@pytest.mark.parametrize(
    "document",
    [
        {"format_version": 2},
        {"format_version": 1},
        {"format_version": 1, "columns": [{"name": "x"}], "missing": []},
        {"format_version": 1, "columns": [{"name": "x", "kind": "blob", "categories": []}], "missing": []},
        {"format_version": 1, "columns": [{"name": "x", "kind": "number", "categories": [], "more": 1}], "missing": []},
    ],
)
def test_other_documents_are_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ArtifactRefusedError):
        encoding_from_json(document)


def test_a_model_without_columns_gives_empty_vectors() -> None:
    assert Encoding([]).read(2, {}).vectors == [[], []]


def test_text_is_bounded_before_it_is_normalised(monkeypatch: pytest.MonkeyPatch) -> None:
    normalised: list[str] = []

    def counted(form: Literal["NFC"], text: str) -> str:
        normalised.append(text)
        return unicodedata.normalize(form, text)

    monkeypatch.setattr(grammar, "normalize", counted)
    reader = Encoding([Column("city", "text", ("Köln", "Rome")), Column("n", "number", required=False)])
    long_run, long_text = "a" + "\u0300\u0316" * 60_000, "é" * 100_000
    table = reader.read(4, {"city": ["Ko\u0308ln", long_run, long_text, "  Rome"]})
    assert [row[0] for row in table.vectors] == [0, 2, 2, 1]
    assert table.unseen == {"city": 2}
    assert normalised == ["Ko\u0308ln"], "what is longer than any known text, or marked too often, is not normalised"
    assert table.values["city"] == ["Köln", long_run, long_text, "Rome"], "nothing is cut"
    with pytest.raises(InvalidValueError, match="expected a number"):
        reader.read(1, {"city": ["Rome"], "n": [long_run]})
    assert long_run not in normalised
