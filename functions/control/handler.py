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
from modelloop.aws.settings import settings
from modelloop.contracts import routes
from modelloop.contracts.http_request import HttpRequest
from modelloop.errors import ModelloopError, NotFoundError, TooLargeError, TransientError

if TYPE_CHECKING:
    from collections.abc import Callable

    from modelloop.contracts.http_request import HttpAnswer

    type Function = Callable[[Services, Request], dict[str, Any] | Text]

MAX_ANSWER_BYTES = 3 * 1024 * 1024  # quotes may double it inside the invocation's answer, which ends at 6 MiB
RETRY_AFTER_SECONDS = "2"

FUNCTIONS: dict[str, Function] = {
    function.__name__: function
    for function in (
        queries.list_models,
        queries.get_model,
        queries.list_versions,
        queries.get_version,
        queries.get_report,
        queries.list_runs,
        queries.get_run,
        queries.get_summary,
        queries.list_audit,
        verdicts.get_drift,
        verdicts.get_quality,
        lineage.get_lineage,
        metrics.get_metrics,
        actions.start_run,
        actions.record_erasure,
        actions.sign_upload,
    )
} | {action: actions.act(action) for action in actions.ACTIONS}
ROUTES = {route.key: (route.status, FUNCTIONS[route.function]) for route in routes.of_plane(routes.CONTROL)}

logger = Logger(service="control")


def handler(event: dict[str, Any], _context: object) -> HttpAnswer:
    """Answer one API Gateway proxy event."""
    request = Request(HttpRequest(event))
    try:
        status, route = _find(request.route)
        answer = _respond(status, route(_services(), request))
    except Exception as error:  # noqa: BLE001  whatever it is, the caller gets the one error form
        answer = _refuse(error, request)
    facts = {"route": request.route, "status": answer["statusCode"], "who": request.who}
    logger.info("request", extra=facts | {"correlation_id": request.request_id})
    return answer


def _find(route: str) -> tuple[int, Function]:
    if route not in ROUTES:
        raise NotFoundError(f"there is no {route}")
    return ROUTES[route]


@cache
def _services() -> Services:
    return open_services(settings())


def _respond(status: int, content: dict[str, Any] | Text) -> HttpAnswer:
    answer = content if isinstance(content, Text) else Text(orjson.dumps(content).decode(), "application/json")
    if len(answer.body) > MAX_ANSWER_BYTES:
        raise TooLargeError("the answer is too large for one page; ask for fewer with limit")
    return {"statusCode": status, "headers": {"Content-Type": answer.content_type}, "body": answer.body}


def _refuse(error: Exception, request: Request) -> HttpAnswer:
    if not isinstance(error, ModelloopError):
        logger.error("a request failed", exc_info=error, extra={"correlation_id": request.request_id})
        error = ModelloopError(f"the request failed here; look for {request.request_id} in the log")
    answer = _respond(error.status, error.body())
    if isinstance(error, TransientError):
        answer["headers"]["Retry-After"] = RETRY_AFTER_SECONDS
    return answer
