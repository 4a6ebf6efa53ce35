from __future__ import annotations

import json
import struct
from typing import Any

import orjson
import pytest

from inference.protocols import oip
from inference.protocols.exchange import Answer, Explanation, Query
from inference.protocols.tensors import encode, label_datatype
from modelloop.errors import InvalidValueError, MalformedBodyError, ModelloopError, TooLargeError
from modelloop.tables.encoding import Column

COLUMNS = [Column("age", "number"), Column("city", "text", ("x",))]
NUMERIC = [Column("a", "number"), Column("b", "number")]
AGE = {"name": "age", "shape": [2], "datatype": "FP64", "data": [1.5, None]}
CITY = {"name": "city", "shape": [2, 1], "datatype": "BYTES", "data": [["x"], ["y"]]}


def parse(document: Any, columns: list[Column] = COLUMNS, tail: bytes = b"", **headers: str) -> Query:
    head = json.dumps(document).encode()
    found = {oip.HEADER_LENGTH: str(len(head))} if tail else {}
    return oip.parse(head + tail, found | headers, columns)


def binary(name: str, datatype: str, shape: list[int], raw: bytes) -> tuple[dict[str, Any], bytes]:
    parameters = {"binary_data_size": len(raw)}
    return {"name": name, "datatype": datatype, "shape": shape, "parameters": parameters}, raw


def test_columns_come_flat_or_nested() -> None:
    query = parse({"inputs": [AGE, CITY], "id": "7"})
    assert query.rows == 2
    assert query.cells == {"age": [1.5, None], "city": ["x", "y"]}
    assert query.id == "7"


@pytest.mark.parametrize("data", [[1, 2, 3, 4], [[1, 2], [3, 4]]])
def test_one_matrix_is_all_columns_in_order(data: list[Any]) -> None:
    query = parse({"inputs": [{"name": "x", "shape": [2, 2], "datatype": "FP32", "data": data}]}, NUMERIC)
    assert query.cells == {"a": [1, 3], "b": [2, 4]}


def test_a_model_of_one_column_takes_any_name() -> None:
    tensor = {"name": "input-0", "shape": [2, 1], "datatype": "FP32", "data": [1, 2]}
    assert parse({"inputs": [tensor]}, NUMERIC[:1]).cells == {"a": [1, 2]}


@pytest.mark.parametrize(
    ("datatype", "layout", "values"),
    [
        ("FP64", "d", (1.5, -2.25)), ("FP32", "f", (1.5, -2.25)), ("FP16", "e", (1.5, -2.25)),
        ("INT8", "b", (-1, 2)), ("INT16", "h", (-1, 2)), ("INT32", "i", (-1, 2)), ("INT64", "q", (-1, 2)),
        ("UINT8", "B", (1, 255)), ("UINT16", "H", (1, 2)), ("UINT32", "I", (1, 2)), ("UINT64", "Q", (1, 2**63)),
        ("BOOL", "?", (True, False)),
    ],
)  # fmt: skip
def test_binary_tensors_of_every_datatype(datatype: str, layout: str, values: tuple[Any, ...]) -> None:
    tensor, raw = binary("age", datatype, [2], struct.pack(f"<2{layout}", *values))
    query = parse({"inputs": [tensor, CITY]}, tail=raw)
    assert tuple(query.cells["age"]) == values
    assert encode(datatype, values) == raw


def test_binary_texts_and_numbers_follow_each_other() -> None:
    one, ages = binary("age", "FP64", [2], struct.pack("<2d", 1, 2))
    two, cities = binary("city", "BYTES", [2], encode("BYTES", ["é", ""]))
    query = parse({"inputs": [one, two]}, tail=ages + cities)
    assert tuple(query.cells["age"]) == (1.0, 2.0)
    assert query.cells["city"] == ["é", ""]


def test_json_and_binary_inputs_mix() -> None:
    two, cities = binary("city", "BYTES", [2], encode("BYTES", ["x", "y"]))
    assert parse({"inputs": [AGE, two]}, tail=cities).cells == {"age": [1.5, None], "city": ["x", "y"]}


