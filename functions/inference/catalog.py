"""What serves here: server and model metadata, readiness, and the repository index."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from inference.protocols.exchange import PREDICT, PROBA, Reply, parse_object
from inference.protocols.tensors import label_datatype
from modelloop import __version__
from modelloop.contracts.pointer import Pointer
from modelloop.errors import MalformedBodyError, ModelloopError, NotFoundError, NotReadyError, TransientError
from modelloop.ids import check_model_name
from modelloop.rollout.routing import Choice

if TYPE_CHECKING:
    from inference.gateway import Call
    from inference.models import Model
    from inference.predictions import Trace
    from inference.service import Service

DATATYPES = {"number": "FP64", "boolean": "BOOL", "date": "BYTES", "text": "BYTES"}


def _json(document: Any) -> Reply:
    return Reply(orjson.dumps(document))


def server(_service: Service, _call: Call, _trace: Trace) -> Reply:
    """Answer server metadata."""
    return _json(
        {"name": "modelloop", "version": __version__, "extensions": ["binary_tensor_data", "model_repository"]}
    )


def live(_service: Service, _call: Call, _trace: Trace) -> Reply:
    """Answer that the process lives."""
    return _json({"live": True, "ready": True})


def ready(service: Service, _call: Call, _trace: Trace) -> Reply:
    """Answer whether the artifacts can be read. Raises NotReadyError."""
    try:
        service.pointers.models()
    except TransientError as error:
        raise NotReadyError("the artifacts cannot be read now; models that are loaded serve on") from error
    return _json({"live": True, "ready": True})


def models(service: Service, _call: Call, _trace: Trace) -> Reply:
    """Answer the names of all models."""
    return _json({"models": [{"name": name} for name in service.pointers.models()]})


def index(service: Service, call: Call, _trace: Trace) -> Reply:
    """Answer every model's served versions and their state, only the ready ones when the body asks so."""
    body = call.body()
    only_ready = parse_object(body).get("ready", False) if body else False
    if not isinstance(only_ready, bool):
        raise MalformedBodyError("ready must be true or false", field="ready")
    found = [entry for name in service.pointers.models() for entry in _entries(service, name)]
    return _json([entry for entry in found if not only_ready or entry["state"] == "READY"])


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


def metadata(service: Service, call: Call, trace: Trace) -> Reply:
    """Answer a model's inputs, outputs and served versions."""
    model, pointer = _load(service, call, trace)
    return _json(describe(model, pointer))


def describe(model: Model, pointer: Pointer) -> dict[str, Any]:
    """Return a model's metadata document."""
    inputs = [
        {
            "name": column.name,
            "datatype": DATATYPES[column.kind],
            "shape": [-1],
            "parameters": {"kind": column.kind, "required": column.required},
        }
        for column in model.encoding.columns
    ]
    outputs: list[dict[str, Any]] = [{"name": PREDICT, "datatype": label_datatype(model.classes), "shape": [-1]}]
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
            "intervals": [float(level) for level in model.quantiles],
        },
    }


def api_document(_service: Service, _call: Call, _trace: Trace) -> Reply:
    """Answer the OpenAPI document of the whole API."""
    from inference.openapi import documents  # noqa: PLC0415  no prediction waits for it

    return _json(documents.api_document(__version__))


def model_document(service: Service, call: Call, trace: Trace) -> Reply:
    """Answer the OpenAPI document of one model, its columns and classes typed."""
    from inference.openapi import documents  # noqa: PLC0415  no prediction waits for it

    model, _ = _load(service, call, trace)
    levels = [float(level) for level in model.quantiles]
    columns = model.encoding.columns
    return _json(documents.model_document(model.name, model.ref.version, columns, model.classes, levels))


def model_ready(service: Service, call: Call, trace: Trace) -> Reply:
    """Answer that a model is loaded and proven, and whether its pointer could be read last time."""
    model, pointer = _load(service, call, trace)
    fault = service.pointers.get(pointer.model).fault
    document: dict[str, Any] = {"name": model.name, "ready": True, "version": str(model.ref.version)}
    if fault is not None:
        document["parameters"] = {"stale": True}
    return _json(document)


def _load(service: Service, call: Call, trace: Trace) -> tuple[Model, Pointer]:
    name = check_model_name(call.parameters.get("model", ""))
    version = call.parameters.get("version")
    pointer = service.pointers.get(name).pointer
    if version is None and pointer.champion is not None:
        choice = Choice(pointer.champion, "champion")
    else:
        pointer, choice = service.choose(name, version, trace.prediction_id)
    model, _ = service.shelf.take(pointer, choice, exact=version is not None)
    trace.version = model.ref.version
    return model, pointer
