"""Ask the serving runtime to replay rows through an exported model, and wait for its verdict."""

from __future__ import annotations

from typing import Any

import orjson

from modelloop.aws.clients import calling, client
from modelloop.errors import ExportMismatchError
from modelloop.settings import settings

SECONDS = 120.0


def replay(event: dict[str, Any]) -> dict[str, Any]:
    """Return the replay function's answer; raise ExportMismatchError when it failed instead of answering."""
    with calling("the replay function"):
        answer = client("lambda", read_seconds=SECONDS, attempts=1).invoke(
            FunctionName=settings().replay_function, Payload=orjson.dumps(event)
        )
        body = answer["Payload"].read()
    if answer.get("FunctionError"):
        raise ExportMismatchError(
            f"the serving runtime could not replay the model: {body[:500].decode(errors='replace')}"
        )
    verdict: dict[str, Any] = orjson.loads(body)
    return verdict
