from __future__ import annotations

import csv
import json
from typing import Any

import orjson
import pytest

from inference.protocols import csvtable, mlflow
from inference.protocols.exchange import MAX_ROWS, Answer, Query
from modelloop.errors import InvalidValueError, MalformedBodyError, ModelloopError, TooLargeError
from modelloop.tables.encoding import Column

GOOD: dict[str, Any] = {"instances": [[1, "x"]]}
COLUMNS = [Column("age", "number"), Column("city", "text", ("x",), required=False)]


def parse(document: Any, columns: list[Column] = COLUMNS) -> Query:
    return mlflow.parse(json.dumps(document).encode(), columns)


@pytest.mark.parametrize(
    "document",
    [
        {"dataframe_split": {"index": [0, 1], "columns": ["city", "age"], "data": [["x", 1], [None, 2]]}},
        {"dataframe_records": [{"age": 1, "city": "x"}, {"age": 2}]},
        {"instances": [{"age": 1, "city": "x"}, {"age": 2, "city": None}]},
        {"instances": [[1, "x"], [2, None]]},
        {"inputs": {"age": [1, 2], "city": ["x", None]}},
        {"inputs": [[1, "x"], [2, None]]},
    ],
)
def test_every_form_gives_the_same_columns(document: Any) -> None:
    query = parse(document)
    assert query.rows == 2
    assert list(query.cells["age"]) == [1, 2]
    assert list(query.cells["city"]) == ["x", None]


def test_a_model_of_one_column_takes_scalars() -> None:
    assert parse({"instances": [1, 2]}, COLUMNS[:1]).cells == {"age": [1, 2]}


@pytest.mark.parametrize(
    ("document", "error", "field", "row"),
    [
        ({}, MalformedBodyError, None, None),
        ({"instances": [[1, "x"]], "inputs": [[1, "x"]]}, MalformedBodyError, None, None),
        ({"instances": 3}, MalformedBodyError, "instances", None),
        ({"instances": [[1, "x"], [1]]}, MalformedBodyError, "instances", 1),
        ({"instances": [{"age": 1}, 2]}, MalformedBodyError, "instances", 1),
        ({"instances": []}, InvalidValueError, None, None),
        ({"dataframe_records": {}}, MalformedBodyError, "dataframe_records", None),
        ({"dataframe_records": [{"age": 1}, {"city": "x"}]}, InvalidValueError, "age", 1),
        ({"dataframe_split": []}, MalformedBodyError, "dataframe_split", None),
        ({"dataframe_split": {"columns": [1], "data": []}}, MalformedBodyError, "dataframe_split.columns", None),
        ({"dataframe_split": {"columns": ["a", "a"], "data": []}}, MalformedBodyError, "dataframe_split.columns", None),
        ({"dataframe_split": {"columns": ["a"], "data": {}}}, MalformedBodyError, "dataframe_split.data", None),
        ({"dataframe_split": {"columns": ["a"], "data": [[1, 2]]}}, MalformedBodyError, "dataframe_split.data", 0),
        ({"inputs": {"age": 1}}, MalformedBodyError, "age", None),
        ({"inputs": {"age": [1], "city": []}}, MalformedBodyError, "city", None),
        ({"inputs": {}}, InvalidValueError, None, None),
        ({"inputs": {"age": [1] * (MAX_ROWS + 1)}}, TooLargeError, None, None),
        ({"instances": [[1, "x"]], "params": 3}, MalformedBodyError, "params", None),
        (GOOD | {"params": {"explain": "shapley"}}, MalformedBodyError, "params.explain", None),
        (GOOD | {"params": {"predict_method": "transform"}}, InvalidValueError, "params.predict_method", None),
        (GOOD | {"params": {"predict_method": []}}, InvalidValueError, "params.predict_method", None),
    ],
)  # fmt: skip
def test_what_is_no_request(document: Any, error: type[ModelloopError], field: str | None, row: int | None) -> None:
    with pytest.raises(error) as caught:
        parse(document)
    assert (caught.value.field, caught.value.row) == (field, row)


def test_answers_hold_predictions_and_what_was_asked() -> None:
    answer = Answer("m", 3, "p", ["x"], [[0.5, 0.5]], ["x", "y"])
    plain = orjson.loads(mlflow.render(answer, Query(1, {}, outputs=("predict",))).body)
    assert plain == {"predictions": ["x"], "prediction_id": "p", "classes": ["x", "y"]}
    proba = orjson.loads(mlflow.render(answer, Query(1, {}, outputs=("predict_proba",))).body)
    assert proba["predictions"] == [[0.5, 0.5]]


def test_csv_has_a_header_and_rows() -> None:
    query = csvtable.parse('\ufeffage,city\r\n1,"a ""b"", c"\r\n\r\n2,\r\n'.encode())
    assert query.rows == 2
    assert query.cells == {"age": ("1", "2"), "city": ('a "b", c', "")}


