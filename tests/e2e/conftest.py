"""One embedded stack for the whole session, apart from any that a developer has running."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from dataclasses import fields
from pathlib import Path

import httpx
import pytest

from modelloop_client.client import Client
from modelloop_client.stacks import Stack
from modelloop_stack import processes
from modelloop_stack import stack as embedded
from modelloop_stack.build.paths import ROOT
from modelloop_stack.info import StackInfo
from tests.support.embedded import Run, command_line

HERE = Path(__file__).parent
KEPT = os.environ.get("MODELLOOP_E2E_KEEP") == "1"
LAST = "test_permissions.py"  # it judges what all the others made the functions do


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if HERE in item.path.parents:
            item.add_marker(pytest.mark.e2e)
            if item.get_closest_marker("timeout") is None:
                item.add_marker(pytest.mark.timeout(900))  # ten times what the longest needs on a quiet machine
    items.sort(key=lambda item: item.path.name == LAST)


@pytest.fixture(scope="session")
def state(worker_id: str) -> Path:
    """The folder of the session's stack."""
    return ROOT / ".local" / "e2e" / worker_id


@pytest.fixture(scope="session")
def stack(state: Path) -> Iterator[StackInfo]:
    """The stack, built and up, without data; MODELLOOP_E2E_KEEP=1 keeps it, and its data, for the next session."""
    if not KEPT:
        processes.down(state)
        shutil.rmtree(state, ignore_errors=True)
    yield embedded.up(state)
    if not KEPT:
        processes.down(state)


@pytest.fixture(scope="session")
def api(stack: StackInfo) -> Iterator[httpx.Client]:
    """A client of the data plane that carries the API key."""
    with httpx.Client(base_url=stack.api_url, headers={"x-api-key": stack.api_key}, timeout=60) as client:
        yield client


@pytest.fixture(scope="session")
def client(stack: StackInfo) -> Iterator[Client]:
    """What the command line itself asks: every route, signed."""
    with Client(Stack(**{field.name: getattr(stack, field.name) for field in fields(Stack)})) as opened:
        yield opened


@pytest.fixture(scope="session")
def modelloop(stack: StackInfo, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The command line, in processes of its own."""
    return command_line(stack, tmp_path_factory.mktemp("stack") / "stack.json")
