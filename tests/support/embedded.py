"""Ways of tests that live on the embedded stack: wait for what comes by itself, and reach past the API."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.aws import clients
from modelloop.aws.registry import Registry
from modelloop.settings import settings

if TYPE_CHECKING:
    from collections.abc import Callable

    from infra.local.info import StackInfo

PATIENCE = 120.0


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
    clients.reset()
    settings.cache_clear()
    return Registry(stack.table)
