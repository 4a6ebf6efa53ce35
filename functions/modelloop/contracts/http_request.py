"""API Gateway's proxy events and answers: one HTTP request, as both HTTP functions read it."""

from __future__ import annotations

from binascii import Error as Base64Error
from binascii import a2b_base64
from typing import TYPE_CHECKING, Any, NotRequired, TypedDict

from modelloop.errors import MalformedBodyError, TooLargeError

if TYPE_CHECKING:
    from collections.abc import Mapping


class HttpAnswer(TypedDict):
    """The proxy answer that the gateway takes from a function."""

    statusCode: int
    headers: dict[str, str]
    body: str
    isBase64Encoded: NotRequired[bool]


class HttpRequest:
    """One request, as its event says it. `route` is method and resource, such as "GET /models/{model}".

    `path` and `query` are parameters by name; names of `headers` are in lower case. `text` is the body as it came, ""
    without one, in base64 when `is_base64`.
    """

    __slots__ = ("context", "headers", "is_base64", "path", "query", "request_id", "route", "text")

    def __init__(self, event: Mapping[str, Any]) -> None:
        self.route = f"{event['httpMethod']} {event['resource']}"
        self.path: Mapping[str, str] = event.get("pathParameters") or {}
        self.query: Mapping[str, str] = event.get("queryStringParameters") or {}
        self.headers: Mapping[str, str] = {name.lower(): value for name, value in (event.get("headers") or {}).items()}
        self.context: Mapping[str, Any] = event.get("requestContext") or {}
        self.request_id: str = self.context.get("requestId") or ""
        self.text: str = event.get("body") or ""
        self.is_base64: bool = event.get("isBase64Encoded") or False

    @property
    def caller(self) -> str:
        """The identity that IAM proved to the gateway, "" without one."""
        identity = self.context.get("identity") or {}
        return str(identity.get("userArn") or identity.get("caller") or identity.get("accountId") or "")

    @property
    def media_type(self) -> str:
        """The content type without its parameters, in lower case; empty when none was sent."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    @property
    def charset(self) -> str:
        """The character set that the content type declares; empty when it declares none."""
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return value.strip()
        return ""

    def content(self, *, max_characters: int, too_large: str) -> bytes:
        """Return the body's bytes, still packed when the caller packed them; empty when there is no body.

        Raises TooLargeError with the message `too_large` when the event holds more characters of it, before anything
        is decoded, and MalformedBodyError when it is not base64 though the event says so.
        """
        if len(self.text) > max_characters:
            raise TooLargeError(too_large)
        if not self.is_base64:
            return self.text.encode("utf-8", "replace")
        try:
            return a2b_base64(self.text, strict_mode=True)
        except (Base64Error, ValueError):
            raise MalformedBodyError("the body is not base64, though the event says so") from None
