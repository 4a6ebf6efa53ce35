"""Run one function, or the whole API, under `sam local`."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from string import Template
from typing import Any

from modelloop_stack.build.application import build_environment
from modelloop_stack.build.paths import ENVIRONMENT, ROOT
from modelloop_stack.info import StackInfo
from modelloop_stack.sam.engine import Engine

EVENTS = ROOT / "tests" / "events"
API_SECONDS = 60


class SamLocalError(RuntimeError):
    """A function failed or answered wrongly under `sam local`; the message carries what it printed."""


@dataclass(frozen=True, slots=True)
class Sam:
    """One engine, one template, and the folder of the template for files that are written."""

    engine: Engine
    template: Path
    info: StackInfo

    def invoke(self, function: str, event: str, values: dict[str, Any]) -> dict[str, Any]:
        """Run a function with the named event, its placeholders filled, and return its answer.

        `sam local invoke` succeeds when the function raised, so the answer decides.

        Raises:
            SamLocalError: the function raised, or printed no answer.

        """
        filled = self.template.parent / f"{event}.json"
        filled.write_text(Template((EVENTS / f"{event}.json").read_text()).substitute(values))
        ended = subprocess.run(
            [*self._command("invoke"), function, "--event", str(filled)],
            env=self._variables(),
            capture_output=True,
            text=True,
            check=False,
        )
        answer = _last_document(ended.stdout)
        if ended.returncode or answer is None or "errorMessage" in answer:
            raise SamLocalError(f"{function}: {ended.stdout[-2000:]}{ended.stderr[-4000:]}")
        return answer

    @contextmanager
    def api(self) -> Iterator[str]:
        """Serve the API by `sam local start-api`; yield its address."""
        port = _free_port()
        log = (self.template.parent / "start-api.log").open("wb")
        command = [*self._command("start-api"), "--port", str(port)]
        server = subprocess.Popen(command, env=self._variables(), stdout=log, stderr=log, stdin=subprocess.DEVNULL)
        try:
            _await_port(port, server)
            yield f"http://127.0.0.1:{port}"
        finally:
            server.terminate()
            server.wait(timeout=API_SECONDS)
            log.close()

    def _command(self, verb: str) -> list[str]:
        pull = [] if self.engine.pulls else ["--skip-pull-image"]
        layers = ["--layer-cache-basedir", str(self.template.parent / "layers")]
        parameters = ["--parameter-overrides", "EmulatorMode=true", "--template", str(self.template)]
        return [str(ENVIRONMENT / "bin" / "sam"), "local", verb, *parameters, *layers, *pull]

    def _variables(self) -> dict[str, str]:
        variables = build_environment() | self.info.environment() | self.engine.variables
        del variables["AWS_ENDPOINT_URL"]  # for the function, not for this program
        return variables | {"PYTHONWARNINGS": "ignore", "HOME": os.environ.get("HOME", "/")}


def _last_document(stdout: str) -> dict[str, Any] | None:
    for line in reversed(stdout.strip().splitlines()):
        try:
            document = json.loads(line)
        except ValueError:
            continue
        if isinstance(document, dict):
            return document
    return None


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _await_port(port: int, server: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + API_SECONDS
    while time.monotonic() < deadline and server.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise SamLocalError("sam local start-api did not open its port")
