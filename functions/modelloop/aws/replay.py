"""Ask the serving runtime to replay rows through an exported model, and wait for its verdict."""

from __future__ import annotations

from typing import Any

import orjson
from botocore.exceptions import ReadTimeoutError

from modelloop.aws.clients import calling, client
from modelloop.errors import ExportMismatchError, TransientError
from modelloop.settings import settings

SECONDS = 120.0


def replay(event: dict[str, Any]) -> dict[str, Any]:
    """Return the replay function's answer; raise ExportMismatchError when it failed or hung instead of answering."""
    try:
        with calling("the replay function"):
            answer = client("lambda", read_seconds=SECONDS, attempts=1).invoke(
                FunctionName=settings().replay_function, Payload=orjson.dumps(event)
            )
            body = answer["Payload"].read()
    except TransientError as error:
        if isinstance(error.__cause__, ReadTimeoutError):
            raise ExportMismatchError(f"the serving runtime did not answer within {SECONDS:.0f} s") from error
        raise
    if answer.get("FunctionError"):
        raise ExportMismatchError(
            f"the serving runtime could not replay the model: {body[:500].decode(errors='replace')}"
        )
    verdict: dict[str, Any] = orjson.loads(body)
    return verdict
