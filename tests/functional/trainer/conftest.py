from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.support.trainer_lab import lab as open_lab

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.support.trainer_lab import Lab


@pytest.fixture
def lab(monkeypatch: pytest.MonkeyPatch) -> Iterator[Lab]:
    with open_lab(monkeypatch) as opened:
        yield opened