@pytest.mark.parametrize(
    ("tensor", "tail"),
    [
        (binary("age", "FP64", [2], b"\0" * 15)[0], b"\0" * 15),
        (binary("age", "FP64", [2], b"\0" * 16)[0], b"\0" * 17),
        (binary("age", "FP64", [2], b"\0" * 16)[0], b"\0" * 8),
        (binary("age", "BYTES", [1], b"\xff\xff\xff\xff")[0], b"\xff\xff\xff\xff"),
        (binary("age", "BYTES", [1], b"\1\0\0\0\xff")[0], b"\1\0\0\0\xff"),
        (binary("age", "BYTES", [2], b"\1\0\0\0a")[0], b"\1\0\0\0a"),
        (binary("age", "BYTES", [1], b"\1\0\0\0ab")[0], b"\1\0\0\0ab"),
        (AGE | {"shape": [2], "parameters": {"binary_data_size": -1}}, b"x"),
        (AGE | {"shape": [2], "parameters": {"binary_data_size": "8"}}, b"x"),
        (AGE | {"parameters": []}, b"x"),
    ],
)
def test_wrong_binary_lengths_are_malformed(tensor: dict[str, Any], tail: bytes) -> None:
    with pytest.raises(MalformedBodyError):
        parse({"inputs": [tensor]}, NUMERIC[:1], tail)


@pytest.mark.parametrize("length", ["-1", "1e3", "99999999999", "x", "²", ""])
def test_a_wrong_header_length_is_malformed(length: str) -> None:
    with pytest.raises(MalformedBodyError):
        oip.parse(b"{}", {oip.HEADER_LENGTH: length}, COLUMNS)


