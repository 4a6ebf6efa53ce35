"""OpenAPI 3.1 documents: of the whole API, and of one model with its columns and classes typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.openapi.schemas import CELL, PARAMETERS, SCHEMAS, TENSOR, TEXT, one_of, record, ref, several
from inference.protocols.exchange import MAX_ROWS, PREDICT, PROBA
from modelloop.contracts.routes import API_KEY, CONTROL, DATA, PLAIN_TEXT, ROUTES, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.routes import Route
    from modelloop.tables.encoding import Column

VERSION = "3.1.0"
_PREDICTING = ("InferRequest", "InvocationRequest")
_FAILURES = {
    400: "not JSON, or not a request of this protocol",
    403: "no key, or not allowed",
    404: "no such model, version or path",
    413: "the body, its rows or the answer are too large",
    415: "a content type or encoding that the route does not read",
    422: "a column or value that the model does not take; `field` and `row` name it",
    429: "too many requests",
    500: "the request failed inside",
    503: "nothing can serve or store this now: try again",
}


def api_document(version: str) -> dict[str, Any]:
    """Return the document of every route of both planes."""
    return _document("Modelloop", version, ".", ROUTES, SCHEMAS)


def model_document(
    name: str, version: int, columns: Sequence[Column], classes: Sequence[Any] | None, levels: Sequence[float]
) -> dict[str, Any]:
    """Return the document of one model's prediction routes, with its columns, classes and intervals typed."""
    own = [
        route._replace(path=route.path.replace("{model}", name))
        for route in ROUTES
        if route.request in _PREDICTING and "version" not in route.parameters
    ]
    document = _document(name, str(version), "../../..", own, SCHEMAS | _typed(columns, classes, levels))
    for route in own:
        content = document["paths"][route.path][route.method.lower()]["requestBody"]["content"]
        content["application/json"]["example"] = _example(route, columns)
    return document


def _example(route: Route, columns: Sequence[Column]) -> dict[str, Any]:
    cells = {"number": 1.5, "boolean": True, "date": "2026-01-31"}
    row = {column.name: cells.get(column.kind, (*column.categories, "text")[0]) for column in columns}
    if route.request == "InvocationRequest":
        return {"dataframe_records": [row]}
    types = {"number": "FP64", "boolean": "BOOL"}
    inputs = [
        {"name": column.name, "shape": [1], "datatype": types.get(column.kind, "BYTES"), "data": [row[column.name]]}
        for column in columns
    ]
    return {"inputs": inputs}


def _typed(columns: Sequence[Column], classes: Sequence[Any] | None, levels: Sequence[float]) -> dict[str, Any]:
    cells = {column.name: _cell(column) for column in columns}
    required = [column.name for column in columns if column.required]
    row = record((), **cells) | {"required": required}
    by_column = {name: several(cell, minItems=1, maxItems=MAX_ROWS) for name, cell in cells.items()}
    rows = {"minItems": 1, "maxItems": MAX_ROWS}
    forms = {
        "dataframe_split": _split(required),
        "dataframe_records": several(ref("Row"), **rows),
        "instances": {
            "oneOf": [
                several(ref("Row"), **rows),
                several(several(CELL, minItems=len(cells), maxItems=len(cells)), **rows),
            ]
        },
        "inputs": record((), **by_column) | {"required": required},
    }
    outputs = [PREDICT, PROBA] if classes is not None else [PREDICT]
    parameters = {**PARAMETERS["properties"], "interval": {"enum": [*levels, None]}}
    label = {"enum": list(classes)} if classes is not None else {"type": "number"}
    return {
        "Row": row,
        "Label": label,
        "InputTensor": TENSOR | {"properties": TENSOR["properties"] | {"name": one_of(*cells)}},
        "InvocationParams": {
            "type": "object",
            "properties": parameters | {"predict_method": one_of(*outputs)},
        },
        "InvocationRequest": {
            "oneOf": [
                {
                    "type": "object",
                    "required": [form],
                    "properties": {form: schema, "params": {"anyOf": [ref("InvocationParams"), {"type": "null"}]}},
                }
                for form, schema in forms.items()
            ]
        },
    }


def _split(required: list[str]) -> dict[str, Any]:
    named = several(TEXT) | {"allOf": [{"contains": {"const": name}} for name in required]}
    columns = named if required else several(TEXT)
    data = several(several(CELL), minItems=1, maxItems=MAX_ROWS)
    return record(("columns", "data"), columns=columns, data=data)


def _cell(column: Column) -> dict[str, Any]:
    kinds: dict[str, dict[str, Any]] = {
        "number": {"type": ["number", "string", "null"]},
        "boolean": {"type": ["boolean", "string", "null"]},
        "date": {"type": ["string", "null"], "description": "ISO 8601 date or date-time"},
    }
    text: dict[str, Any] = {"type": ["string", "number", "boolean", "null"], "examples": list(column.categories[:5])}
    return kinds.get(column.kind, text)


def _document(
    title: str, version: str, server: str, routes: Sequence[Route], schemas: dict[str, Any]
) -> dict[str, Any]:
    paths: dict[str, dict[str, Any]] = {}
    for route in routes:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                API_KEY: {"type": "apiKey", "in": "header", "name": "x-api-key"},
                SIGNATURE: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4",
                },
            },
        },
    }


def _operation(route: Route) -> dict[str, Any]:
    responses = {str(route.status): {"description": "done", "content": _content(route.answer)}, **_failures()}
    if route.plane == CONTROL:
        responses["409"] = {"description": "somebody else was first, or it makes no sense now",
                            "content": _content("Error")}  # fmt: skip
    place = route.path.replace("/", "_").replace("{", "").replace("}", "").replace(".", "_")
    operation: dict[str, Any] = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{place}",
        "tags": ["predict" if route.plane == DATA else "control"],
        "security": [{route.guard: []}],
        "responses": responses,
    }
    if route.parameters:
        operation["parameters"] = [_parameter(name) for name in route.parameters]
    if route.request is not None:
        operation["requestBody"] = {"required": route.request != "IndexRequest", "content": _media(route.request)}
    return operation


def _parameter(name: str) -> dict[str, Any]:
    patterns = {"model": "^[a-z][a-z0-9-]{0,62}$", "version": "^[1-9][0-9]{0,8}$"}
    schema: dict[str, Any] = {"type": "string"}
    if name in patterns:
        schema["pattern"] = patterns[name]
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _media(request: str) -> dict[str, Any]:
    content = _content(request)
    if request in ("InvocationRequest", "FeedbackRequest"):
        content["text/csv"] = {"schema": {"type": "string", "minLength": 1}}
    if request == "InferRequest":
        content["application/octet-stream"] = {"schema": {"type": "string", "contentEncoding": "binary"}}
    return content


def _content(schema: str) -> dict[str, Any]:
    if schema == PLAIN_TEXT:
        return {"text/plain": {"schema": TEXT}}
    return {"application/json": {"schema": ref(schema)}}


def _failures() -> dict[str, Any]:
    return {str(status): {"description": text, "content": _content("Error")} for status, text in _FAILURES.items()}
