"""`pytest tests/benchmarks -s`: the same measurements, as a test that fails when a target is missed."""

from __future__ import annotations

import pytest

from tests.benchmarks.__main__ import main


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_serving_meets_its_targets() -> None:
    assert main() == 0
