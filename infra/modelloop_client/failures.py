"""What a command tells a person when it cannot go on: one line, and what to do about it."""

from __future__ import annotations

from http import HTTPStatus
from typing import TYPE_CHECKING, Any

import httpx
from botocore.exceptions import BotoCoreError, ClientError, EndpointConnectionError, NoCredentialsError

from modelloop.errors import ModelloopError

if TYPE_CHECKING:
    from collections.abc import Callable

SIGN_IN = "Sign in: aws configure sso, or set AWS_PROFILE"
ADVICE = {
    HTTPStatus.BAD_REQUEST: "Compare the body with the model's schema: modelloop predict MODEL --schema",
    HTTPStatus.FORBIDDEN: "Check your identity and the stack: aws sts get-caller-identity, or modelloop up again",
    HTTPStatus.NOT_FOUND: "See what exists: modelloop models, modelloop versions MODEL",
    HTTPStatus.CONFLICT: "See what serves now, and who changed it: modelloop models, modelloop audit MODEL",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send fewer rows at a time",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Mend the named value and send it again",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait a moment and repeat, or raise the usage plan's limits",
    HTTPStatus.SERVICE_UNAVAILABLE: "Wait a moment and repeat; modelloop runs MODEL tells whether a version is live",
}


class CommandError(Exception):
    """A command cannot go on; `message` says why in one line, `advice` what to do."""

    def __init__(self, message: str, advice: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.advice = advice

    def to_json(self) -> dict[str, Any]:
        """Return what --json prints."""
        return {"error": self.message, "advice": self.advice}


class ApiError(CommandError):
    """The API refused a request; carries its status, error code, and the field and row it named."""

    def __init__(self, status: int, document: dict[str, Any]) -> None:
        message = document.get("error") or document.get("message") or f"the API answered {status}"
        super().__init__(str(message), ADVICE.get(HTTPStatus(status), ""))
        self.status = status
        self.code = str(document.get("error_code", ""))
        self.field = document.get("field")
        self.row = document.get("row")

    def to_json(self) -> dict[str, Any]:
        """Return what --json prints: also the status, code, field and row."""
        place = {"status": self.status, "error_code": self.code, "field": self.field, "row": self.row}
        return super().to_json() | place


def _address(error: httpx.RequestError) -> str:
    try:
        url = error.request.url
    except RuntimeError:
        return "the API"
    return f"{url.scheme}://{url.netloc.decode()}"


def _refused(error: ClientError) -> CommandError:
    detail = error.response.get("Error", {})
    message = f"AWS refused {error.operation_name}: {detail.get('Message', detail.get('Code', 'no reason given'))}"
    return CommandError(message, "Check that your identity may do this, and the stack's name and region")


_UP = "Bring the stack up: modelloop up"
_LINES: tuple[tuple[type[Exception], Callable[[Any], CommandError]], ...] = (
    (ModelloopError, lambda error: CommandError(error.message)),
    (httpx.TimeoutException, lambda error: CommandError(f"no answer in time from {_address(error)}", "Repeat")),
    (httpx.TransportError, lambda error: CommandError(f"nothing answers at {_address(error)}", _UP)),
    (EndpointConnectionError, lambda error: CommandError(str(error), _UP)),
    (NoCredentialsError, lambda _: CommandError("no AWS credentials found", SIGN_IN)),
    (ClientError, _refused),
    (BotoCoreError, lambda error: CommandError(str(error), "Check AWS_PROFILE and AWS_REGION")),
    (OSError, lambda error: CommandError(str(error))),
)


def explain(error: Exception) -> CommandError | None:
    """Return an expected failure as a line and advice, or None for a bug that should show its traceback."""
    if isinstance(error, CommandError):
        return error
    return next((line(error) for kind, line in _LINES if isinstance(error, kind)), None)
