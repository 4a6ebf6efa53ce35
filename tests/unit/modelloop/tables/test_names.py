from __future__ import annotations

import pytest

from modelloop.errors import InvalidValueError
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.names import clean_name, other_spellings

DECOMPOSED = "gro\u0308ße"
COMPOSED = "größe"
ENCODING = Encoding([Column(COMPOSED, "number"), Column("x", "number", required=False), Column("X", "number")])


@pytest.mark.parametrize(
    ("name", "clean"), [("x", "x"), ("  x\t", "x"), (DECOMPOSED, COMPOSED), ("a b", "a b"), ("", ""), (" ", "")]
)
def test_names_are_trimmed_and_composed(name: str, clean: str) -> None:
    assert clean_name(name) == clean


def test_only_names_that_are_known_in_another_spelling_are_respelled() -> None:
    sent = ["x", " X ", DECOMPOSED, "y", "", "é" * 500]
    assert other_spellings(sent, ("x", "X", COMPOSED)) == {" X ": "X", DECOMPOSED: COMPOSED}


def test_a_sent_name_keeps_its_place_before_another_spelling_of_it() -> None:
    assert other_spellings(["x", " x"], ("x",)) == {}
    with pytest.raises(InvalidValueError, match="'x' is there twice, in two spellings"):
        other_spellings([" x", "x "], ("x",))


def test_marks_without_end_are_not_normalised() -> None:
    assert other_spellings(["x" + "\u0301" * 200_000], ("x",)) == {}


def test_an_encoding_that_was_stored_with_another_spelling_is_met_by_the_clean_one() -> None:
    encoding = Encoding([Column(DECOMPOSED, "number")])
    assert encoding.read(1, {COMPOSED: [1]}).vectors == [[1.0]]


def test_cells_are_found_under_every_spelling_and_typed_under_the_models() -> None:
    table = ENCODING.read(1, {DECOMPOSED: [1], "x ": [2], " X": [3], "id": [4]})
    assert table.vectors == [[1.0, 2.0, 3.0]]
    assert table.values == {COMPOSED: [1.0], "x": [2.0], "X": [3.0]}
