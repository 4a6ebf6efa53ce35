"""Ways of tests that live on the embedded stack: wait for what comes by itself, and reach past the API."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws import clients
from modelloop.aws.registry.registry import Registry
from modelloop.aws.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from modelloop_stack.info import StackInfo

PATIENCE = 240.0

type Run = Callable[..., subprocess.CompletedProcess[str]]


def command_line(stack: StackInfo, file: Path) -> Run:
    """Return what runs `modelloop WORDS` against the stack, whose addresses go to `file`."""
    stack.save(file)

    def run(*words: str, stdin: str | None = None) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "modelloop_cli.main", *words],
            env=os.environ | {"MODELLOOP_STACK_FILE": str(file)},
            input=stdin,
            capture_output=True,
            text=True,
            check=False,
            timeout=240,
        )

    return run


def wait_for(look: Callable[[], Any], what: str) -> Any:
    """Return the first thing that is there; fail when nothing came in time."""
    deadline = time.monotonic() + PATIENCE
    while time.monotonic() < deadline:
        if found := look():
            return found
        time.sleep(0.5)
    pytest.fail(f"{what} did not come in {PATIENCE:.0f} s")


def registry_of(stack: StackInfo, monkeypatch: pytest.MonkeyPatch) -> Registry:
    """Point this process's clients at the stack and return its registry."""
    for name, value in {
        **stack.environment(),
        "AWS_ENDPOINT_URL": stack.endpoint_url,
        "MODELLOOP_TABLE": stack.table,
        "MODELLOOP_ARTIFACTS_BUCKET": stack.artifacts_bucket,
    }.items():
        monkeypatch.setenv(name, value)
    clients.client.cache_clear()
    settings.cache_clear()
    return Registry(stack.table)
