"""`pytest tests/benchmarks -s`: the same measurements, failing for a target missed without a measured reason."""

from __future__ import annotations

import pytest

from tests.benchmarks.__main__ import main


@pytest.mark.slow
@pytest.mark.timeout(1200)
def test_serving_meets_its_targets_or_says_why_not() -> None:
    assert main() == 0
