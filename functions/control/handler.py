"""The control plane: an HTTP request in, a document about models, versions and runs out."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

import orjson
from aws_lambda_powertools import Logger

from control import actions, lineage, metrics, queries, verdicts
from control.metrics import Text
from control.request import Request
from control.services import Services, open_services
from modelloop.errors import ModelloopError, NotFoundError, TooLargeError, TransientError
from modelloop.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    type Route = Callable[[Services, Request], dict[str, Any] | Text]

MOST_ANSWER_BYTES = 3 * 1024 * 1024  # quotes may double it inside the invocation's answer, which ends at 6 MiB
RETRY_AFTER_SECONDS = "2"

ROUTES: dict[str, tuple[int, Route]] = {
    "GET /models": (200, queries.list_models),
    "GET /models/{model}": (200, queries.get_model),
    "GET /models/{model}/versions": (200, queries.list_versions),
    "GET /models/{model}/versions/{version}": (200, queries.get_version),
    "GET /models/{model}/versions/{version}/report": (200, queries.get_report),
    "GET /models/{model}/runs": (200, queries.list_runs),
    "GET /models/{model}/runs/{run}": (200, queries.get_run),
    "GET /models/{model}/drift": (200, verdicts.get_drift),
    "GET /models/{model}/quality": (200, verdicts.get_quality),
    "GET /models/{model}/summary": (200, queries.get_summary),
    "GET /models/{model}/audit": (200, queries.list_audit),
    "GET /models/{model}/lineage/{prediction}": (200, lineage.get_lineage),
    "GET /metrics": (200, metrics.get_metrics),
    "POST /models/{model}/runs": (202, actions.start_run),
    "POST /models/{model}/erasures": (200, actions.record_erasure),
    "POST /uploads": (200, actions.sign_upload),
    **{f"POST /models/{{model}}/{action}": (200, actions.act(action)) for action in actions.ACTIONS},
}

logger = Logger(service="control")


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer one API Gateway proxy event."""
    request = Request(event)
    try:
        status, route = _find(request.route)
        answer = _respond(status, route(_services(), request))
    except Exception as error:  # noqa: BLE001  whatever it is, the caller gets the one error form
        answer = _refuse(error, request)
    told = {"route": request.route, "status": answer["statusCode"], "who": request.who}
    logger.info("request", extra=told | {"correlation_id": request.request_id})
    return answer


def _find(route: str) -> tuple[int, Route]:
    if route not in ROUTES:
        raise NotFoundError(f"there is no {route}")
    return ROUTES[route]


@cache
def _services() -> Services:
    return open_services(settings())


def _respond(status: int, found: dict[str, Any] | Text) -> dict[str, Any]:
    answer = found if isinstance(found, Text) else Text(orjson.dumps(found).decode(), "application/json")
    if len(answer.body) > MOST_ANSWER_BYTES:
        raise TooLargeError("the answer is too large for one page; ask for fewer with limit")
    return {"statusCode": status, "headers": {"Content-Type": answer.content_type}, "body": answer.body}


def _refuse(error: Exception, request: Request) -> dict[str, Any]:
    if not isinstance(error, ModelloopError):
        logger.error("a request failed", exc_info=error, extra={"correlation_id": request.request_id})
        error = ModelloopError(f"the request failed here; look for {request.request_id} in the log")
    answer = _respond(error.status, error.body())
    if isinstance(error, TransientError):
        answer["headers"]["Retry-After"] = RETRY_AFTER_SECONDS
    return answer
