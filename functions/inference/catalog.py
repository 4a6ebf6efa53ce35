"""What serves here: server and model metadata, readiness, and the repository index."""

from __future__ import annotations

from typing import TYPE_CHECKING

import orjson

from inference.gateway import read_body
from inference.outcome import Outcome, Target
from inference.protocols.exchange import PREDICT, PROBA, Reply, parse_object
from inference.protocols.tensors import label_datatype
from modelloop import __version__
from modelloop.contracts.pointer import CHAMPION, Pointer
from modelloop.errors import MalformedBodyError, ModelloopError, NotFoundError, NotReadyError, TransientError
from modelloop.ids import check_model_name
from modelloop.rollout.routing import Choice

if TYPE_CHECKING:
    from inference.models import Model
    from inference.outcome import Arrival
    from inference.service import Service
    from modelloop.contracts.http_request import HttpRequest
    from modelloop.json_types import JsonObject, JsonValue

DATATYPES = {"number": "FP64", "boolean": "BOOL", "date": "BYTES", "text": "BYTES"}


def _json(document: JsonValue, version: int | None = None) -> Outcome:
    return Outcome(Reply(orjson.dumps(document)), Target(version=version))


def get_server(_service: Service, _request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer server metadata."""
    return _json(
        {"name": "modelloop", "version": __version__, "extensions": ["binary_tensor_data", "model_repository"]}
    )


def get_live(_service: Service, _request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer that the process lives."""
    return _json({"live": True, "ready": True})


def get_ready(service: Service, _request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer whether the artifacts can be read. Raises NotReadyError."""
    try:
        service.pointers.models()
    except TransientError as error:
        raise NotReadyError("the artifacts cannot be read now; models that are loaded serve on") from error
    return _json({"live": True, "ready": True})


def list_models(service: Service, _request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer the names of all models."""
    return _json({"models": [{"name": name} for name in service.pointers.models()]})


def list_served_versions(service: Service, request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer every model's served versions and their state, only the ready ones when the body asks so."""
    body = read_body(request)
    only_ready = parse_object(body).get("ready", False) if body else False
    if not isinstance(only_ready, bool):
        raise MalformedBodyError("ready must be true or false", field="ready")
    entries = [entry for name in service.pointers.models() for entry in _entries(service, name)]
    return _json([entry for entry in entries if not only_ready or entry["state"] == "READY"])


def _entries(service: Service, name: str) -> list[dict[str, str]]:
    try:
        refs = service.pointers.get(name).pointer.refs()
    except NotFoundError:
        return []
    except ModelloopError as error:
        return [{"name": name, "version": "", "state": "UNAVAILABLE", "reason": error.message}]
    if not refs:
        return [{"name": name, "version": "", "state": "UNAVAILABLE", "reason": "no version serves"}]
    return [{"name": name, "version": str(ref.version), "state": "READY", "reason": ""} for ref in refs]


def get_metadata(service: Service, request: HttpRequest, arrival: Arrival) -> Outcome:
    """Answer a model's inputs, outputs and served versions."""
    model, pointer = _load(service, request, arrival)
    return _json(describe(model, pointer), model.ref.version)


def describe(model: Model, pointer: Pointer) -> JsonObject:
    """Return a model's metadata document."""
    inputs: list[JsonObject] = [
        {
            "name": column.name,
            "datatype": DATATYPES[column.kind],
            "shape": [-1],
            "parameters": {"kind": column.kind, "required": column.required},
        }
        for column in model.encoding.columns
    ]
    outputs: list[JsonObject] = [{"name": PREDICT, "datatype": label_datatype(model.classes), "shape": [-1]}]
    if model.classes is not None:
        parameters = {"classes": model.classes}
        outputs.append({"name": PROBA, "datatype": "FP64", "shape": [-1, len(model.classes)], "parameters": parameters})
    return {
        "name": model.name,
        "versions": [str(ref.version) for ref in pointer.refs()],
        "platform": "onnx_onnxv1" if model.engine_name == "onnx" else "modelloop_flat",
        "inputs": inputs,
        "outputs": outputs,
        "parameters": {
            "version": str(model.ref.version),
            "run_id": model.ref.run_id,
            "task": model.task,
            "target": model.target,
            "classes": model.classes,
            "threshold": model.threshold,
            "intervals": model.levels,
        },
    }


def get_api_document(_service: Service, _request: HttpRequest, _arrival: Arrival) -> Outcome:
    """Answer the OpenAPI document of the whole API."""
    from inference.openapi import documents  # noqa: PLC0415  no prediction waits for it

    return _json(documents.api_document(__version__))


def get_model_document(service: Service, request: HttpRequest, arrival: Arrival) -> Outcome:
    """Answer the OpenAPI document of one model, its columns and classes typed."""
    from inference.openapi import documents  # noqa: PLC0415  no prediction waits for it

    model, _ = _load(service, request, arrival)
    columns = model.encoding.columns
    document = documents.model_document(model.name, model.ref.version, columns, model.classes, model.levels)
    return _json(document, model.ref.version)


def get_model_ready(service: Service, request: HttpRequest, arrival: Arrival) -> Outcome:
    """Answer that a model is loaded and proven, and whether its pointer could be read last time."""
    model, pointer = _load(service, request, arrival)
    fault = service.pointers.get(pointer.model).fault
    document: dict[str, JsonValue] = {"name": model.name, "ready": True, "version": str(model.ref.version)}
    if fault is not None:
        document["parameters"] = {"stale": True}
    return _json(document, model.ref.version)


def _load(service: Service, request: HttpRequest, arrival: Arrival) -> tuple[Model, Pointer]:
    """Return the version that a path names, else the champion, and the pointer that it is served by."""
    name = check_model_name(request.path.get("model", ""))
    version = request.path.get("version")
    pointer = service.pointers.get(name).pointer
    if version is None and pointer.champion is not None:
        choice = Choice(pointer.champion, CHAMPION)
    else:
        pointer, choice = service.choose(name, version, arrival.prediction_id)
    model, _ = service.model_cache.take(pointer, choice, exact=version is not None)
    return model, pointer
