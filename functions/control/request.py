"""A request to the control plane, checked: path, query, body and who asks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import orjson

from modelloop.errors import InvalidValueError, MalformedBodyError, NotFoundError
from modelloop.ids import check_model_name

if TYPE_CHECKING:
    from collections.abc import Collection, Mapping

    from modelloop.contracts.http_request import HttpRequest
    from modelloop.json_types import JsonValue

MAX_BYTES = 64 * 1024
MAX_ITEMS = 100
MAX_REASON = 1_000
_MAX_DIGITS = 8


class Request:
    """One request: its route, id and caller (`who`); every reader raises a RequestError that names the field."""

    def __init__(self, http: HttpRequest) -> None:
        self.route = http.route
        self.request_id = http.request_id
        self.who = http.caller or "unknown caller"
        self._http = http

    @property
    def model(self) -> str:
        """The model of the path."""
        return check_model_name(self._http.path.get("model", ""))

    @property
    def version(self) -> int:
        """The version number of the path."""
        text = self._http.path.get("version", "")
        if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_DIGITS or int(text) < 1:
            raise NotFoundError(f"{text[:40]!r} is not a version number", field="version")
        return int(text)

    def part(self, name: str) -> str:
        """Return another part of the path."""
        return _sendable(self._http.path.get(name, "")[:200])

    def query(self, name: str) -> str | None:
        """Return a query parameter, or None."""
        text = self._http.query.get(name)
        return None if text is None else _sendable(text)

    def row(self) -> int | None:
        """Return the query parameter `row`, the place of a row in its request, or None."""
        text = self.query("row")
        if text is None:
            return None
        if not (text.isascii() and text.isdecimal()) or len(text) > _MAX_DIGITS:
            raise InvalidValueError("row is a whole number from 0", field="row")
        return int(text)

    def page(self) -> dict[str, Any]:
        """Return `limit` and `next` as the registry's lists take them."""
        text = self.query("limit") or "20"
        plain = text.isascii() and text.isdecimal() and len(text) <= _MAX_DIGITS
        if not plain or not 1 <= int(text) <= MAX_ITEMS:
            raise InvalidValueError(f"limit is a number from 1 to {MAX_ITEMS}", field="limit")
        return {"limit": int(text), "next": self.query("next")}

    def body(self, fields: Collection[str]) -> Body:
        """Return the body, an object that may have these fields and no other; absent means empty, null means absent."""
        content = self._http.content(max_characters=MAX_BYTES, too_large=f"the body is over {MAX_BYTES} bytes")
        try:
            document = orjson.loads(content or b"{}")
        except ValueError as error:
            raise MalformedBodyError("the body is not JSON") from error
        if not isinstance(document, dict):
            raise MalformedBodyError("the body is not a JSON object")
        for name, value in document.items():
            if name not in fields and value is not None:
                message = f"{name[:40]!r} means nothing here: the fields are {', '.join(fields)}"
                raise InvalidValueError(message, field=name[:200])
        return Body(document)


class Body:
    """The fields of a request body."""

    def __init__(self, document: Mapping[str, JsonValue]) -> None:
        self._document = document

    def version(self) -> int | None:
        """Return the version number, or None when it is left to the loop."""
        value = self._document.get("version")
        if value is None:
            return None
        if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value < 10**_MAX_DIGITS:
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
        if len(value) > MAX_REASON:
            raise InvalidValueError(f"the reason is over {MAX_REASON} characters", field="reason")
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
        if value is not None and (type(value) is not int or not 0 <= value < 10**_MAX_DIGITS):
            raise InvalidValueError(f"{name} is a whole number from 0", field=name)
        return value

    def numbers(self, name: str) -> list[int]:
        """Return a list of version numbers, empty when absent."""
        value = self._document.get(name)
        numbers = [] if value is None else value
        if not isinstance(numbers, list) or not all(_is_version(number) for number in numbers):
            raise InvalidValueError(f"{name} is a list of version numbers", field=name)
        return numbers[:MAX_ITEMS]

    def is_on(self) -> bool:
        """Return the switch `on`, true when absent."""
        value = self._document.get("on", True)
        if not isinstance(value, bool):
            raise InvalidValueError("on is true or false", field="on")
        return value


def _sendable(text: str) -> str:
    """Return a text with a question mark for each lone surrogate: no store or answer takes one, and no name has one."""
    return text.encode("utf-8", "replace").decode()


def _is_version(number: object) -> bool:
    return type(number) is int and 1 <= number < 10**_MAX_DIGITS
