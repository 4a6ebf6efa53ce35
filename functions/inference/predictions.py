"""Infer and invocations: choose a version, read the request, answer, and keep what capture needs."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from inference.outbox import Answered
from inference.protocols import mlflow, oip
from modelloop.contracts.pointer import PINNED
from modelloop.errors import UnsupportedMediaError
from modelloop.ids import check_model_name, uuid7

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.gateway import Call
    from inference.models import Model
    from inference.protocols.exchange import Answer, Query, Reply
    from inference.service import Service
    from modelloop.contracts.pointer import Pointer
    from modelloop.rollout.routing import Choice

    type _Render = Callable[[Answer, Query], Reply]

STICKY = "x-modelloop-sticky-key"
_JSON = frozenset({"", "application/json", "application/vnd.mlflow.v1+json", "text/json"})
_BINARY = frozenset({"application/octet-stream", "application/x-www-form-urlencoded", "binary/octet-stream"})


@dataclass(slots=True)
class Trace:
    """What is known of a request while it is answered: it ends up in headers, log line and capture."""

    started: float
    cold: bool
    prediction_id: str
    model: str | None = None
    version: int | None = None
    variant: str = ""
    rollout: str = ""
    rows: int = 0
    answered: Answered | None = None

    @classmethod
    def start(cls, *, cold: bool) -> Trace:
        """Begin a request."""
        return cls(time.perf_counter(), cold, uuid7())

    @property
    def latency_ms(self) -> float:
        """Milliseconds since the request began."""
        return (time.perf_counter() - self.started) * 1e3

    def headers(self) -> dict[str, str]:
        """Return the headers that every answer carries."""
        found = {"x-modelloop-prediction-id": self.prediction_id}
        if self.version is not None:
            found["x-modelloop-version"] = str(self.version)
        return found


def timestamp() -> str:
    """Return now in UTC, to the millisecond, as RFC 3339."""
    seconds, millis = divmod(time.time_ns() // 1_000_000, 1_000)
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(seconds)) + f".{millis:03d}Z"


def infer(service: Service, call: Call, trace: Trace) -> Reply:
    """Answer an Open Inference Protocol request."""
    pointer, choice = _choose(service, call, trace)
    if call.media_type not in _JSON and call.media_type not in _BINARY:
        raise UnsupportedMediaError(
            f"content type {call.media_type[:80]!r} is not application/json or application/octet-stream",
            field="Content-Type",
        )
    return _answer(service, call, trace, pointer, choice, _parse_oip, oip.render)


def invoke(service: Service, call: Call, trace: Trace) -> Reply:
    """Answer an MLflow scoring request in JSON or CSV."""
    pointer, choice = _choose(service, call, trace)
    if call.media_type == "text/csv":
        return _answer(service, call, trace, pointer, choice, _parse_csv, mlflow.render)
    if call.media_type not in _JSON:
        raise UnsupportedMediaError(
            f"content type {call.media_type[:80]!r} is not application/json or text/csv", field="Content-Type"
        )
    return _answer(service, call, trace, pointer, choice, _parse_mlflow, mlflow.render)


def _choose(service: Service, call: Call, trace: Trace) -> tuple[Pointer, Choice]:
    model = check_model_name(call.parameters.get("model", ""))
    key = call.headers.get(STICKY) or call.request_id or trace.prediction_id
    pointer, choice = service.choose(model, call.parameters.get("version"), key)
    trace.model, trace.version, trace.variant = model, choice.ref.version, choice.variant
    if "version" not in call.parameters:  # who names a version takes no part in a comparison
        trace.rollout = pointer.rollout
    return pointer, choice


def _parse_oip(body: bytes, call: Call, model: Model) -> Query:
    query = oip.parse(body, call.headers, model.encoding.columns)
    if query.binary and "accept" not in call.headers:
        query.binary = frozenset()  # API Gateway hands bytes on to clients that say what they accept, only
    return query


def _parse_mlflow(body: bytes, _call: Call, model: Model) -> Query:
    return mlflow.parse(body, model.encoding.columns)


def _parse_csv(body: bytes, _call: Call, _model: Model) -> Query:
    from inference.protocols import csvtable  # noqa: PLC0415  only requests in CSV pay for it

    return csvtable.parse(body)


def _answer(
    service: Service,
    call: Call,
    trace: Trace,
    pointer: Pointer,
    choice: Choice,
    parse: Callable[[bytes, Call, Model], Query],
    render: _Render,
) -> Reply:
    body = call.body()
    model, trace.variant = service.shelf.take(pointer, choice, exact="version" in call.parameters)
    trace.version = model.ref.version
    query = parse(body, call, model)
    trace.rows = query.rows
    answer, table = model.answer(query, trace.prediction_id)
    reply = render(answer, query)
    shadow = pointer.shadow if choice.variant != PINNED else None
    trace.answered = Answered(
        query, table, answer, model, trace.variant, trace.rollout, timestamp(), trace.latency_ms, trace.cold, shadow
    )
    return reply
