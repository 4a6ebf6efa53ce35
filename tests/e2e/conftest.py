"""One embedded stack for the whole session, apart from any that a developer has running."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from infra.build.paths import ROOT
from infra.local import stack as embedded
from infra.local.info import StackInfo


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.e2e)


@pytest.fixture(scope="session")
def stack(worker_id: str) -> Iterator[StackInfo]:
    """The stack, built and up; MODELLOOP_E2E_KEEP=1 leaves it up for the next session, which is then quick."""
    state = ROOT / ".local" / "e2e" / worker_id
    info = embedded.up(state)
    yield info
    if os.environ.get("MODELLOOP_E2E_KEEP") != "1":
        embedded.down(state)


@pytest.fixture(scope="session")
def api(stack: StackInfo) -> Iterator[httpx.Client]:
    """A client of the data plane that carries the API key."""
    with httpx.Client(base_url=stack.api_url, headers={"x-api-key": stack.api_key}, timeout=60) as client:
        yield client
