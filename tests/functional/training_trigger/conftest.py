from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.intake_stage import provisioned

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.intake_stage import Stage


@pytest.fixture
def stage(monkeypatch: pytest.MonkeyPatch) -> Iterator[Stage]:
    with provisioned(monkeypatch) as found:
        yield found
