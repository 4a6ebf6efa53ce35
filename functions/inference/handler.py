"""The data plane: an HTTP request in, a prediction out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

from inference import catalog, extension, feedback, gateway, predictions, telemetry
from inference.billed_time import BilledTime, startup_ms
from inference.outbox import Refused
from inference.outcome import UNKNOWN, Arrival, UnansweredError
from inference.service import Service
from modelloop import clock
from modelloop.aws.settings import settings
from modelloop.contracts import routes
from modelloop.contracts.http_request import HttpRequest
from modelloop.errors import ModelloopError, NotFoundError

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.outcome import Outcome, Target
    from modelloop.contracts.http_request import HttpAnswer

    type _Function = Callable[[Service, HttpRequest, Arrival], Outcome]

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


@cache
def service() -> Service:
    """Return what this environment holds between requests, made at the first one."""
    return Service(settings(), _billed_time)


_after_response = extension.start(service, settings().capture_mode, settings().capture_linger)
_billed_time = BilledTime(startup_ms())
_cold = True


def handler(event: dict[str, Any], _context: object) -> HttpAnswer:
    """Answer one API Gateway proxy event."""
    global _cold  # only the first request of an environment waited for it to start
    arrival, _cold = Arrival(cold=_cold), False
    request, target = HttpRequest(event), UNKNOWN
    try:
        if request.route not in ROUTES:
            raise NotFoundError(f"there is no {request.route}")  # noqa: TRY301  one way out for every error
        status, answer = ROUTES[request.route]
        reply, target, prediction = answer(service(), request, arrival)
        response = gateway.respond(status, reply, _headers(arrival, target))
        if prediction is not None:
            service().outbox.add(prediction)
    except UnansweredError as failure:
        target = failure.target
        response = _refuse(failure.__cause__ or failure, request, arrival, target)
    except Exception as error:  # noqa: BLE001  whatever it is, the caller gets the one error form
        response = _refuse(error, request, arrival, target)
    _log(request, arrival, target, response["statusCode"])
    _after_response.answered()
    return response


def _refuse(error: BaseException, request: HttpRequest, arrival: Arrival, target: Target) -> HttpAnswer:
    """Return the answer to a request that failed, and keep the failure for capture when a version was chosen for it."""
    if not isinstance(error, ModelloopError):
        identifiers = {
            "route": request.route,
            "request_id": request.request_id,
            "correlation_id": arrival.prediction_id,
        }
        telemetry.logger().error("a request failed", exc_info=error, extra=identifiers)
        error = ModelloopError("the request failed here; its id is in the header x-modelloop-prediction-id")
    if target.model is not None:
        service().outbox.add(Refused(
            arrival.prediction_id, clock.now(), target.model, target.version, target.variant, target.rollout,
            error.status, error.code, arrival.latency_ms,
        ))  # fmt: skip
    return gateway.refuse(error, _headers(arrival, target))


def _headers(arrival: Arrival, target: Target) -> dict[str, str]:
    headers = {"x-modelloop-prediction-id": arrival.prediction_id}
    if target.version is not None:
        headers["x-modelloop-version"] = str(target.version)
    return headers


def _log(request: HttpRequest, arrival: Arrival, target: Target, status: int) -> None:
    """Write the request's one line, which is also its metrics."""
    model, version, variant, _, rows = target
    metrics: dict[str, float] = {"Requests": 1, "Latency": round(arrival.latency_ms, 3)}
    if rows:
        metrics["Rows"] = rows
    if arrival.cold:
        metrics["ColdStarts"] = 1
    if model is not None and service().outbox.linger:
        metrics["CapturesKept"] = 1
    if status >= 400:  # noqa: PLR2004  HTTP
        metrics["ClientErrors" if status < 500 else "ServerErrors"] = 1  # noqa: PLR2004  HTTP
    telemetry.emit(
        "request",
        metrics,
        route=request.route,
        status=status,
        correlation_id=arrival.prediction_id,
        request_id=request.request_id,
        model=model,
        version=version,
        variant=variant,
    )
