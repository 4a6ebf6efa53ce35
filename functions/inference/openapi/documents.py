"""OpenAPI 3.1 documents: of the whole API, and of one model with its columns and classes typed."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.openapi.schemas import (
    CELL,
    NUMBER,
    PARAMETERS,
    ROWS,
    SCHEMAS,
    TEXT,
    one_form,
    one_of,
    record,
    ref,
    several,
    tensor,
)
from inference.protocols.exchange import MAX_ROWS, PREDICT, PROBA
from modelloop.contracts.routes import API_KEY, DATA, PLAIN_TEXT, ROUTES, SIGNATURE

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from inference.openapi.schemas import Schema
    from modelloop.contracts.bundle import Label
    from modelloop.contracts.routes import Route
    from modelloop.json_types import JsonValue
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
_CONFLICT = "somebody else was first, or it makes no sense now"


def api_document(version: str) -> Schema:
    """Return the document of every route of both planes."""
    return _document("Modelloop", version, ".", [(route, None) for route in ROUTES], SCHEMAS)


def model_document(
    name: str, version: int, columns: Sequence[Column], classes: Sequence[Label] | None, levels: Sequence[float]
) -> Schema:
    """Return the document of one model's prediction routes, with its columns, classes and intervals typed."""
    operations = [
        (route._replace(path=route.path.replace("{model}", name)), _example(route, columns))
        for route in ROUTES
        if route.request in _PREDICTING and "version" not in route.parameters
    ]
    return _document(name, str(version), "../../..", operations, SCHEMAS | _typed(columns, classes, levels))


def _example(route: Route, columns: Sequence[Column]) -> Schema:
    """Return the body of a request for one row."""
    samples: dict[str, JsonValue] = {"number": 1.5, "boolean": True, "date": "2026-01-31"}
    row = {column.name: samples.get(column.kind, (*column.categories, "text")[0]) for column in columns}
    if route.request == "InvocationRequest":
        return {"dataframe_records": [row]}
    types = {"number": "FP64", "boolean": "BOOL"}
    inputs: list[Schema] = [
        {"name": column.name, "shape": [1], "datatype": types.get(column.kind, "BYTES"), "data": [row[column.name]]}
        for column in columns
    ]
    return {"inputs": inputs}


def _typed(columns: Sequence[Column], classes: Sequence[Label] | None, levels: Sequence[float]) -> dict[str, Schema]:
    """Return the schemas that differ from the whole API's because the model's columns and classes are known."""
    cells = {column.name: _cell(column) for column in columns}
    required = [column.name for column in columns if column.required]
    row = record((), **cells) | {"required": required}
    by_column = {name: several(cell, minItems=1, maxItems=MAX_ROWS) for name, cell in cells.items()}
    listed = several(ref("Row"), **ROWS)
    matrix = several(several(CELL, minItems=len(cells), maxItems=len(cells)), **ROWS)
    outputs = [PREDICT, PROBA] if classes is not None else [PREDICT]
    interval: Schema = {"enum": [*levels, None]}
    return {
        "Row": row,
        "Label": {"enum": list(classes)} if classes is not None else NUMBER,
        "InputTensor": tensor(one_of(*cells)),
        "InvocationParams": record(explain=PARAMETERS["explain"], interval=interval, predict_method=one_of(*outputs)),
        "InvocationRequest": {
            "oneOf": [
                one_form("dataframe_split", _split(required)),
                one_form("dataframe_records", listed),
                one_form("instances", {"oneOf": [listed, matrix]}),
                one_form("inputs", record((), **by_column) | {"required": required}),
            ]
        },
    }


def _split(required: Sequence[str]) -> Schema:
    named = several(TEXT) | {"allOf": [{"contains": {"const": name}} for name in required]}
    columns = named if required else several(TEXT)
    return record(("columns", "data"), columns=columns, data=several(several(CELL), **ROWS))


def _cell(column: Column) -> Schema:
    kinds: dict[str, Schema] = {
        "number": {"type": ["number", "string", "null"]},
        "boolean": {"type": ["boolean", "string", "null"]},
        "date": {"type": ["string", "null"], "description": "ISO 8601 date or date-time"},
    }
    text: Schema = {"type": ["string", "number", "boolean", "null"], "examples": list(column.categories[:5])}
    return kinds.get(column.kind, text)


def _document(
    title: str,
    version: str,
    server: str,
    operations: Sequence[tuple[Route, Schema | None]],
    schemas: Mapping[str, Schema],
) -> Schema:
    """Return a document of routes, each with an example of its request's body or None."""
    paths: dict[str, Schema] = {}
    for route, example in operations:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route, example)
    signature = {"type": "apiKey", "in": "header", "name": "Authorization", "description": "AWS Signature Version 4"}
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                API_KEY: {"type": "apiKey", "in": "header", "name": "x-api-key"},
                SIGNATURE: signature,
            },
        },
    }


def _operation(route: Route, example: Schema | None) -> Schema:
    place = route.path.replace("/", "_").replace("{", "").replace("}", "").replace(".", "_")
    operation: Schema = {
        "summary": route.summary,
        "operationId": f"{route.method.lower()}{place}",
        "tags": ["predict" if route.plane == DATA else "control"],
        "security": [{route.guard: []}],
        "responses": _responses(route),
    }
    if route.parameters:
        operation["parameters"] = [_parameter(name) for name in route.parameters]
    if route.request is not None:
        content = _request_content(route.request, example)
        operation["requestBody"] = {"required": route.request != "IndexRequest", "content": content}
    return operation


def _responses(route: Route) -> Schema:
    responses: Schema = {str(route.status): {"description": "done", "content": _content(route.answer)}}
    failures = _FAILURES if route.plane == DATA else _FAILURES | {409: _CONFLICT}
    for status, text in failures.items():
        responses[str(status)] = {"description": text, "content": _content("Error")}
    return responses


def _parameter(name: str) -> Schema:
    patterns = {"model": "^[a-z][a-z0-9-]{0,62}$", "version": "^[1-9][0-9]{0,8}$"}
    schema = TEXT | {"pattern": patterns[name]} if name in patterns else TEXT
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _request_content(schema: str, example: Schema | None) -> Schema:
    """Return the content types that a route reads, with an example in JSON or None."""
    json: Schema = {"schema": ref(schema)}
    content: Schema = {"application/json": json if example is None else json | {"example": example}}
    if schema in {"InvocationRequest", "FeedbackRequest"}:
        content["text/csv"] = {"schema": TEXT | {"minLength": 1}}
    if schema == "InferRequest":
        content["application/octet-stream"] = {"schema": TEXT | {"contentEncoding": "binary"}}
    return content


def _content(schema: str) -> Schema:
    if schema == PLAIN_TEXT:
        return {"text/plain": {"schema": TEXT}}
    return {"application/json": {"schema": ref(schema)}}
