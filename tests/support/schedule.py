"""Take AWS calls apart: stop a function before any of its calls, or let two of them take turns."""

from __future__ import annotations

import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from modelloop.aws import clients
from modelloop.errors import ModelloopError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SERVICES = ("s3", "dynamodb")
PATIENCE = 60.0


class CrashError(BaseException):
    """The process is gone: nothing may catch it."""


@contextmanager
def hooked(hook: Callable[..., None]) -> Iterator[None]:
    """Call the hook before every call to the stores."""
    for service in SERVICES:
        clients.client(service).meta.events.register("before-call", hook)
    try:
        yield
    finally:
        for service in SERVICES:
            clients.client(service).meta.events.unregister("before-call", hook)


def count_calls(function: Callable[[], object]) -> int:
    """Return how many calls a function makes."""
    calls: list[str] = []
    with hooked(lambda model, **_: calls.append(model.name)):
        function()
    return len(calls)


def crash(function: Callable[[], object], index: int) -> bool:
    """Run a function that crashes before its call of that index; False when it ended before."""
    seen = [0]

    def stop(**_: Any) -> None:
        seen[0] += 1
        if seen[0] == index + 1:
            raise CrashError

    with hooked(stop):
        try:
            function()
        except CrashError:
            return True
    return False


class Turns:
    """Two functions in two threads of which one runs at a time, taking turns at their calls as a schedule says."""

    def __init__(self, schedule: Sequence[int]) -> None:
        self._schedule = list(schedule)
        self._changed = threading.Condition()
        self._running = {0, 1}
        self._turn: int | None = None
        self._me = threading.local()

    def run(self, functions: Sequence[Callable[[], object]]) -> list[object]:
        """Run both to their ends; return what each returned, or the ModelloopError it raised."""
        results: list[object] = [None, None]

        def work(me: int) -> None:
            self._me.number = me
            self._wait(me)
            try:
                results[me] = functions[me]()
            except ModelloopError as error:
                results[me] = error
            finally:
                self._leave(me)

        threads = [threading.Thread(target=work, args=(me,)) for me in (0, 1)]
        with hooked(lambda **_: self._pause()):
            self._hand_over()
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
        assert not any(thread.is_alive() for thread in threads)
        return results

    def _pause(self) -> None:
        with self._changed:
            self._hand_over()
        self._wait(self._me.number)

    def _hand_over(self) -> None:
        wanted = self._schedule.pop(0) if self._schedule else min(self._running, default=None)
        self._turn = wanted if wanted in self._running else min(self._running, default=None)
        with self._changed:
            self._changed.notify_all()

    def _wait(self, me: int) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self._turn == me, PATIENCE)

    def _leave(self, me: int) -> None:
        with self._changed:
            self._running.discard(me)
            self._hand_over()
