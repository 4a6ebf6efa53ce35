"""The data plane: an HTTP request in, a prediction out."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from inference import billed_time, catalog, extension, feedback, gateway, predictions, telemetry
from inference.outbox import Refused
from inference.predictions import Trace, timestamp
from inference.service import service
from modelloop.contracts import routes
from modelloop.errors import ModelloopError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.gateway import Call
    from inference.protocols.exchange import Reply
    from inference.service import Service

    type _Function = Callable[[Service, Call, Trace], Reply]

FUNCTIONS: dict[str, _Function] = {
    function.__name__: function
    for function in (
        predictions.infer,
        predictions.invoke,
        feedback.accept_feedback,
        catalog.get_live,
        catalog.get_ready,
        catalog.get_server,
        catalog.get_api_document,
        catalog.list_models,
        catalog.list_served_versions,
        catalog.get_metadata,
        catalog.get_model_ready,
        catalog.get_model_document,
    )
}
ROUTES = {route.key: (route.status, FUNCTIONS[route.function]) for route in routes.of_plane(routes.DATA)}

_after = extension.start(service)
billed_time.METER.add(billed_time.startup_ms())
_cold = True


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one API Gateway proxy event."""
    global _cold  # the first request of an environment is told apart
    trace, _cold = Trace.start(cold=_cold), False
    call = gateway.Call(event)
    try:
        if call.route not in ROUTES:
            raise NotFoundError(f"there is no {call.route}")  # noqa: TRY301  one way out for every error
        status, answer = ROUTES[call.route]
        response = gateway.respond(status, answer(service(), call, trace), trace.headers())
        if trace.answered is not None:
            service().outbox.add(trace.answered)
    except Exception as error:  # noqa: BLE001  whatever it is, the caller gets the one error form
        response = _refuse(error, call, trace)
    _tell(call, trace, response["statusCode"])
    _after.answered()
    return response


def _refuse(error: Exception, call: Call, trace: Trace) -> dict[str, Any]:
    if not isinstance(error, ModelloopError):
        telemetry.logger().exception("a request failed", extra=_named(call, trace))
        error = ModelloopError("the request failed here; its id is in the header x-modelloop-prediction-id")
    if trace.model is not None:
        service().outbox.add(
            Refused(
                trace.prediction_id, timestamp(), trace.model, trace.version, trace.variant, trace.rollout,
                error.status, error.code, trace.latency_ms,
            )
        )  # fmt: skip
    return gateway.refuse(error, trace.headers())


def _named(call: Call, trace: Trace) -> dict[str, str]:
    return {"route": call.route, "request_id": call.request_id, "correlation_id": trace.prediction_id}


def _tell(call: Call, trace: Trace, status: int) -> None:
    metrics: dict[str, float] = {"Requests": 1, "Latency": round(trace.latency_ms, 3)}
    if trace.rows:
        metrics["Rows"] = trace.rows
    if trace.cold:
        metrics["ColdStarts"] = 1
    if trace.model is not None and service().outbox.linger:
        metrics["CapturesKept"] = 1
    if status >= 400:  # noqa: PLR2004  HTTP
        metrics["ClientErrors" if status < 500 else "ServerErrors"] = 1  # noqa: PLR2004  HTTP
    telemetry.emit(
        "request",
        metrics,
        route=call.route,
        status=status,
        correlation_id=trace.prediction_id,
        request_id=call.request_id,
        model=trace.model,
        version=trace.version,
        variant=trace.variant,
    )
