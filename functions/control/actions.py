"""What the control plane does: each change one conditional write, with who and why."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock, keys
from modelloop.aws.serving.changes import Changes
from modelloop.aws.storage import LINK_SECONDS
from modelloop.contracts.retrain_request import REQUEST, RetrainRequest
from modelloop.errors import InvalidValueError
from modelloop.ids import check_model_name, erasure_digest, hour_of

if TYPE_CHECKING:
    from collections.abc import Callable

    from control.request import Body, Request
    from control.services import Services
    from modelloop.contracts.pointer import Pointer
    from modelloop.json_types import JsonValue

type Answer = dict[str, JsonValue]


class Action(NamedTuple):
    """One change to what serves: the fields that its body may have, and what it does."""

    fields: tuple[str, ...]
    act: Callable[[Changes, Body], Pointer | None]


VERSION, SWITCHED, SWITCH = ("version", "reason"), ("version", "on", "reason"), ("on", "reason")
RUN, UPLOAD, ERASURE = ("reason",), ("model", "file", "kind"), ("prediction", "row", "versions", "reason")

_FILE = re.compile(r"[^/\\\x00-\x1f\x7f]{1,200}")
_KINDS = {"dataset": keys.DATASETS, "model": keys.MODELS}
_FOLDERS = {**dict.fromkeys(keys.TABLE_SUFFIXES, keys.DATASETS), keys.MODEL_SUFFIX: keys.MODELS}

ACTIONS: dict[str, Action] = {
    "promote": Action(VERSION, lambda changes, body: changes.promote(body.version())),
    "rollback": Action(VERSION, lambda changes, body: changes.rollback(body.version())),
    "reject": Action(VERSION, lambda changes, body: changes.reject(body.version())),
    "approve": Action(VERSION, lambda changes, body: changes.approve(body.named_version())),
    "pin": Action(SWITCHED, lambda changes, body: changes.pin(body.named_version(), on=body.is_on())),
    "shadow": Action(SWITCHED, lambda changes, body: changes.shadow(body.named_version(), on=body.is_on())),
    "freeze": Action(SWITCH, lambda changes, body: changes.freeze(on=body.is_on())),
    "retire": Action(VERSION, lambda changes, body: changes.retire(body.version())),
}


def act(action: str) -> Callable[[Services, Request], Answer]:
    """Return the route of an action on what serves; it answers the pointer that serves afterwards."""

    def change(services: Services, request: Request) -> Answer:
        body = request.body(ACTIONS[action].fields)
        model = services.registry.get_model(request.model).name
        pointer = ACTIONS[action].act(Changes(services.stores, model, who=request.who, why=body.reason()), body)
        return {"model": model, "action": action, "serving": pointer.to_json() if pointer else None}

    return change


def start_run(services: Services, request: Request) -> Answer:
    """Ask the trigger to train anew on what there is; the run shows up in the list of runs."""
    model = services.registry.get_model(request.model).name
    reason = request.body(RUN).reason()
    retraining = RetrainRequest(model, REQUEST, reason, request.request_id, clock.now())
    services.trigger.send(retraining.to_json())
    services.registry.record_audit(model, "run", request.who, reason, {"request_id": request.request_id})
    return {"model": model, "request_id": request.request_id}


def record_erasure(services: Services, request: Request) -> Answer:
    """Record who has a prediction erased, and why; `modelloop erase` does this before it touches anything.

    The audit log keeps a digest of the id: whoever has the id can ask whether it was erased, nobody learns it there.
    """
    body = request.body(ERASURE)
    model = services.registry.get_model(request.model).name
    identifier = body.text("prediction")
    if hour_of(identifier) is None:
        raise InvalidValueError(f"{identifier[:80]!r} is not a prediction id", field="prediction")
    detail = {
        "prediction_sha256": erasure_digest(model, identifier),
        "row": body.count("row"),
        "versions": body.numbers("versions"),
    }
    audit_id = services.registry.record_audit(model, "erase", request.who, body.reason(), detail)
    return {"model": model, "audit": audit_id, **detail}


def sign_upload(services: Services, request: Request) -> Answer:
    """Answer a link that takes one file by PUT: a table, a model.yaml, or an ONNX model; kind says whose file it is.

    Such a link cannot bound the size of what comes; intake does, and the audit log says who was given the link.
    """
    body = request.body(UPLOAD)
    model, file = check_model_name(body.text("model")), body.text("file")
    key = f"{_folder(file, body.choice('kind', _KINDS))}{model}/{file}"
    url = services.data.link_to_write(key)
    services.registry.record_audit(model, "uploads", request.who, f"a link to upload {file}", {"key": key})
    return {"url": url, "method": "PUT", "headers": {}, "key": key, "expires_in": LINK_SECONDS}


def _folder(file: str, kind: str | None) -> str:
    if not _FILE.fullmatch(file) or file in {".", ".."}:
        raise InvalidValueError("file is a plain file name of at most 200 characters", field="file")
    if file == keys.SPEC_NAME:
        folder: str | None = keys.DATASETS
    else:
        folder = next((folder for ending, folder in _FOLDERS.items() if file.lower().endswith(ending)), None)
    if folder is None:
        raise InvalidValueError(f"file ends in one of {', '.join(_FOLDERS)}, or is {keys.SPEC_NAME}", field="file")
    return _KINDS[kind] if kind else folder
