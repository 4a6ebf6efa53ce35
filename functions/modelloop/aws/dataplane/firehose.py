"""A small Firehose client for the data plane: signed PutRecordBatch over a kept-alive connection.

Import it late: its HTTP and TLS modules cost more than an answer.
"""

from __future__ import annotations

import os
import time
from base64 import b64encode
from http.client import HTTPConnection, HTTPException, HTTPSConnection
from random import random
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

import orjson

from modelloop.aws.dataplane.sigv4 import Credentials, Scope, sign
from modelloop.errors import TransientError

if TYPE_CHECKING:
    from collections.abc import Sequence

MAX_BATCH = 3_000_000
MAX_RECORDS = 500
ATTEMPTS = 4
_TARGET = "Firehose_20150804.PutRecordBatch"
_SLOW_DOWN = frozenset({"ThrottlingException", "ServiceUnavailableException", "LimitExceededException"})


class Endpoint(NamedTuple):
    """Where the service answers."""

    secure: bool
    host: str
    port: int

    @property
    def netloc(self) -> str:
        """The Host header."""
        return self.host if self.port == (443 if self.secure else 80) else f"{self.host}:{self.port}"


def endpoint_from_environment(region: str) -> Endpoint:
    """Return the endpoint that AWS_ENDPOINT_URL_FIREHOSE or AWS_ENDPOINT_URL names, or the region's."""
    url = os.environ.get("AWS_ENDPOINT_URL_FIREHOSE") or os.environ.get("AWS_ENDPOINT_URL")
    if not url:
        return Endpoint(True, f"firehose.{region}.amazonaws.com", 443)
    parts = urlsplit(url)
    secure = parts.scheme == "https"
    return Endpoint(secure, parts.hostname or "localhost", parts.port or (443 if secure else 80))


class Firehose:
    """One delivery stream; `put` returns when every record is accepted, or raises TransientError."""

    def __init__(self, stream: str, *, timeout: float = 3.0) -> None:
        self.stream = stream
        self._region = os.environ.get("AWS_REGION", "us-east-1")
        self._endpoint = endpoint_from_environment(self._region)
        self._timeout = timeout
        self._connection: HTTPConnection | None = None

    def put(self, records: Sequence[bytes], *, deadline: float | None = None) -> None:
        """Deliver records in batches; those refused one by one are sent again. `deadline` is on time.monotonic."""
        for batch in batches(records):
            self._put_batch(batch, deadline)

    def _put_batch(self, batch: list[bytes], deadline: float | None) -> None:
        reason = ""
        for attempt in range(ATTEMPTS):
            if attempt:
                time.sleep(random() * 0.1 * 2**attempt)  # noqa: S311  jitter
            if deadline is not None and time.monotonic() > deadline:
                break
            try:
                batch, reason = self._send(batch, deadline)
            except (OSError, HTTPException) as error:
                self.close()
                reason = type(error).__name__
            if not batch:
                return
        raise TransientError(f"{len(batch)} records were not taken by {self.stream}: {reason or 'out of time'}")

    def _send(self, batch: list[bytes], deadline: float | None) -> tuple[list[bytes], str]:
        """Send once; return the records that were not taken, and why. Raises OSError, TransientError."""
        status, answer = self._post(
            orjson.dumps(
                {
                    "DeliveryStreamName": self.stream,
                    "Records": [{"Data": b64encode(record).decode()} for record in batch],
                }
            ),
            self._timeout if deadline is None else min(self._timeout, max(deadline - time.monotonic(), 0.1)),
        )
        if status >= 500 or _kind(answer) in _SLOW_DOWN:  # noqa: PLR2004  HTTP
            return batch, _kind(answer) or str(status)
        if status != 200:  # noqa: PLR2004  HTTP
            raise TransientError(f"{self.stream} answered {status} {_kind(answer)}")
        if not answer.get("FailedPutCount"):
            return [], ""
        pairs = list(zip(batch, answer["RequestResponses"], strict=True))
        failed = [entry for _, entry in pairs if entry.get("ErrorCode")]
        return [record for record, entry in pairs if entry.get("ErrorCode")], str(failed[0]["ErrorCode"])

    def _post(self, body: bytes, timeout: float) -> tuple[int, dict[str, Any]]:
        headers = {
            "Host": self._endpoint.netloc,
            "Content-Type": "application/x-amz-json-1.1",
            "X-Amz-Target": _TARGET,
        }
        scope = Scope(time.strftime("%Y%m%dT%H%M%SZ", time.gmtime()), self._region, "firehose")
        connection = self._connect(timeout)
        connection.request("POST", "/", body, sign("POST", "/", headers, body, _credentials(), scope))
        response = connection.getresponse()
        raw = response.read()
        try:
            answer = orjson.loads(raw)
        except orjson.JSONDecodeError:
            answer = {}
        return response.status, answer if isinstance(answer, dict) else {}

    def _connect(self, timeout: float) -> HTTPConnection:
        if self._connection is None:
            kind = HTTPSConnection if self._endpoint.secure else HTTPConnection
            self._connection = kind(self._endpoint.host, self._endpoint.port, timeout=timeout)
        elif self._connection.sock is not None:
            self._connection.sock.settimeout(timeout)
        return self._connection

    def close(self) -> None:
        """Close the connection; the next record opens another."""
        if self._connection is not None:
            self._connection.close()
        self._connection = None


def batches(records: Sequence[bytes]) -> list[list[bytes]]:
    """Split records into calls of at most 500 records and 3 MB: 4 MB as they travel, in base64."""
    found: list[list[bytes]] = []
    size = 0
    for record in records:
        if not found or len(found[-1]) == MAX_RECORDS or size + len(record) > MAX_BATCH:
            found.append([])
            size = 0
        found[-1].append(record)
        size += len(record)
    return found


def _kind(answer: dict[str, Any]) -> str:
    return str(answer.get("__type", "")).rpartition("#")[2]


def _credentials() -> Credentials:
    read = os.environ.get
    return Credentials(
        read("AWS_ACCESS_KEY_ID", ""), read("AWS_SECRET_ACCESS_KEY", ""), read("AWS_SESSION_TOKEN") or None
    )