def test_the_longest_cell_is_the_same_whoever_reads_csv_beside_it() -> None:
    before = csv.field_size_limit(1 << 20)
    try:
        with pytest.raises(MalformedBodyError, match="field larger than field limit"):
            csvtable.parse(b"a\n" + b"x" * (csvtable.MAX_CELL + 1))
        csv.field_size_limit(10)
        assert csvtable.parse(b"a\n" + b"x" * csvtable.MAX_CELL).rows == 1
    finally:
        csv.field_size_limit(before)


@pytest.mark.parametrize(
    ("body", "error", "row"),
    [
        (b"", MalformedBodyError, None),
        (b"\xff\xfe", MalformedBodyError, None),
        (b"a,b\n", InvalidValueError, None),
        (b"a,a\n1,2\n", MalformedBodyError, None),
        (b"a,b\n1,2\n3\n", MalformedBodyError, 1),
        (b"a\n" + b"1\n" * (MAX_ROWS + 1), TooLargeError, None),
        (b"a\n" + b'"' + b"x" * 200_000 + b'"', MalformedBodyError, None),
    ],
)
def test_what_is_no_csv(body: bytes, error: type[ModelloopError], row: int | None) -> None:
    with pytest.raises(error) as caught:
        csvtable.parse(body)
    assert caught.value.row == row


@pytest.mark.parametrize(
    ("document", "said"),
    [
        (GOOD | {"explain": True}, "explain is out of place: it belongs into params"),
        (GOOD | {"interval": None}, "interval is out of place: it belongs into params"),
        (GOOD | {"predict_method": "predict_proba"}, "predict_method is out of place"),
        (GOOD | {"parameters": {"explain": True}}, "it belongs into params, as parameters is called here"),
        ({"dataframe_split": {"columns": ["age"], "data": [[1]], "explain": True}}, "params, beside dataframe_split"),
    ],
)
def test_an_option_at_the_wrong_place_is_told_the_right_one(document: Any, said: str) -> None:
    with pytest.raises(MalformedBodyError, match=said) as caught:
        parse(document)
    assert caught.value.field in {"explain", "interval", "predict_method"}


@pytest.mark.parametrize(
    "document",
    [
        GOOD | {"note": 1, "parameters": {"note": 1}},
        GOOD | {"parameters": "x"},
        {"inputs": {"age": [1], "explain": [True]}},
        {"dataframe_records": [{"age": 1, "explain": True}]},
        {"dataframe_split": {"columns": ["age", "interval"], "data": [[1, 2]]}},
    ],
)
def test_other_fields_and_columns_called_like_options_are_taken(document: Any) -> None:
    assert parse(document).rows == 1


def test_records_without_required_columns_name_all_of_them_and_what_was_sent() -> None:
    columns = [Column("age", "number"), Column("city", "text", ("x",)), Column("sex", "text", required=False)]
    with pytest.raises(
        InvalidValueError, match=r"columns 'age', 'city' are missing; .*'Age' .did you mean 'age'"
    ) as all_rows:
        parse({"dataframe_records": [{"Age": 1}, {"Age": 2}]}, columns)
    assert all_rows.value.row is None
    with pytest.raises(InvalidValueError, match=r"column 'city' is missing; .*'cty' .did you mean 'city'") as one_row:
        parse({"dataframe_records": [{"age": 1, "city": "x"}, {"age": 2, "cty": "y"}]}, columns)
    assert one_row.value.row == 1


def test_rows_that_leave_columns_out_count_as_all_their_values() -> None:
    """A body of 30 kB must not become ten million cells."""
    columns = [Column(f"c{place}", "number", required=False) for place in range(1_000)]
    whole = {column.name: 1 for column in columns}
    with pytest.raises(TooLargeError, match="10000 rows of 1000 columns"):
        parse({"dataframe_records": [whole, *({} for _ in range(MAX_ROWS - 1))]}, columns)


def test_unseen_categories_are_told() -> None:
    answer = Answer("m", 3, "p", ["x"], unseen={"city": 1})
    assert orjson.loads(mlflow.render(answer, Query(1, {})).body)["parameters"] == {"unseen": {"city": 1}}


def test_columns_without_a_name_are_none_of_the_models() -> None:
    assert csvtable.parse(b",age,city,,\n0,1,x,,\n").cells["age"] == ("1",)
    split = {"dataframe_split": {"columns": ["", "age", " ", ""], "data": [[0, 1, 2, 3]]}}
    assert parse(split).cells["age"] == (1,)


def test_records_are_read_under_every_spelling_of_a_name() -> None:
    columns = [Column("größe", "number"), Column("age", "number")]
    sent = [{"gro\u0308ße": 1, "age": 2}, {"größe": 3, " age ": 4, "more": 5}]
    assert parse({"dataframe_records": sent}, columns).cells == {"größe": [1, 3], "age": [2, 4]}
    with pytest.raises(InvalidValueError, match="two spellings"):
        parse({"dataframe_records": [{"age ": 1, " age": 2, "größe": 1}]}, columns)
