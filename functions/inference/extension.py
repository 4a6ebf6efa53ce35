"""After the response: an internal extension keeps the environment awake until captures are delivered.

Lambda's Extensions API lets a thread of the function's own process ask for the next event; the environment sleeps
when both the runtime and this thread have asked. So the answer leaves as soon as the handler returns, and the work
happens behind it. Where there is no such API, the work happens before the answer. Captures that linger are delivered
when the environment is told to end; Lambda tells that to functions which have an external extension beside this one.
"""

from __future__ import annotations

import os
import signal
import sys
import time
from threading import Semaphore, Thread
from typing import TYPE_CHECKING

from inference import telemetry
from inference.lambda_api import LambdaApi

if TYPE_CHECKING:
    from collections.abc import Callable

    from inference.service import Service

EXTENSION = "extension"
_MARGIN = 0.5
_YIELD = 0.001
_RETRY = 0.1
_PATIENCE = 2.0
_LAST_SECONDS = 0.25  # Lambda leaves 0.3 s between asking a process to end and ending it


class BeforeResponse:
    """Does the work before the answer leaves, where there is no Extensions API."""

    def __init__(self, service: Callable[[], Service]) -> None:
        self._service = service

    def answered(self) -> None:
        """Do the work now."""
        self._service().after_answer(time.monotonic() + _PATIENCE)


class AfterResponse:
    """Does the work in the extension's thread, once the answer is on its way."""

    def __init__(self, service: Callable[[], Service], api: LambdaApi) -> None:
        self._service, self._api = service, api
        self._answers = Semaphore(0)
        Thread(target=self._run, name="after-answers", daemon=True).start()

    def answered(self) -> None:
        """Let the thread begin."""
        self._answers.release()

    def _run(self) -> None:
        while True:
            try:
                self.turn()
            except OSError:
                time.sleep(_RETRY)

    def turn(self) -> None:
        """Wait for one invocation and its answer, do the work until its deadline, and whatever happens go on."""
        left = self._api.next_event() / 1e3 - time.time() - _MARGIN
        deadline = time.monotonic() + left
        try:
            if self._answers.acquire(timeout=max(left, 0.0)):
                time.sleep(_YIELD)
                self._service().after_answer(deadline)
        except Exception:  # noqa: BLE001  a thread that ends would keep the environment awake until its timeout
            telemetry.logger().exception("work after an answer failed")


def start(service: Callable[[], Service], mode: str = EXTENSION, linger: float = 0.0) -> AfterResponse | BeforeResponse:
    """Register with the Extensions API where there is one and `mode` is "extension"; else work precedes the answer.

    With `linger` (seconds), captures that wait are delivered when the environment is told to end.
    """
    address = os.environ.get("AWS_LAMBDA_RUNTIME_API")
    if not address or mode != EXTENSION:
        return BeforeResponse(service)
    try:
        api = LambdaApi.register(address, "modelloop")
    except OSError:
        telemetry.logger().warning("no Extensions API: captures go before the answer")
        return BeforeResponse(service)
    if linger:
        signal.signal(signal.SIGTERM, lambda *_: _end(service()))
    return AfterResponse(service, api)


def _end(service: Service) -> None:
    try:
        service.outbox.end(time.monotonic() + _LAST_SECONDS)
        sys.stdout.flush()
    finally:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
