"""The token without which the loopback proxy answers nobody: other users of a machine reach its loopback address too.

A browser gets it in the address that it is opened with, and keeps it as a cookie; a program sends it as a bearer token.
"""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, urlencode, urlsplit

if TYPE_CHECKING:
    from collections.abc import Mapping

PARAMETER = "token"
USABLE = re.compile(r"[A-Za-z0-9._~-]{16,200}")
_BYTES = 32


def random_token() -> str:
    """Return a token that nobody can guess."""
    return secrets.token_urlsafe(_BYTES)


@dataclass(frozen=True, slots=True)
class AccessToken:
    """One token of the proxy on one port; cookies are shared by all ports of an address, so theirs is in the name."""

    text: str
    port: int

    @property
    def cookie(self) -> str:
        """Return the Set-Cookie header: no script can read it, and no request from another site carries it."""
        return f"{self._name}={self.text}; HttpOnly; SameSite=Strict; Path=/"

    def is_sent(self, headers: Mapping[str, str]) -> bool:
        """Return whether a request with these headers, their names in lower case, has the token."""
        scheme, _, credentials = headers.get("authorization", "").partition(" ")
        if scheme.lower() == "bearer" and self._matches(credentials.strip()):
            return True
        try:
            kept = SimpleCookie(headers.get("cookie", "")).get(self._name)
        except CookieError:
            return False
        return kept is not None and self._matches(kept.value)

    def address_without(self, target: str) -> str | None:
        """Return path and query without the token when they have the right one, else None."""
        place = urlsplit(target)
        query = parse_qsl(place.query, keep_blank_values=True)
        if not any(name == PARAMETER and self._matches(value) for name, value in query):
            return None
        rest = urlencode([(name, value) for name, value in query if name != PARAMETER])
        path = "/" + place.path.lstrip("/")  # two slashes would lead to another host
        return f"{path}?{rest}" if rest else path

    @property
    def _name(self) -> str:
        return f"modelloop-{self.port}"

    def _matches(self, text: str) -> bool:
        return secrets.compare_digest(text.encode(), self.text.encode())
