"""The fixtures of tests that need the table and the buckets: a conftest takes them by importing them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.stores import simulated_services, stores

if TYPE_CHECKING:
    from collections.abc import Iterator

    from modelloop.aws.registry.registry import Registry


@pytest.fixture(scope="module")
def services() -> Iterator[None]:
    with simulated_services():
        yield


@pytest.fixture
def registry(services: None, monkeypatch: pytest.MonkeyPatch) -> Iterator[Registry]:  # noqa: ARG001  the order
    """The registry of an empty table, beside three empty buckets."""
    with stores(monkeypatch) as registry:
        yield registry
