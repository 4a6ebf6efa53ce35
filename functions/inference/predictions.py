"""Infer and invocations: choose a version, load it, read the request, answer it, and write the reply."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, NamedTuple

from inference.gateway import read_body
from inference.outbox import Answered
from inference.outcome import Outcome, Target, UnansweredError
from inference.protocols import mlflow, oip
from modelloop import clock
from modelloop.contracts.pointer import PINNED
from modelloop.errors import UnsupportedMediaError
from modelloop.ids import check_model_name

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.models import Model
    from inference.outcome import Arrival
    from inference.protocols.exchange import Answer, Query, Reply
    from inference.service import Service
    from modelloop.contracts.http_request import HttpRequest
    from modelloop.contracts.pointer import Pointer
    from modelloop.rollout.routing import Choice

    type _Reader = Callable[[bytes, HttpRequest, Model], Query]

STICKY = "x-modelloop-sticky-key"
_JSON = ("", "application/json", "application/vnd.mlflow.v1+json", "text/json")
_CSV = ("text/csv", "application/csv", "text/tab-separated-values")
_BINARY = ("application/octet-stream", "application/x-www-form-urlencoded", "binary/octet-stream")


class _Protocol(NamedTuple):
    """How bodies are read, by content type, how answers are written, and the content types that a refusal offers."""

    readers: dict[str, _Reader]
    render: Callable[[Answer, Query], Reply]
    offered: str


def infer(service: Service, request: HttpRequest, arrival: Arrival) -> Outcome:
    """Answer an Open Inference Protocol request; raises as `_predict` does."""
    return _predict(service, request, arrival, _OIP)


def invoke(service: Service, request: HttpRequest, arrival: Arrival) -> Outcome:
    """Answer an MLflow scoring request in JSON or CSV; raises as `_predict` does."""
    return _predict(service, request, arrival, _MLFLOW)


def _predict(service: Service, request: HttpRequest, arrival: Arrival, protocol: _Protocol) -> Outcome:
    """Return what was answered, by which version, and what the capture needs.

    Raises NotFoundError or NotReadyError while no version is chosen, and after that UnansweredError from any error.
    """
    pointer, choice = _choose(service, request, arrival)
    named = "version" in request.path
    rollout = "" if named else pointer.rollout  # who names a version takes no part in a comparison
    version, variant, rows = choice.ref.version, choice.variant, 0
    try:
        read = _reader(protocol, request.media_type)
        body = read_body(request)
        model, variant = service.model_cache.take(pointer, choice, exact=named)
        version = model.ref.version
        query = read(body, request, model)
        rows = query.rows
        answer, table = model.answer(query, arrival.prediction_id)
        reply = protocol.render(answer, query)
    except Exception as error:
        raise UnansweredError(Target(pointer.model, version, variant, rollout, rows)) from error
    target = Target(pointer.model, version, variant, rollout, rows)
    shadow = pointer.shadow if choice.variant != PINNED else None
    return Outcome(reply, target, Answered(
        query, table, answer, model, variant, rollout, clock.now(), arrival.latency_ms, arrival.cold, shadow,
    ))  # fmt: skip


def _choose(service: Service, request: HttpRequest, arrival: Arrival) -> tuple[Pointer, Choice]:
    model = check_model_name(request.path.get("model", ""))
    key = request.headers.get(STICKY) or request.request_id or arrival.prediction_id
    return service.choose(model, request.path.get("version"), key)


def _reader(protocol: _Protocol, media_type: str) -> _Reader:
    try:
        return protocol.readers[media_type]
    except KeyError:
        raise UnsupportedMediaError(
            f"content type {media_type[:80]!r} is not {protocol.offered}", field="Content-Type"
        ) from None


def _read_oip(body: bytes, request: HttpRequest, model: Model) -> Query:
    query = oip.parse(body, request.headers, model.encoding.columns)
    if query.binary and "accept" not in request.headers:
        return replace(query, binary=frozenset())  # API Gateway sends bytes only to clients that say what they accept
    return query


def _read_mlflow(body: bytes, _request: HttpRequest, model: Model) -> Query:
    return mlflow.parse(body, model.encoding.columns)


def _read_csv(body: bytes, request: HttpRequest, model: Model) -> Query:
    from inference.protocols import csvtable  # noqa: PLC0415  only requests in CSV pay for it

    return csvtable.parse(body, model.encoding.columns, request.charset)


_OIP = _Protocol(
    dict.fromkeys((*_JSON, *_BINARY), _read_oip), oip.render, "application/json or application/octet-stream"
)
_MLFLOW = _Protocol(
    {**dict.fromkeys(_JSON, _read_mlflow), **dict.fromkeys(_CSV, _read_csv)},
    mlflow.render,
    "application/json or text/csv",
)
