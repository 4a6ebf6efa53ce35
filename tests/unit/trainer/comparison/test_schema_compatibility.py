from __future__ import annotations

import numpy as np

from modelloop.tables.encoding import Column, Encoding
from trainer.comparison.schema_compatibility import in_encoding, schema_changes

OLD = Encoding(
    [
        Column("a", "number"),
        Column("when", "date", origin="2020-01-01"),
        Column("kind", "text", ("red", "green")),
        Column("gone", "number"),
    ]
)
NEW = Encoding(
    [
        Column("kind", "text", ("blue", "red")),
        Column("a", "number"),
        Column("when", "date", origin="2020-01-11", with_time=True),
        Column("fresh", "boolean"),
    ]
)
ROWS: dict[str, list[object]] = {
    "a": [1.5, None, 3.0],
    "when": ["2020-01-12", "2021-05-06", None],
    "kind": ["red", "green", None],
    "gone": [1, 2, 3],
}


def vectors(encoding: Encoding, rows: dict[str, list[object]]) -> np.ndarray:
    whole = {column.name: rows.get(column.name, [None] * 3) for column in encoding.columns}
    return np.array(encoding.read(3, whole).vectors, np.float32)


def test_rows_read_by_one_encoding_become_rows_of_the_other() -> None:
    found = in_encoding(vectors(OLD, ROWS), OLD, NEW)
    wanted = vectors(NEW, ROWS)
    wanted[:, 5] = np.nan  # the hour: the old encoding did not keep it
    np.testing.assert_array_equal(found, wanted)


def test_a_column_of_a_kind_that_says_nothing_of_the_other_is_missing() -> None:
    for other in (
        Column("a", "date", origin="2020-01-01"),
        Column("a", "text", ("1.5", "red")),
        Column("kind", "number"),
    ):
        assert np.isnan(in_encoding(vectors(OLD, ROWS), OLD, Encoding([other]))).all()


TEXTS = Encoding([
    Column("a", "text", ("3", "1.5", "#N/A")), Column("when", "text", ("2020-01-12", "2021-05-06T10:00:00Z")),
    Column("gone", "text", ("TRUE", "False")),
], missing=[""])  # fmt: skip
READ = Encoding([
    Column("a", "number"), Column("when", "date", origin="2020-01-11", with_time=True), Column("gone", "boolean"),
])  # fmt: skip
CELLS: dict[str, list[object]] = {
    "a": ["1.5", "#N/A", "3"], "when": ["2020-01-12", "2021-05-06T10:00:00Z", None], "gone": ["TRUE", "False", None]
}  # fmt: skip


def test_texts_that_all_read_as_another_kind_go_over_by_category() -> None:
    np.testing.assert_array_equal(in_encoding(vectors(TEXTS, CELLS), TEXTS, READ), vectors(READ, CELLS))
    back = in_encoding(vectors(READ, CELLS), READ, TEXTS)
    wanted = vectors(TEXTS, CELLS)
    wanted[1, 0] = np.nan  # what was a text is missing since
    np.testing.assert_array_equal(back, wanted)
    rare = in_encoding(np.array([[3, 2, 2]], np.float32), TEXTS, READ)
    assert np.isnan(rare).all()


def test_callers_can_stay_where_every_text_that_they_sent_is_still_read() -> None:
    assert schema_changes(TEXTS, READ) == ([], [])
    assert schema_changes(READ, TEXTS) == ([], ["a", "when", "gone"])
    odd = Encoding([Column("a", "text", ("3", "none"))])
    assert schema_changes(odd, Encoding([Column("a", "number", required=False)])) == ([], ["a"])


def test_equal_encodings_change_nothing() -> None:
    matrix = vectors(OLD, ROWS)
    assert in_encoding(matrix, OLD, Encoding(OLD.columns)) is matrix
