"""The JSON schemas of the API's documents, as OpenAPI 3.1 components."""

from __future__ import annotations

from typing import TYPE_CHECKING

from inference.protocols.exchange import MAX_ROWS, PREDICT, PROBA, SHAP
from inference.protocols.tensors import DATATYPES

if TYPE_CHECKING:
    from modelloop.json_types import JsonValue

    type Schema = dict[str, JsonValue]

TEXT: Schema = {"type": "string"}
NUMBER: Schema = {"type": "number"}
WHOLE: Schema = {"type": "integer"}
TRUTH: Schema = {"type": "boolean"}
CELL: Schema = {"type": ["string", "number", "boolean", "null"]}
LABEL: Schema = {"type": ["string", "number", "boolean"]}
ANYTHING: Schema = {"type": "object"}


def one_of(*names: str) -> Schema:
    """Return a text that is one of these."""
    return {"type": "string", "enum": list(names)}


def several(items: Schema, **limits: int) -> Schema:
    """Return a list of such items."""
    return {"type": "array", "items": items, **limits}


def record(required: tuple[str, ...] = (), **properties: Schema) -> Schema:
    """Return an object with these properties."""
    schema: Schema = {"type": "object", "properties": properties}
    return schema | {"required": list(required)} if required else schema


def closed(required: tuple[str, ...], **properties: Schema) -> Schema:
    """Return an object with these properties and no other."""
    return record(required, **properties) | {"additionalProperties": False}


def ref(name: str) -> Schema:
    """Return a reference to a component."""
    return {"$ref": f"#/components/schemas/{name}"}


def maybe(schema: Schema) -> Schema:
    """Return the schema of the same, or null, which stands for absent."""
    return schema | {"type": [schema["type"], "null"]}


def one_form(name: str, schema: Schema) -> Schema:
    """Return an object of the MLflow protocol that carries its rows in this form alone."""
    return {
        "type": "object",
        "required": [name],
        "properties": {name: schema, "params": {"anyOf": [ref("InvocationParams"), {"type": "null"}]}},
    }


NUMBERED = WHOLE | {"minimum": 1, "maximum": 999_999_999, "description": "a version's number"}
SWITCH = TRUTH | {"description": "false undoes it", "default": True}
PREDICTION_ID = "^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}$"
REASON = TEXT | {"minLength": 1, "description": "why: the audit log keeps it"}
ROWS = {"minItems": 1, "maxItems": MAX_ROWS}
DATATYPE = one_of(*sorted(DATATYPES))
SHAPE = several({"type": "integer", "minimum": 1}, minItems=1, maxItems=8)
PARAMETERS: dict[str, Schema] = {
    "explain": {
        "enum": [True, False, SHAP],
        "description": "also answer each column's contribution to each row's score: along the paths, or SHAP values",
    },
    "interval": maybe(NUMBER)
    | {"description": "regression: also answer a conformal interval of this level, such as 0.9"},
}
ANSWER = record(
    (),
    prediction_id=TEXT,
    unseen={
        "type": "object",
        "additionalProperties": WHOLE,
        "description": "by column, in how many rows the category is none that the model has learned",
    },
)


def tensor(name: Schema) -> Schema:
    """Return a tensor of the Open Inference Protocol whose name is one of these."""
    return record(
        ("name", "shape", "datatype"), name=name, shape=SHAPE, datatype=DATATYPE, data=several({}),
        parameters=maybe(ANYTHING),
    )  # fmt: skip


