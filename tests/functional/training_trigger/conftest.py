from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.intake_stage import provisioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.intake_stage import Stage


@pytest.fixture(scope="module")
def shared_stage() -> Iterator[Stage]:
    """One stage for a module whose tests each work on a model of their own."""
    with pytest.MonkeyPatch.context() as patch, provisioned(patch) as found:
        yield found


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with provisioned(monkeypatch) as found:
        yield found