@pytest.mark.parametrize(
    ("document", "error"),
    [
        ({}, MalformedBodyError),
        ({"inputs": {}}, MalformedBodyError),
        ({"inputs": [1]}, MalformedBodyError),
        ({"inputs": [{"shape": [1]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"datatype": "FLOAT"}]}, MalformedBodyError),
        ({"inputs": [AGE | {"datatype": ["FP64"]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": []}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [2.0]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [-2]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [True]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [10**9] * 8}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [3]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"data": "12"}]}, MalformedBodyError),
        ({"inputs": [AGE | {"data": [[1], 2]}]}, MalformedBodyError),
        ({"inputs": [AGE, AGE]}, MalformedBodyError),
        ({"inputs": [AGE, CITY | {"shape": [1], "data": ["x"]}]}, MalformedBodyError),
        ({"inputs": [AGE | {"shape": [0], "data": []}]}, InvalidValueError),
        ({"inputs": [AGE | {"shape": [10_001], "data": []}]}, TooLargeError),
        ({"inputs": [AGE | {"shape": [1, 3], "data": [1, 2, 3]}]}, InvalidValueError),
        ({"inputs": [AGE, CITY], "outputs": {}}, MalformedBodyError),
        ({"inputs": [AGE, CITY], "outputs": [{"name": "nothing"}]}, InvalidValueError),
        ({"inputs": [AGE, CITY], "outputs": [{"name": []}]}, InvalidValueError),
        ({"inputs": [AGE, CITY], "parameters": []}, MalformedBodyError),
        ({"inputs": [AGE, CITY], "parameters": {"explain": 1}}, MalformedBodyError),
        ({"inputs": [AGE, CITY], "parameters": {"explain": "SHAP"}}, MalformedBodyError),
        ({"inputs": [AGE, CITY], "parameters": {"interval": True}}, MalformedBodyError),
        ({"inputs": [AGE, CITY], "id": 3}, MalformedBodyError),
    ],
)
def test_what_is_no_request(document: Any, error: type[ModelloopError]) -> None:
    with pytest.raises(error):
        parse(document)


def answer(**changes: Any) -> Answer:
    facts: dict[str, Any] = {"model": "m", "version": 3, "prediction_id": "p", "predict": ["x", "y"]}
    return Answer(**facts | {"proba": [[0.25, 0.75], [1.0, 0.0]], "classes": ["x", "y"]} | changes)


def test_answers_in_json() -> None:
    reply = oip.render(answer(), Query(2, {}))
    document = orjson.loads(reply.body)
    assert document["id"] == "p"
    assert document["parameters"] == {"prediction_id": "p"}
    assert document["model_version"] == "3"
    assert [output["name"] for output in document["outputs"]] == ["predict", "predict_proba"]
    assert reply.headers == {"Content-Type": "application/json"}


def test_answers_in_binary() -> None:
    query = parse({"inputs": [AGE, CITY], "parameters": {"binary_data_output": True}})
    reply = oip.render(answer(), query)
    at = int(reply.headers["Inference-Header-Content-Length"])
    first, second = orjson.loads(reply.body[:at])["outputs"]
    assert "data" not in first
    sizes = [first["parameters"]["binary_data_size"], second["parameters"]["binary_data_size"]]
    tail = reply.body[at:]
    assert len(tail) == sum(sizes)
    assert tail[: sizes[0]] == b"\1\0\0\0x\1\0\0\0y"
    assert struct.unpack("<4d", tail[sizes[0] :]) == (0.25, 0.75, 1.0, 0.0)
    assert second["parameters"]["classes"] == ["x", "y"]


def test_outputs_are_binary_one_by_one() -> None:
    outputs = [{"name": "predict", "parameters": {"binary_data": False}}, {"name": "predict_proba"}]
    query = parse({"inputs": [AGE, CITY], "outputs": outputs, "parameters": {"binary_data_output": True}})
    assert query.binary == {"predict_proba"}
    reply = oip.render(answer(), query)
    at = int(reply.headers["Inference-Header-Content-Length"])
    first, second = orjson.loads(reply.body[:at])["outputs"]
    assert first["data"] == ["x", "y"]
    assert "data" not in second


def test_contributions_and_intervals_are_tensors() -> None:
    explanations = [Explanation(0.5, {"age": 1.0, "city": -1.0}, "logit", "x")] * 2
    found = orjson.loads(oip.render(answer(explanations=explanations), Query(2, {}, "c")).body)
    outputs = {output["name"]: output for output in found["outputs"]}
    assert found["id"] == "c"
    assert outputs["contributions"]["shape"] == [2, 2]
    assert outputs["contributions"]["parameters"] == {"columns": ["age", "city"], "link": "logit"}
    assert outputs["contributions_base"]["data"] == [0.5, 0.5]
    assert outputs["contributions_class"]["data"] == ["x", "x"]
    fair = [Explanation(0.5, {"age": 1.0, "city": -1.0}, "logit", "x", "tree_path_dependent")] * 2
    outputs = {o["name"]: o for o in orjson.loads(oip.render(answer(explanations=fair), Query(2, {})).body)["outputs"]}
    assert outputs["contributions"]["parameters"]["method"] == "tree_path_dependent"
    regression = answer(predict=[1.0], proba=None, classes=None, intervals=[(0.5, 1.5)], level=0.9)
    outputs = {o["name"]: o for o in orjson.loads(oip.render(regression, Query(1, {})).body)["outputs"]}
    assert outputs["predict"]["datatype"] == "FP64"
    assert (outputs["predict_lower"]["data"], outputs["predict_upper"]["data"]) == ([0.5], [1.5])
    assert outputs["predict_upper"]["parameters"] == {"level": 0.9}


@pytest.mark.parametrize(
    ("labels", "datatype"),
    [
        (None, "FP64"),
        ([1, 2], "INT64"),
        ([True, False], "BOOL"),
        (["a", "b"], "BYTES"),
        ([1.5, 2], "FP64"),
        ([1, "a"], "BYTES"),
    ],
)
def test_labels_keep_their_type(labels: list[Any] | None, datatype: str) -> None:
    assert label_datatype(labels) == datatype


TWO = {"inputs": [AGE, CITY]}


@pytest.mark.parametrize(
    "document",
    [
        TWO | {"explain": True},
        TWO | {"interval": 0.9},
        TWO | {"params": {"explain": True}},
        TWO | {"outputs": [{"name": "predict", "parameters": {"explain": True}}]},
    ],
)
def test_an_option_at_the_wrong_place_is_told_the_right_one(document: Any) -> None:
    with pytest.raises(MalformedBodyError, match="is out of place: it belongs into parameters") as caught:
        parse(document)
    assert caught.value.field in {"explain", "interval"}


@pytest.mark.parametrize("document", [TWO | {"params": {"note": 1}}, TWO | {"params": 1, "note": 1}])
def test_other_fields_are_taken(document: Any) -> None:
    assert parse(document).rows == 2


def test_nan_is_missing() -> None:
    body = b'{"inputs":[{"name":"age","shape":[2],"datatype":"FP64","data":[1.5,NaN]}]}'
    assert oip.parse(body, {}, NUMERIC).cells == {"age": [1.5, None]}


def test_unseen_categories_are_told() -> None:
    document = orjson.loads(oip.render(answer(unseen={"city": 2}), Query(2, {})).body)
    assert document["parameters"] == {"prediction_id": "p", "unseen": {"city": 2}}
