"""The emulator's application, which saves its state while it runs, so that a crash loses only seconds of it.

It runs in the emulator's own environment: of this project, only the modules beside it can be imported here.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from front_door import guarded
from ministack import app as emulator
from ministack.core.persistence import save_all
from ministack.services import apigateway_v1

Message = dict[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]

SAVE_SECONDS = 5.0
CALLS = os.path.join(os.environ["EMBEDDED_STACK"], "calls.jsonl")  # noqa: PTH118  not worth an import
CALLER = re.compile(r"app/([\w-]+)|(object_store)|Firehose_")
READING = {"GET", "HEAD", "OPTIONS"}
changed = asyncio.Event()
tasks: set[asyncio.Task[None]] = set()
calls: set[str] = set()


async def _emulate(scope: Message, receive: Receive, send: Send) -> None:
    """Forward every request to the emulator; remember when it may have changed something."""
    if scope["type"] == "lifespan":
        await emulator.app(scope, receive, _saving_once_started(send))
        return
    if scope.get("method") not in READING:
        changed.set()
    _record(scope)
    await emulator.app(scope, receive, send)


app = guarded(_emulate, int(os.environ["GATEWAY_PORT"]), Path(os.environ["EMBEDDED_STACK"]))


def _matches_as_aws_does(media_type: str | None, binary: list[str]) -> bool:
    """Take a body without a media type for JSON, as AWS does; the emulator takes it for text, and ruins binary ones."""
    return bool(_matches(media_type or "application/json", binary))


_matches = apigateway_v1._media_type_matches  # noqa: SLF001  there is no setting for it
apigateway_v1._media_type_matches = _matches_as_aws_does  # noqa: SLF001


def _record(scope: Message) -> None:
    """Record each kind of call that a function makes, once: caller, action, bucket and prefix."""
    headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope.get("headers", ())}
    target = headers.get("x-amz-target", "")
    caller = CALLER.search(f"{headers.get('user-agent', '')} {target}")
    if caller is None:
        return
    names = re.findall(r"[\w.-]+", scope.get("query_string", b"").decode("latin-1"))
    place = "/".join(scope["path"].split("/")[1:3])
    flags = sorted({"versionId", "list-type", "uploads"} & set(names))
    line = json.dumps([caller[1] or caller[2] or "signer", scope["method"], target, place, flags])
    if line not in calls:
        calls.add(line)
        with open(CALLS, "a") as file:  # noqa: PTH123  not worth an import
            file.write(f"{line}\n")


def _saving_once_started(send: Send) -> Send:
    """Start to save when the emulator has loaded its saved state: earlier, the empty state would overwrite it."""

    async def forward(message: Message) -> None:
        if message["type"] == "lifespan.startup.complete":
            tasks.add(asyncio.create_task(_save_changes()))
        await send(message)

    return forward


async def _save_changes() -> None:
    while True:
        await changed.wait()
        await asyncio.sleep(SAVE_SECONDS)
        changed.clear()
        save_all(emulator._build_persistence_save_dict())  # noqa: SLF001  there is no public function for it
