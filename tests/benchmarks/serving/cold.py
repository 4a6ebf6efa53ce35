"""Cold starts under Lambda's own runtime client: process start to the first correct answer, and its peak memory."""

from __future__ import annotations

import json
import subprocess
import time
from base64 import b64encode
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from tests.benchmarks.serving import models
from tests.support.lambda_service import LambdaService

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.benchmarks.serving.models import Contender
    from tests.benchmarks.serving.runtimes import Runtime

from contextlib import contextmanager

ROUNDS = {"constant": 11, "ours": 11, "usual": 5, "usual-bare": 3}
WARM = 200


@dataclass(slots=True)
class Starts:
    """Milliseconds of each cold start, peak megabytes of each process."""

    milliseconds: list[float] = field(default_factory=list)
    megabytes: list[float] = field(default_factory=list)

    @property
    def typical(self) -> float:
        return median(self.milliseconds)

    @property
    def peak(self) -> float:
        return median(self.megabytes)


@dataclass(slots=True)
class Loop:
    """Milliseconds as the Runtime API sees them: until the answer, and until the environment could sleep."""

    answered: float
    busy: float


def event(contender: Contender, rows: int = 1) -> dict[str, Any]:
    """Return the gateway's event for a request of so many rows."""
    return {
        "resource": "/v2/models/{model}/infer",
        "httpMethod": "POST",
        "pathParameters": {"model": "bench"},
        "headers": {"Content-Type": "application/json", "Accept": "*/*", "Host": "api", "User-Agent": "bench"},
        "requestContext": {"requestId": "bench"},
        "body": b64encode(models.body(contender, rows)).decode(),
        "isBase64Encoded": True,
    }


def starts(runtimes: dict[str, Runtime], variables: dict[str, str], request: dict[str, Any]) -> dict[str, Starts]:
    """Start every runtime in turn, round by round, so that all see the same machine; the first round is not kept."""
    found = {name: Starts() for name in runtimes}
    for turn in range(max(ROUNDS.values()) + 1):
        for name, runtime in runtimes.items():
            if turn <= ROUNDS[name]:
                milliseconds, megabytes = _start(runtime, variables, request)
                if turn:
                    found[name].milliseconds.append(milliseconds)
                    found[name].megabytes.append(megabytes)
    return found


def _start(runtime: Runtime, variables: dict[str, str], request: dict[str, Any]) -> tuple[float, float]:
    started = time.perf_counter()
    with _running(runtime, variables) as (service, process):
        first = service.invoke(request, timeout=60)
        assert first.error is None, first.error
        assert first.response["statusCode"] == 200, first.response
        if runtime.name != "constant":
            assert "predict_proba" in first.response["body"]
        assert first.answered is not None
        return (first.answered - started) * 1e3, _peak(process)


@contextmanager
def _running(runtime: Runtime, variables: dict[str, str]) -> Iterator[tuple[LambdaService, subprocess.Popen[bytes]]]:
    with LambdaService() as service:
        environment = runtime.environment(service.address, variables)
        process = subprocess.Popen(runtime.command(), env=environment, stdout=subprocess.DEVNULL)
        try:
            yield service, process
        finally:
            process.kill()
            process.wait()


def _peak(process: subprocess.Popen[bytes]) -> float:
    status = Path(f"/proc/{process.pid}/status").read_text()
    (line,) = [line for line in status.splitlines() if line.startswith("VmHWM")]
    return int(line.split()[1]) * 1024 / 1e6


def loop(runtime: Runtime, variables: dict[str, str], request: dict[str, Any]) -> Loop:
    """Invoke a warm environment again and again; medians."""
    answered, busy = [], []
    with _running(runtime, variables) as (service, _):
        for turn in range(WARM + 20):
            done = service.invoke(request, timeout=60, wait_idle=True)
            assert done.error is None, json.dumps(done.error)
            if turn >= 20 and done.answered and done.idle:
                answered.append((done.answered - done.sent) * 1e3)
                busy.append((max(done.idle, done.answered) - done.sent) * 1e3)
    return Loop(median(answered), median(busy))
