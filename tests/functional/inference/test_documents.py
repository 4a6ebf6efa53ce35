"""What is answered is what the OpenAPI document says, and what it offers is taken."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest
from jsonschema import Draft202012Validator  # type: ignore[import-untyped]

from inference.openapi.documents import api_document

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.data_plane import Plane, Store

P: dict[str, Any] = {"model": "penguins"}
V: dict[str, Any] = P | {"version": "3"}
ROWS = [{"mass": 1.0, "island": "Dream"}, {"mass": None, "island": "Mars"}]
INPUTS = [
    {"name": "mass", "shape": [2], "datatype": "FP64", "data": [1.0, None]},
    {"name": "island", "shape": [2], "datatype": "BYTES", "data": ["Dream", "Mars"]},
]
EXPLAINED = {"instances": [[1.0, "Dream"]], "params": {"explain": True, "predict_method": "predict_proba"}}
CALLS: list[tuple[str, Any, dict[str, Any]]] = [
    ("GET /ping", None, {}),
    ("GET /v2", None, {}),
    ("GET /v2/health/ready", None, {}),
    ("GET /v2/models", None, {}),
    ("GET /v2/models/{model}", None, P),
    ("GET /v2/models/{model}/ready", None, P),
    ("GET /v2/models/{model}/versions/{version}", None, V),
    ("GET /v2/models/{model}/versions/{version}/ready", None, V),
    ("POST /v2/repository/index", {"ready": True}, {}),
    ("POST /v2/models/{model}/infer", {"inputs": INPUTS, "parameters": {"explain": True}}, P),
    ("POST /v2/models/{model}/versions/{version}/infer", {"inputs": INPUTS, "id": "x"}, V),
    ("POST /models/{model}/invocations", {"dataframe_records": ROWS}, P),
    ("POST /models/{model}/invocations", EXPLAINED, P),
    ("POST /models/{model}/feedback", {"feedback": [{"id": "0190c000-0000-7000-8000-000000000001", "label": "x"}]}, P),
    ("POST /models/{model}/invocations", {"dataframe_records": []}, P),
    ("POST /models/{model}/invocations", {"instances": [["heavy", "Dream"]]}, P),
    ("POST /v2/models/{model}/infer", {"inputs": INPUTS}, {"model": "walruses"}),
]


def check(document: dict[str, Any], reference: str, instance: Any) -> None:
    Draft202012Validator({"$ref": reference, "components": document["components"]}).validate(instance)


def media(content: dict[str, Any]) -> str:
    reference: str = content["content"]["application/json"]["schema"]["$ref"]
    return reference


@pytest.mark.parametrize(("route", "body", "parameters"), CALLS)
def test_answers_match_the_document(
    store: Store, plane: Plane, route: str, body: Any, parameters: dict[str, Any]
) -> None:
    store.pointer(store.version(3))
    method, _, path = route.partition(" ")
    document: dict[str, Any] = api_document("1")
    operation = document["paths"][path][method.lower()]
    status, answer = plane.json(route, body, **parameters)
    assert str(status) in operation["responses"]
    check(document, media(operation["responses"][str(status)]), answer)
    if body is not None and status < 300:
        check(document, media(operation["requestBody"]), body)


@pytest.mark.parametrize(
    "make",
    [
        lambda row: {"dataframe_records": [row]},
        lambda row: {"instances": [row]},
        lambda row: {"instances": [list(row.values())]},
        lambda row: {"inputs": {name: [cell] for name, cell in row.items()}},
        lambda row: {"dataframe_split": {"columns": list(row), "data": [list(row.values())]}},
    ],
)
def test_a_model_takes_what_its_document_offers(store: Store, plane: Plane, make: Callable[..., Any]) -> None:
    store.pointer(store.version(3))
    document = plane.json("GET /v2/models/{model}/openapi.json", **P)[1]
    body = make({"mass": 1.0, "island": "Dream"})
    check(document, "#/components/schemas/InvocationRequest", body)
    status, answer = plane.json("POST /models/{model}/invocations", body, **P)
    assert status == 200
    for label in answer["predictions"]:
        check(document, "#/components/schemas/Label", label)
    assert json.dumps(document["paths"]).count("penguins") > 0
    with pytest.raises(Exception, match=r"is not valid under any|required"):
        check(document, "#/components/schemas/InvocationRequest", make({"mass": 1.0}))
