"""How requests are authenticated: by an API key on the data plane, by SigV4 on the control plane."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import httpx
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

if TYPE_CHECKING:
    from collections.abc import Generator

    from botocore.credentials import Credentials

DATA_PLANE = re.compile(r"/(?:ping|health|openapi\.json|v2(?:/.*)?|models/[^/]+/(?:invocations|feedback))")
_SIGNED = ("host", "content-type")


def is_data_plane(path: str) -> bool:
    """Return whether a path below the API's stage needs the API key; other paths need a signature."""
    return DATA_PLANE.fullmatch(path) is not None


class ApiKey(httpx.Auth):
    """Adds the API key of the stack's usage plan."""

    def __init__(self, key: str) -> None:
        self._key = key

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send the request with the key."""
        request.headers["x-api-key"] = self._key
        yield request


class Signature(httpx.Auth):
    """Signs a request to API Gateway with AWS Signature Version 4."""

    requires_request_body = True

    def __init__(self, credentials: Credentials, region: str) -> None:
        self._credentials = credentials
        self._region = region

    def auth_flow(self, request: httpx.Request) -> Generator[httpx.Request, httpx.Response]:
        """Send the request with its signature."""
        signed = AWSRequest(
            method=request.method,
            url=str(request.url.copy_with(query=None)),
            params=dict(request.url.params.multi_items()),
            data=request.content,
            headers={name: request.headers[name] for name in _SIGNED if name in request.headers},
        )
        SigV4Auth(self._credentials.get_frozen_credentials(), "execute-api", self._region).add_auth(signed)
        request.headers.update(dict(signed.headers.items()))
        yield request
