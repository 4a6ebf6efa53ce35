"""Failures as a person reads them: one line that says why, and what to do about it."""

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
    HTTPStatus.NOT_FOUND: "See what exists: modelloop models, or modelloop versions MODEL",
    HTTPStatus.CONFLICT: "See what serves now and who changed it: modelloop models, modelloop audit MODEL",
    HTTPStatus.REQUEST_ENTITY_TOO_LARGE: "Send fewer rows at a time",
    HTTPStatus.UNPROCESSABLE_ENTITY: "Fix the value and send it again",
    HTTPStatus.TOO_MANY_REQUESTS: "Wait a moment and try again, or raise the limits of the usage plan",
    HTTPStatus.SERVICE_UNAVAILABLE: "Wait a moment and try again; see what serves with: modelloop models",
}


class CommandError(Exception):
    """A command cannot continue; `message` says why in one line, `advice` what to do."""

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
        self.status = status
        self.code = str(document.get("error_code", ""))
        self.field: str | None = document.get("field")
        self.row: int | None = document.get("row")
        super().__init__(str(message))
        self.advice = self._choose_advice()

    def _choose_advice(self) -> str:
        if self.status == HTTPStatus.UNPROCESSABLE_ENTITY and self.field is not None and self.row is not None:
            return f"Fix column {self.field} in row {self.row} (the first row is 0)"
        if self.status == HTTPStatus.UNPROCESSABLE_ENTITY and self.message.startswith("column"):
            return "See the columns that the model takes: modelloop predict MODEL --schema"
        return ADVICE.get(HTTPStatus(self.status), "")

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


_START = "Start the stack: modelloop up"
_EXPLANATIONS: tuple[tuple[type[Exception], Callable[[Any], CommandError]], ...] = (
    (ModelloopError, lambda error: CommandError(error.message)),
    (httpx.TimeoutException, lambda error: CommandError(f"no answer in time from {_address(error)}", "Try again")),
    (httpx.TransportError, lambda error: CommandError(f"nothing answers at {_address(error)}", _START)),
    (EndpointConnectionError, lambda error: CommandError(str(error), _START)),
    (NoCredentialsError, lambda _: CommandError("no AWS credentials found", SIGN_IN)),
    (ClientError, _refused),
    (BotoCoreError, lambda error: CommandError(str(error), "Check AWS_PROFILE and AWS_REGION")),
    (OSError, lambda error: CommandError(str(error))),
)


def explain(error: Exception) -> CommandError | None:
    """Return an expected failure as a line with advice, or None for a bug, whose traceback should be shown."""
    if isinstance(error, CommandError):
        return error
    return next((make(error) for kind, make in _EXPLANATIONS if isinstance(error, kind)), None)
