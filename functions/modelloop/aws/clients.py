"""Lazily built, cached boto3 clients with one retry layer, and what their failures mean in the domain's words.

Retries live here alone: three attempts, short timeouts, so that the slowest failing call ends inside half of the
shortest timeout of a function (29 s). What is left is a TransientError, and the event or the caller tries again.
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, Any

import boto3
from botocore import exceptions
from botocore.config import Config
from botocore.exceptions import ClientError

from modelloop.errors import ConflictError, NotFoundError, TransientError

if TYPE_CHECKING:
    from collections.abc import Iterator

ATTEMPTS = 3
CONNECT_SECONDS = 1.0
READ_SECONDS = 2.5
PATIENT_SECONDS = 30.0  # for large bodies, and for an emulator that shares the machine with everything else

_NETWORK = (
    exceptions.ConnectionError,
    exceptions.HTTPClientError,
    exceptions.IncompleteReadError,
    exceptions.ResponseStreamingError,
)
_THROTTLES = frozenset({
    "Throttling", "ThrottlingException", "ThrottledException", "RequestLimitExceeded", "RequestThrottled",
    "ProvisionedThroughputExceededException", "TooManyRequestsException", "SlowDown", "RequestTimeout",
    "LimitExceededException", "TransactionInProgressException", "ServiceUnavailable", "InternalError",
})  # fmt: skip
_MISSING = frozenset({"NoSuchKey", "NoSuchVersion", "404", "NotFound"})
_LOWEST_SERVER_ERROR = 500


@cache
def client(service: str, *, read_seconds: float = READ_SECONDS, attempts: int = ATTEMPTS) -> Any:
    """Return the process's client for a service; ask for longer reads only where an answer takes long."""
    emulated = bool(os.environ.get("AWS_ENDPOINT_URL"))
    config = Config(
        connect_timeout=CONNECT_SECONDS,
        read_timeout=max(read_seconds, PATIENT_SECONDS) if emulated else read_seconds,
        retries={"mode": "standard", "total_max_attempts": attempts},
        signature_version="s3v4" if service == "s3" else None,
        s3={"addressing_style": "path" if emulated else "virtual"},
    )
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    return boto3.client(service, region_name=region, config=config)  # type: ignore[call-overload]  # named at run time


@contextmanager
def calling(what: str) -> Iterator[None]:
    """Turn the failures of the AWS call inside into the domain's errors; `what` is its subject, for a person.

    Raises TransientError for throttles, outages and lost connections, ConflictError for a failed precondition and
    NotFoundError for an absent object. Every other error stays as it is: a bug or a missing permission is loud.
    """
    try:
        yield
    except ClientError as error:
        meaning = _meaning(error, what)
        if meaning is None:
            raise
        raise meaning from error
    except _NETWORK as error:
        raise TransientError(f"{what}: the connection failed; try again") from error


def error_code(error: ClientError) -> str:
    """Return the service's own code of an error."""
    return str(error.response.get("Error", {}).get("Code", ""))


def _meaning(error: ClientError, what: str) -> TransientError | ConflictError | NotFoundError | None:
    code = error_code(error)
    status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
    if code in _THROTTLES or status >= _LOWEST_SERVER_ERROR or code == "ConditionalRequestConflict":
        return TransientError(f"{what}: the service is busy ({code}); try again")
    if code in {"PreconditionFailed", "412"}:
        return ConflictError(f"{what}: somebody else was first; read it again and decide anew")
    if code in _MISSING:
        return NotFoundError(f"{what} does not exist")
    return None
