from __future__ import annotations

import json
from typing import Any

import pytest

from control import actions
from inference.openapi.documents import api_document, model_document
from modelloop.contracts.routes import ROUTES
from modelloop.tables.encoding import Column

COLUMNS = [Column("age", "number"), Column("seen", "date", required=False), Column("city", "text", ("x",))]


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def references(node: Any) -> set[str]:
    if isinstance(node, dict):
        own = {node["$ref"]} if isinstance(node.get("$ref"), str) else set()
        return own.union(*map(references, node.values()))
    return set().union(*map(references, node)) if isinstance(node, list) else set()


@pytest.mark.parametrize(
    "document",
    [
        api_document("1.0.0"),
        model_document("m", 3, COLUMNS, ["a", "b"], []),
        model_document("m", 3, COLUMNS, None, [0.9]),
    ],
)
def test_every_reference_resolves(document: dict[str, Any]) -> None:
    names = {f"#/components/schemas/{name}" for name in document["components"]["schemas"]}
    assert references(document) <= names
    assert json.loads(json.dumps(document)) == document
    ids = [operation["operationId"] for operation in operations(document).values()]
    assert len(ids) == len(set(ids))


def test_every_route_is_described_and_guarded() -> None:
    found = operations(api_document("1.0.0"))
    assert set(found) == {route.key for route in ROUTES}
    for route in ROUTES:
        assert found[route.key]["security"] == [{route.guard: []}], route
        placeholders = {part[1:-1] for part in route.path.split("/") if part.startswith("{")}
        assert {parameter["name"] for parameter in found[route.key].get("parameters", [])} == placeholders


def test_every_change_is_described_with_the_fields_that_it_takes_and_no_other() -> None:
    document: dict[str, Any] = api_document("1.0.0")
    taken = {
        "/uploads": actions.UPLOAD,
        "/models/{model}/runs": actions.RUN,
        "/models/{model}/erasures": actions.ERASURE,
        **{f"/models/{{model}}/{name}": action.fields for name, action in actions.ACTIONS.items()},
    }
    for path, fields in taken.items():
        body = document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"]
        schema = document["components"]["schemas"][body["$ref"].rpartition("/")[2]]
        assert (set(schema["properties"]), schema["additionalProperties"]) == (set(fields), False), path


def test_a_model_document_names_columns_classes_and_levels() -> None:
    document: dict[str, Any] = model_document("penguins", 3, COLUMNS, ["a", "b"], [])
    schemas = document["components"]["schemas"]
    assert set(document["paths"]) == {"/v2/models/penguins/infer", "/models/penguins/invocations"}
    assert list(schemas["Row"]["properties"]) == ["age", "seen", "city"]
    assert schemas["Row"]["required"] == ["age", "city"]
    assert schemas["Label"] == {"enum": ["a", "b"]}
    assert schemas["InputTensor"]["properties"]["name"]["enum"] == ["age", "seen", "city"]
    other: dict[str, Any] = model_document("p", 3, COLUMNS, None, [0.9])
    regression = other["components"]["schemas"]
    assert regression["InvocationParams"]["properties"]["interval"] == {"enum": [0.9, None]}
    assert regression["InvocationParams"]["properties"]["predict_method"]["enum"] == ["predict"]
