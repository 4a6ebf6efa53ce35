"""Captures that linger: fewer deliveries, and a loss that is bounded and counted."""

from __future__ import annotations

import json
import signal
import time
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.errors import TransientError
from tests.support.extension_environment import EVENT, delivered, environment, make_stream
from tests.support.lambda_service import LambdaService

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

ROUTE = "POST /models/{model}/invocations"
ROW = {"instances": [[1.0, "Dream"]]}


class Clock:
    """Stands for the wall clock, which goes on while an environment sleeps."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now = time.time()
        monkeypatch.setattr("inference.outbox.time.time", lambda: self.now)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    return Clock(monkeypatch)


@pytest.fixture
def lingering(store: Store, plane: Plane) -> Plane:
    store.pointer(store.version(1))
    plane.service.outbox.linger = 5.0
    return plane


def ask(plane: Plane, body: Any = ROW, status: int = 200) -> None:
    assert plane.call(ROUTE, body, model="penguins").status == status


def counted(capsys: pytest.CaptureFixture[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for entry in map(json.loads, capsys.readouterr().out.splitlines()):
        for name in ("CapturesKept", "CapturesDelivered", "CapturesLost"):
            found[name] = found.get(name, 0) + entry.get(name, 0)
    return found


def test_captures_wait_and_go_together(lingering: Plane, clock: Clock, capsys: pytest.CaptureFixture[str]) -> None:
    for _ in range(3):
        ask(lingering)
        clock.now += 1.5
    assert lingering.captures.lines == []
    assert counted(capsys) == {"CapturesKept": 3, "CapturesDelivered": 0, "CapturesLost": 0}

    clock.now += 0.6
    ask(lingering, {"instances": [["heavy", "Dream"]]}, status=422)
    assert [line["kind"] for line in lingering.captures.lines] == ["prediction"] * 3 + ["error"]
    assert counted(capsys) == {"CapturesKept": 1, "CapturesDelivered": 4, "CapturesLost": 0}

    ask(lingering)
    assert len(lingering.captures.lines) == 4


def test_an_environment_that_slept_delivers_at_its_next_request(lingering: Plane, clock: Clock) -> None:
    ask(lingering)
    clock.now += 3_600
    ask(lingering)
    assert len(lingering.captures.lines) == 2


def test_no_more_than_ten_thousand_rows_linger(lingering: Plane, clock: Clock) -> None:
    assert clock.now
    ask(lingering, {"instances": [[1.0, "Dream"]] * 9_000})
    assert lingering.captures.lines == []
    ask(lingering, {"instances": [[1.0, "Dream"]] * 1_000})
    assert sum(line["rows"] for line in lingering.captures.lines) == 10_000
    ask(lingering)
    assert sum(line["rows"] for line in lingering.captures.lines) == 10_000


def test_nothing_lingers_by_default(store: Store, plane: Plane, capsys: pytest.CaptureFixture[str]) -> None:
    store.pointer(store.version(1))
    ask(plane)
    assert len(plane.captures.lines) == 1
    assert counted(capsys) == {"CapturesKept": 0, "CapturesDelivered": 0, "CapturesLost": 0}


def test_what_an_ending_environment_cannot_deliver_is_counted(
    lingering: Plane, clock: Clock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert clock.now
    ask(lingering)
    ask(lingering)
    lingering.captures.error = TransientError("the stream is down")
    lingering.service.outbox.end(time.monotonic() + 0.25)
    assert counted(capsys) == {"CapturesKept": 2, "CapturesDelivered": 0, "CapturesLost": 2}


def test_an_environment_that_is_asked_to_end_delivers_what_lingers(store: Store, plane: Plane, endpoint: str) -> None:
    assert plane.service
    store.pointer(store.version(1))
    make_stream(endpoint, "lingering")
    more = {"MODELLOOP_CAPTURE_LINGER": "60", "MODELLOOP_CAPTURE_STREAM": "lingering", "AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}  # fmt: skip  # noqa: E501
    with LambdaService() as service, environment(service, **more) as process:
        for _ in range(3):
            assert service.invoke(EVENT, wait_idle=True).response["statusCode"] == 200
        assert delivered(store, "lingering") == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == -signal.SIGTERM
    assert len(delivered(store, "lingering")) == 3
