"""After the response: under Lambda's own runtime client, against a double of its APIs."""

from __future__ import annotations

import time
from contextlib import contextmanager
from threading import Semaphore, Thread
from typing import TYPE_CHECKING, Any

import pytest

from inference import extension, telemetry
from inference.lambda_api import LambdaApi, _dechunk
from tests.support.extension_environment import EVENT, delivered, environment, make_stream
from tests.support.lambda_service import LambdaService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.data_plane import Plane, Store


ALLOWED = 60.0  # seconds of an invocation, and of every wait here: no machine is too busy for that


class Work:
    """Stands for the service: what is done after an answer."""

    def __init__(self) -> None:
        self.deadlines: list[float | None] = []
        self.error: Exception | None = None

    def after_answer(self, deadline: float | None = None) -> None:
        self.deadlines.append(deadline)
        if self.error is not None:
            raise self.error


def test_the_environment_stays_awake_until_the_work_is_done(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    began = time.monotonic()
    with LambdaService() as service:
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", service.address)
        after = extension.start(lambda: work)  # type: ignore[arg-type, return-value]
        assert isinstance(after, extension.AfterResponse)
        assert len(service.extensions) == 1
        for turn in range(3):
            with play_runtime(service) as invocation:
                assert len(work.deadlines) == turn
                after.answered()
            assert invocation.quiet.wait(ALLOWED)
            assert len(work.deadlines) == turn + 1
        assert work.deadlines[0] is not None
        lasts = ALLOWED - 0.5  # the margin before Lambda's own end; a hundredth for the clocks' rounding
        assert began - 0.01 <= work.deadlines[0] - lasts <= time.monotonic() + 0.01


@contextmanager
def play_runtime(service: LambdaService) -> Iterator[Any]:
    """Be the runtime for one invocation: take it, let the test act as the handler, answer, ask for the next."""
    taken: list[Any] = []
    service.ready.set()
    invoker = Thread(target=lambda: taken.append(service.invoke({}, timeout=ALLOWED)))
    invoker.start()
    invocation = service.next_for("runtime")
    assert invocation is not None
    yield invocation
    service.finish(b"{}", failed=False)
    invoker.join(ALLOWED)
    service.came_back("runtime")


def test_work_that_fails_never_keeps_the_environment_awake(monkeypatch: pytest.MonkeyPatch) -> None:
    work = Work()
    work.error = RuntimeError("anything")
    told: list[str] = []
    monkeypatch.setattr(telemetry.logger(), "exception", told.append)
    with LambdaService() as service:
        monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", service.address)
        after = extension.start(lambda: work)  # type: ignore[arg-type, return-value]
        for _ in range(2):
            with play_runtime(service) as invocation:
                after.answered()
            assert invocation.quiet.wait(ALLOWED)
    assert len(work.deadlines) == 2
    assert len(told) == 2


def test_without_an_answer_the_deadline_ends_the_wait() -> None:
    work = Work()
    waits: list[float | None] = []

    class Answers(Semaphore):
        def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
            waits.append(timeout)
            return super().acquire(blocking, timeout)

    class Api:
        def next_event(self) -> float:
            return (time.time() + 0.6) * 1e3

    after_response = extension.AfterResponse.__new__(extension.AfterResponse)
    after_response._service, after_response._api = (lambda: work), Api()  # type: ignore[assignment, return-value]
    after_response._answers = Answers(0)
    after_response.turn()
    (waited,) = waits
    assert waited is not None
    assert 0 <= waited <= 0.101, "half a second before the invocation's end"
    assert not work.deadlines


def test_without_an_extensions_api_work_goes_before_the_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_LAMBDA_RUNTIME_API", "127.0.0.1:9")
    monkeypatch.setattr(telemetry.logger(), "warning", lambda _: None)
    work = Work()
    after = extension.start(lambda: work)  # type: ignore[arg-type, return-value]
    after.answered()
    (deadline,) = work.deadlines
    assert deadline is not None
    assert deadline - time.monotonic() < 5


def test_registration_after_init_is_refused() -> None:
    with LambdaService() as service:
        service.ready.set()
        with pytest.raises(OSError, match="403"):
            LambdaApi.register(service.address, "modelloop")


def test_chunked_answers_are_read() -> None:
    assert _dechunk(b"4\r\nwiki\r\n5;x=y\r\npedia\r\n0\r\n\r\n") == b"wikipedia"


def test_under_the_real_runtime_client_captures_follow_the_answer(store: Store, plane: Plane, endpoint: str) -> None:
    assert plane.service
    store.pointer(store.version(1))
    make_stream(endpoint, "captures")
    with LambdaService() as service, environment(service):
        for _ in range(3):
            done = service.invoke(EVENT, wait_idle=True)
            assert done.error is None
            assert done.response["statusCode"] == 200
            assert done.answered is not None
            assert done.idle is not None
            assert done.idle > done.answered
    lines = delivered(store, "captures")
    assert sorted(line["cold"] for line in lines) == [False, False, True]
    assert all(line["columns"] == {"mass": [1.0], "island": ["Dream"]} for line in lines)
