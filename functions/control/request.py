"""What an API Gateway proxy event says, checked: route, path, query, body and who asks."""

from __future__ import annotations

from base64 import b64decode
from typing import TYPE_CHECKING, Any

import orjson

from modelloop.errors import InvalidValueError, MalformedBodyError, NotFoundError, TooLargeError
from modelloop.ids import check_model_name

if TYPE_CHECKING:
    from collections.abc import Collection

MOST_BYTES = 64 * 1024
MOST_ITEMS = 100
LONGEST_REASON = 1_000
_LONGEST_NUMBER = 8


class Request:
    """One request to the control plane; every reader raises a RequestError that names the field."""

    def __init__(self, event: dict[str, Any]) -> None:
        self.route = f"{event['httpMethod']} {event['resource']}"
        self._event = event
        self._path: dict[str, str] = event.get("pathParameters") or {}
        self._query: dict[str, str] = event.get("queryStringParameters") or {}
        self._context: dict[str, Any] = event.get("requestContext") or {}

    @property
    def request_id(self) -> str:
        """The gateway's id of the request."""
        return str(self._context.get("requestId") or "")

    @property
    def who(self) -> str:
        """The caller's identity, as IAM proved it to the gateway."""
        identity = self._context.get("identity") or {}
        return str(identity.get("userArn") or identity.get("caller") or identity.get("accountId") or "unknown caller")

    @property
    def model(self) -> str:
        """The model of the path."""
        return check_model_name(self._path.get("model", ""))

    @property
    def version(self) -> int:
        """The version number of the path."""
        text = self._path.get("version", "")
        if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER or int(text) < 1:
            raise NotFoundError(f"{text[:40]!r} is not a version number", field="version")
        return int(text)

    def part(self, name: str) -> str:
        """Return another part of the path."""
        return self._path.get(name, "")[:200]

    def query(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        return self._query.get(name)

    def row(self) -> int | None:
        """Return the query parameter `row`, the place of a row in its request, or None."""
        text = self.query("row")
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal()) or len(text) > _LONGEST_NUMBER:
            raise InvalidValueError("row is a whole number from 0", field="row")
        return int(text)

    def page(self) -> dict[str, Any]:
        """Return `limit` and `next` as the registry's lists take them."""
        text = self._query.get("limit") or "20"
        if not (text.isascii() and text.isdecimal() and 1 <= int(text[:_LONGEST_NUMBER]) <= MOST_ITEMS):
            raise InvalidValueError(f"limit is a number from 1 to {MOST_ITEMS}", field="limit")
        return {"limit": int(text), "next": self._query.get("next")}

    def body(self, fields: Collection[str]) -> Body:
        """Return the body, an object that may have these fields and no other; absent means empty, null means absent."""
        text = self._event.get("body") or "{}"
        if len(text) > MOST_BYTES:
            raise TooLargeError(f"the body is over {MOST_BYTES} bytes")
        try:
            document = orjson.loads(b64decode(text, validate=True) if self._event.get("isBase64Encoded") else text)
        except ValueError as error:
            raise MalformedBodyError("the body is not JSON") from error
        if not isinstance(document, dict):
            raise MalformedBodyError("the body is not a JSON object")
        for name, value in document.items():
            if name not in fields and value is not None:
                told = f"{name[:40]!r} means nothing here: the fields are {', '.join(fields)}"
                raise InvalidValueError(told, field=name[:200])
        return Body(document)


class Body:
    """The fields of a request body."""

    def __init__(self, document: dict[str, Any]) -> None:
        self._document = document

    def version(self) -> int | None:
        """Return the version number, or None when it is left to the loop."""
        value = self._document.get("version")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 10**_LONGEST_NUMBER:
            raise InvalidValueError("version is a whole number from 1", field="version")
        return value

    def named_version(self) -> int:
        """Return the version number, which must be there."""
        value = self.version()
        if value is None:
            raise InvalidValueError('name the version: {"version": 3, "reason": "…"}', field="version")
        return value

    def reason(self) -> str:
        """Return why the caller does this; the audit log keeps it."""
        value = self.text("reason").strip()
        if len(value) > LONGEST_REASON:
            raise InvalidValueError(f"the reason is over {LONGEST_REASON} characters", field="reason")
        return value

    def text(self, name: str) -> str:
        """Return a field that is text and not empty."""
        value = self._document.get(name)
        if not isinstance(value, str) or not value.strip():
            raise InvalidValueError(f"{name} is missing: give it as text", field=name)
        return value

    def choice(self, name: str, among: Collection[str]) -> str | None:
        """Return a field that is one of a few words, or None when absent."""
        value = self._document.get(name)
        if value is not None and (not isinstance(value, str) or value not in among):
            raise InvalidValueError(f"{name} is one of {', '.join(among)}", field=name)
        return value

    def count(self, name: str) -> int | None:
        """Return a whole number from 0, or None when absent."""
        value = self._document.get(name)
        if value is not None and (type(value) is not int or not 0 <= value < 10**_LONGEST_NUMBER):
            raise InvalidValueError(f"{name} is a whole number from 0", field=name)
        return value

    def numbers(self, name: str) -> list[int]:
        """Return a list of version numbers, empty when absent."""
        value = self._document.get(name)
        found = [] if value is None else value
        if not isinstance(found, list) or not all(type(one) is int and 1 <= one < 10**_LONGEST_NUMBER for one in found):
            raise InvalidValueError(f"{name} is a list of version numbers", field=name)
        return found[:MOST_ITEMS]

    def is_on(self) -> bool:
        """Return the switch `on`, true when absent."""
        value = self._document.get("on", True)
        if not isinstance(value, bool):
            raise InvalidValueError("on is true or false", field="on")
        return value
