"""`make bench`: every part in a process of its own, failing for a target missed without a measured reason."""

from __future__ import annotations

import subprocess
import sys

import pytest

from tests.benchmarks.sections import PARTS


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("part", PARTS)
def test_meets_its_targets_or_says_why_not(part: str) -> None:
    assert subprocess.run([sys.executable, "-m", "tests.benchmarks", part], check=False).returncode == 0
