"""OpenAPI 3.1 documents: of the whole API, and of one model with its columns and classes typed."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference.openapi.schemas import CELL, PARAMETERS, SCHEMAS, TENSOR, TEXT, one_of, record, ref, several
from inference.protocols.exchange import MAX_ROWS, PREDICT, PROBA

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.tables.encoding import Column

VERSION = "3.1.0"
KEY, IAM = "apiKey", "sigv4"
BODIES = {
    "promote": "Change", "rollback": "Change", "reject": "Change", "retire": "Change", "approve": "VersionChange",
    "pin": "VersionSwitch", "shadow": "VersionSwitch", "freeze": "Switch", "runs": "RunRequest", "uploads": "Upload",
    "erasures": "Erasure",
}  # fmt: skip

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

# path, method: what it does, schema of the request, schema of the answer
_DATA: dict[tuple[str, str], tuple[str, str | None, str]] = {
    ("/ping", "get"): ("Whether the process lives", None, "Health"),
    ("/health", "get"): ("Whether artifacts can be read", None, "Health"),
    ("/openapi.json", "get"): ("This document", None, "Document"),
    ("/v2", "get"): ("Server metadata", None, "ServerMetadata"),
    ("/v2/health/live", "get"): ("Whether the process lives", None, "Health"),
    ("/v2/health/ready", "get"): ("Whether artifacts can be read", None, "Health"),
    ("/v2/models", "get"): ("All models", None, "ModelNames"),
    ("/v2/models/{model}", "get"): ("A model's inputs and outputs", None, "ModelMetadata"),
    ("/v2/models/{model}/ready", "get"): ("Whether a model serves", None, "ModelReady"),
    ("/v2/models/{model}/openapi.json", "get"): ("The model's own document", None, "Document"),
    ("/v2/models/{model}/versions/{version}", "get"): ("A version's inputs and outputs", None, "ModelMetadata"),
    ("/v2/models/{model}/versions/{version}/ready", "get"): ("Whether a version serves", None, "ModelReady"),
    ("/v2/repository/index", "post"): ("Versions that serve", "IndexRequest", "Index"),
    ("/v2/models/{model}/infer", "post"): ("Predict, Open Inference Protocol", "InferRequest", "InferResponse"),
    ("/v2/models/{model}/versions/{version}/infer", "post"): (
        "Predict with a version that is pinned or serves", "InferRequest", "InferResponse"),
    ("/models/{model}/invocations", "post"): ("Predict, MLflow", "InvocationRequest", "InvocationResponse"),
    ("/models/{model}/feedback", "post"): ("Labels that came back", "FeedbackRequest", "Accepted"),
}  # fmt: skip
_CONTROL: dict[tuple[str, str], str] = {
    ("/models", "get"): "All models, what serves and how it fares",
    ("/models/{model}", "get"): "One model, what serves and how it fares",
    ("/models/{model}/versions", "get"): "Versions, newest first",
    ("/models/{model}/versions/{version}", "get"): "A version's manifest",
    ("/models/{model}/versions/{version}/report", "get"): "A presigned link to a version's report",
    ("/models/{model}/runs", "get"): "Runs, newest first",
    ("/models/{model}/runs", "post"): "Ask for a retraining",
    ("/models/{model}/runs/{run}", "get"): "One run",
    ("/models/{model}/drift", "get"): "The last drift verdict",
    ("/models/{model}/quality", "get"): "Realised and estimated quality",
    ("/models/{model}/summary", "get"): "Traffic by version",
    ("/models/{model}/audit", "get"): "Who changed what, and why",
    ("/models/{model}/lineage/{prediction}", "get"): "Where a prediction came from",
    ("/models/{model}/erasures", "post"): "Record who has a prediction erased, and why",
    ("/metrics", "get"): "Metrics in Prometheus text",
    ("/uploads", "post"): "A presigned upload",
    ("/models/{model}/promote", "post"): "Make a version the champion",
    ("/models/{model}/rollback", "post"): "Put the previous champion back",
    ("/models/{model}/reject", "post"): "Withdraw a version that shall not become champion",
    ("/models/{model}/retire", "post"): "Withdraw a version for good, or stop serving the model",
    ("/models/{model}/approve", "post"): "Let a version that waits go on",
    ("/models/{model}/pin", "post"): "Keep a version reachable by its number",
    ("/models/{model}/shadow", "post"): "Let a version answer in the champion's shadow",
    ("/models/{model}/freeze", "post"): "Stop every change that nobody asks for",
}


def api_document(version: str) -> dict[str, Any]:
    """Return the document of every route of both planes."""
    paths: dict[str, dict[str, Any]] = {}
    for (path, method), (summary, request, answer) in _DATA.items():
        _put(paths, path, method, _operation(path, method, summary, request, answer, KEY))
    for (path, method), summary in _CONTROL.items():
        _put(paths, path, method, _control(path, method, summary))
    return _document("Modelloop", version, ".", paths, SCHEMAS)


def model_document(
    name: str, version: int, columns: Sequence[Column], classes: Sequence[Any] | None, levels: Sequence[float]
) -> dict[str, Any]:
    """Return the document of one model's prediction routes, with its columns, classes and intervals typed."""
    paths: dict[str, dict[str, Any]] = {}
    for (path, method), (summary, request, answer) in _DATA.items():
        if request in ("InferRequest", "InvocationRequest") and "{version}" not in path:
            own = path.replace("{model}", name)
            operation = _operation(own, method, summary, request, answer, KEY)
            operation["requestBody"]["content"]["application/json"]["example"] = _example(request, columns)
            _put(paths, own, method, operation)
    return _document(name, str(version), "../../..", paths, SCHEMAS | _typed(columns, classes, levels))


