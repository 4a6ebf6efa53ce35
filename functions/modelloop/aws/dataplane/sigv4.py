"""AWS Signature Version 4 for one kind of request: a signed POST or GET without a query, with all its headers in hand.

Written out because the SDK's signer costs more to import than the data plane may take; checked in tests against
AWS's published examples and against botocore. Source: "Create a signed AWS API request", AWS IAM User Guide.
"""

from __future__ import annotations

import hmac
from hashlib import sha256
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import quote

if TYPE_CHECKING:
    from collections.abc import Mapping

ALGORITHM = "AWS4-HMAC-SHA256"


class Credentials(NamedTuple):
    """An access key, its secret and, for temporary ones, the session token."""

    access_key: str
    secret_key: str
    token: str | None = None


class Scope(NamedTuple):
    """What a signature is good for; `moment` is UTC as YYYYMMDDTHHMMSSZ."""

    moment: str
    region: str
    service: str

    def text(self) -> str:
        """Return the credential scope."""
        return f"{self.moment[:8]}/{self.region}/{self.service}/aws4_request"


def sign(
    method: str, path: str, headers: Mapping[str, str], body: bytes, credentials: Credentials, scope: Scope
) -> dict[str, str]:
    """Return the headers to send: the given ones, the date, the token and the authorization.

    `path` is absolute and not yet encoded. `headers` must hold Host; every header given is signed.
    """
    sent = {**headers, "X-Amz-Date": scope.moment}
    if credentials.token:
        sent["X-Amz-Security-Token"] = credentials.token
    names = ";".join(sorted(name.lower() for name in sent))
    canonical = canonical_request(method, path, sent, names, body)
    to_sign = "\n".join([ALGORITHM, scope.moment, scope.text(), sha256(canonical.encode()).hexdigest()])
    signature = hmac.digest(signing_key(credentials.secret_key, scope), to_sign.encode(), "sha256").hex()
    sent["Authorization"] = (
        f"{ALGORITHM} Credential={credentials.access_key}/{scope.text()}, SignedHeaders={names}, Signature={signature}"
    )
    return sent


def canonical_request(method: str, path: str, headers: Mapping[str, str], names: str, body: bytes) -> str:
    """Return the canonical request, the text that the signature speaks of; its query is empty."""
    lines = sorted((name.lower(), " ".join(value.split())) for name, value in headers.items())
    fields = "".join(f"{name}:{value}\n" for name, value in lines)
    return "\n".join([method, quote(path, safe="/-_.~"), "", fields, names, sha256(body).hexdigest()])


def signing_key(secret_key: str, scope: Scope) -> bytes:
    """Return the key derived for a day, region and service."""
    key = f"AWS4{secret_key}".encode()
    for part in scope.text().split("/"):
        key = hmac.digest(key, part.encode(), "sha256")
    return key
