"""Nothing that users or functions see is another than when it was recorded, but for what the one list allows."""

from __future__ import annotations

import json
import platform
from typing import TYPE_CHECKING

import pytest

from tests.comparison import recorder, recording
from tests.comparison.allowed import ALLOWED
from tests.comparison.differences import compare

if TYPE_CHECKING:
    from pathlib import Path

SHOWN = 60
RECORDED_ON = "x86_64"


@pytest.mark.skipif(platform.machine() != RECORDED_ON, reason=f"the last bits of fits are those of {RECORDED_ON}")
@pytest.mark.timeout(900)  # a minute on a quiet machine
def test_what_is_seen_is_what_was_recorded(tmp_path: Path) -> None:
    about = json.loads(recorder.ABOUT.read_text())
    assert recorder.environment() == {name: about[name] for name in ("machine", "packages")}, (
        f"other packages than the recording's: with these, record on commit {about['commit']}, then compare"
    )
    left, unused = compare(recording.load(), recorder.run(tmp_path), ALLOWED)
    said = "\n".join(map(str, left[:SHOWN]))
    assert not left, f"{len(left)} differences that tests/comparison/allowed.py does not list:\n{said}"
    assert not unused, f"entries of tests/comparison/allowed.py that allow nothing that is there: {unused}"