SCHEMAS: dict[str, Schema] = {
    "Error": record(
        ("error", "error_code", "message", "field", "row"),
        error=TEXT,
        error_code=TEXT,
        message=TEXT,
        field={"type": ["string", "null"]},
        row={"type": ["integer", "null"]},
    ),
    "InferRequest": record(
        ("inputs",),
        id=maybe(TEXT),
        inputs=several(ref("InputTensor"), minItems=1),
        outputs=maybe(several(record(("name",), name=one_of(PREDICT, PROBA), parameters=maybe(ANYTHING)))),
        parameters=maybe(record((), **PARAMETERS, binary_data_output=TRUTH)),
    ),
    "InputTensor": tensor(TEXT),
    "OutputTensor": tensor(TEXT),
    "InferResponse": record(
        ("model_name", "model_version", "id", "outputs"),
        model_name=TEXT,
        model_version=TEXT,
        id=TEXT,
        parameters=ANSWER,
        outputs=several(ref("OutputTensor")),
    ),
    "InvocationParams": record((), **PARAMETERS, predict_method=one_of(PREDICT, PROBA)),
    "InvocationRequest": {
        "oneOf": [
            one_form(
                "dataframe_split",
                record(("columns", "data"), columns=several(TEXT), data=several(several(CELL), **ROWS)),
            ),
            one_form("dataframe_records", several({"type": "object", "additionalProperties": CELL}, **ROWS)),
            one_form("instances", several({"type": ["array", "object"]}, **ROWS)),
            one_form("inputs", {"type": "object", "additionalProperties": several(CELL, **ROWS)}),
        ]
    },
    "InvocationResponse": record(
        ("predictions", "prediction_id"),
        predictions=several({}),
        prediction_id=TEXT,
        parameters=ANSWER,
        classes=several(LABEL),
        intervals=several(several(NUMBER)),
        explanations=several(ANYTHING),
    ),
    "FeedbackRequest": record(
        ("feedback",),
        feedback=several(
            record(("id", "label"), id=TEXT, row={"type": "integer", "minimum": 0}, label=LABEL), **ROWS
        ),
    ),
    "Accepted": record(
        ("accepted", "unreadable", "new_class", "examples"),
        accepted=WHOLE,
        unreadable=WHOLE,
        new_class=maybe(WHOLE),
        examples=several(
            record(
                ("entry", "id", "row", "label", "outcome"),
                entry=WHOLE,
                id=TEXT,
                row=WHOLE,
                label=LABEL,
                outcome=one_of("unreadable", "new_class"),
            ),
            maxItems=5,
        ),
    ),
    "Health": record(("live", "ready"), live=TRUTH, ready=TRUTH),
    "ServerMetadata": record(("name", "version", "extensions"), name=TEXT, version=TEXT, extensions=several(TEXT)),
    "ModelNames": record(("models",), models=several(record(("name",), name=TEXT))),
    "ModelMetadata": record(
        ("name", "versions", "platform", "inputs", "outputs"),
        name=TEXT,
        versions=several(TEXT),
        platform=TEXT,
        inputs=several(ref("TensorMetadata")),
        outputs=several(ref("TensorMetadata")),
        parameters=ANYTHING,
    ),
    "TensorMetadata": record(
        ("name", "datatype", "shape"), name=TEXT, datatype=DATATYPE, shape=several(WHOLE), parameters=ANYTHING
    ),
    "ModelReady": record(("name", "ready"), name=TEXT, ready=TRUTH, version=TEXT, parameters=ANYTHING),
    "IndexRequest": record((), ready=TRUTH),
    "Index": several(record(("name", "version", "state", "reason"), name=TEXT, version=TEXT, state=TEXT, reason=TEXT)),
    "Change": closed(("reason",), version=maybe(NUMBERED), reason=REASON),
    "VersionChange": closed(("version", "reason"), version=NUMBERED, reason=REASON),
    "VersionSwitch": closed(("version", "reason"), version=NUMBERED, on=SWITCH, reason=REASON),
    "Switch": closed(("reason",), on=SWITCH, reason=REASON),
    "RunRequest": closed(("reason",), reason=REASON),
    "Erasure": closed(
        ("prediction", "reason"),
        prediction=TEXT | {"pattern": PREDICTION_ID},
        row=maybe(WHOLE) | {"minimum": 0, "maximum": 9_999},
        versions=maybe(several(NUMBERED)),
        reason=REASON,
    ),
    "Upload": closed(("model", "file"), model=TEXT, file=TEXT, kind=maybe(TEXT) | {"enum": ["dataset", "model", None]}),
    "Document": ANYTHING,
}  # fmt: skip
