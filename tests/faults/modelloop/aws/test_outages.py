"""Throttles, outages and lost connections at any call: few tries, then an error that says to try again."""

from __future__ import annotations

import json
from threading import get_ident
from typing import TYPE_CHECKING, Any

import pytest
from botocore.awsrequest import AWSResponse, HTTPHeaders
from botocore.exceptions import (
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
)

from control import handler as control
from modelloop.aws import clients
from modelloop.aws.storage import Bucket
from modelloop.errors import ConflictError, NotFoundError, TransientError
from tests.support.rollouts import new_model, state
from tests.support.schedule import hooked

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from modelloop.aws.registry.registry import Registry

URL = "https://store.test"
MOST_CALLS = 20


def refused(code: str, status: int) -> ClientError:
    answer: Any = {"Error": {"Code": code, "Message": "m"}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "Operation")


FAULTS: dict[str, Exception] = {
    "throttle": refused("ThrottlingException", 400),
    "capacity": refused("ProvisionedThroughputExceededException", 400),
    "slow down": refused("SlowDown", 503),
    "500": refused("InternalServerError", 500),
    "connect timeout": ConnectTimeoutError(endpoint_url=URL),
    "read timeout": ReadTimeoutError(endpoint_url=URL),
    "no route": EndpointConnectionError(endpoint_url=URL),
    "reset": ConnectionClosedError(endpoint_url=URL),
}
REQUESTS = {
    "promote": ("POST", "/models/{model}/promote", {"version": 5, "reason": "why"}),
    "reject": ("POST", "/models/{model}/reject", {"version": 3, "reason": "why"}),
    "approve": ("POST", "/models/{model}/approve", {"version": 4, "reason": "why"}),
    "models": ("GET", "/models", None),
    "versions": ("GET", "/models/{model}/versions", None),
    "runs": ("GET", "/models/{model}/runs", None),
    "audit": ("GET", "/models/{model}/audit", None),
    "drift": ("GET", "/models/{model}/drift", None),
    "summary": ("GET", "/models/{model}/summary", None),
    "metrics": ("GET", "/metrics", None),
}


@pytest.fixture(autouse=True)
def _fresh_process() -> Iterator[None]:
    control._services.cache_clear()
    yield
    control._services.cache_clear()


def ask(name: str, model: str) -> tuple[int, dict[str, str], str]:
    method, resource, body = REQUESTS[name]
    event = {
        "httpMethod": method,
        "resource": resource,
        "pathParameters": {"model": model},
        "body": json.dumps(body or {}),
    }
    answer = control.handler(event, None)
    return answer["statusCode"], answer["headers"], answer["body"]


def failing(index: int, fault: Exception) -> tuple[Callable[..., None], list[int]]:
    seen = [0]

    def fail(**_: Any) -> None:
        seen[0] += 1
        if seen[0] == index + 1:
            raise fault

    return fail, seen


@pytest.mark.parametrize("name", REQUESTS)
def test_an_outage_at_any_call_is_503_and_repeating_gets_there(registry: Registry, name: str) -> None:
    model = _known(registry)
    assert ask(name, model)[0] == 200
    expected = state(registry, model)
    for index, fault in zip(range(MOST_CALLS), [*FAULTS.values()] * 3, strict=False):
        if REQUESTS[name][0] == "POST":
            model = _known(registry)
        fail, seen = failing(index, fault)
        with hooked(fail):
            status, headers, body = ask(name, model)
        if seen[0] <= index:
            assert status == 200
            break
        assert (status, headers.get("Retry-After")) == (503, "2"), (index, body)
        assert "try again" in json.loads(body)["error"]
        assert ask(name, model)[0] == 200
        assert state(registry, model) == expected
    else:
        pytest.fail("the route makes more calls than this test tried")


def _known(registry: Registry) -> str:
    model = new_model(registry)
    state(registry, model)
    return model


@pytest.mark.parametrize("fault", FAULTS)
def test_every_outage_means_try_again(fault: str) -> None:
    with pytest.raises(TransientError, match="try again"), clients.calling("the table"):
        raise FAULTS[fault]


@pytest.mark.parametrize(
    ("code", "status", "meaning"),
    [
        ("PreconditionFailed", 412, ConflictError),
        ("NoSuchKey", 404, NotFoundError),
        ("NoSuchVersion", 404, NotFoundError),
        ("AccessDenied", 403, ClientError),
        ("ValidationException", 400, ClientError),
        ("NoSuchBucket", 404, ClientError),
    ],
)
def test_what_is_no_outage_keeps_its_meaning(code: str, status: int, meaning: type[Exception]) -> None:
    with pytest.raises(meaning), clients.calling("k"):
        raise refused(code, status)


def test_a_conflict_of_two_writes_in_flight_is_tried_again(registry: Registry) -> None:  # noqa: ARG001  the stores
    busy = [refused("ConditionalRequestConflict", 409)] * 2

    def fail(**_: Any) -> None:
        if busy:
            raise busy.pop()

    with hooked(fail):
        assert Bucket("artifacts").put_once("k", b"a")
    busy = [refused("ConditionalRequestConflict", 409)] * 3
    with hooked(fail), pytest.raises(TransientError):
        Bucket("artifacts").put_once("other", b"a")


@pytest.mark.parametrize("service", ["s3", "dynamodb"])
def test_there_are_three_tries_and_they_end_inside_half_of_the_shortest_timeout(
    registry: Registry, service: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    here = get_ident()

    def sleep(seconds: float) -> None:
        if get_ident() == here:  # other threads of the process sleep too: what an earlier test left behind
            slept.append(seconds)

    monkeypatch.setattr("time.sleep", sleep)
    tries = [0]

    class Raw:
        def stream(self) -> Iterator[bytes]:
            yield b""

    def answer_500(**_: Any) -> AWSResponse:
        tries[0] += 1
        return AWSResponse(URL, 500, HTTPHeaders(), Raw())

    events = clients.client(service).meta.events
    events.register_first("before-send", answer_500)
    try:
        with pytest.raises(TransientError):
            Bucket("artifacts").get("k") if service == "s3" else registry.get_run("m", "r")
    finally:
        events.unregister("before-send", answer_500)
    assert tries[0] == clients.ATTEMPTS == 3
    longest_pauses = 1 + 2
    assert all(pause <= longest for pause, longest in zip(slept, (1, 2), strict=True))
    assert clients.ATTEMPTS * (clients.CONNECT_SECONDS + clients.READ_SECONDS) + longest_pauses < 29 / 2