def _example(request: str, columns: Sequence[Column]) -> dict[str, Any]:
    cells = {"number": 1.5, "boolean": True, "date": "2026-01-31"}
    row = {column.name: cells.get(column.kind, (*column.categories, "text")[0]) for column in columns}
    if request == "InvocationRequest":
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


def _document(title: str, version: str, server: str, paths: dict[str, Any], schemas: dict[str, Any]) -> dict[str, Any]:
    return {
        "openapi": VERSION,
        "info": {"title": title, "version": version, "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"}},
        "servers": [{"url": server}],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                KEY: {"type": "apiKey", "in": "header", "name": "x-api-key"},
                IAM: {
                    "type": "apiKey",
                    "in": "header",
                    "name": "Authorization",
                    "description": "AWS Signature Version 4",
                },
            },
        },
    }


def _put(paths: dict[str, dict[str, Any]], path: str, method: str, operation: dict[str, Any]) -> None:
    paths.setdefault(path, {})[method] = operation


def _control(path: str, method: str, summary: str) -> dict[str, Any]:
    body = None if method == "get" else BODIES[path.rpartition("/")[2]]
    operation = _operation(path, method, summary, body, "Document", IAM)
    conflict = {"description": "somebody else was first, or it makes no sense now", "content": _content("Error")}
    operation["responses"]["409"] = conflict
    if path == "/metrics":
        operation["responses"]["200"]["content"] = {"text/plain": {"schema": {"type": "string"}}}
    return operation


def _operation(path: str, method: str, summary: str, request: str | None, answer: str, guard: str) -> dict[str, Any]:
    success = "202" if answer == "Accepted" or (path.endswith("/runs") and method == "post") else "200"
    operation: dict[str, Any] = {
        "summary": summary,
        "operationId": f"{method}{path.replace('/', '_').replace('{', '').replace('}', '').replace('.', '_')}",
        "tags": ["predict" if guard == KEY else "control"],
        "security": [{guard: []}],
        "responses": {success: {"description": "done", "content": _content(answer)}, **_failures()},
    }
    names = [part[1:-1] for part in path.split("/") if part.startswith("{")]
    if names:
        operation["parameters"] = [_parameter(name) for name in names]
    if request is not None:
        operation["requestBody"] = {"required": request != "IndexRequest", "content": _media(request)}
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
    return {"application/json": {"schema": ref(schema)}}


def _failures() -> dict[str, Any]:
    return {str(status): {"description": text, "content": _content("Error")} for status, text in _FAILURES.items()}
