"""What becomes of successors, by gate and judge: how many of the worse ones end as champion, and how many good ones."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from tests.benchmarks import sections
from tests.benchmarks.gate import results
from tests.support.gate import trials
from tests.support.gate.uploads import UPLOADS

if TYPE_CHECKING:
    from tests.benchmarks.targets import Target

REPEATS = 200


def run() -> list[Target]:
    """Simulate, write the section and return the targets."""
    measured = []
    for name in UPLOADS:
        print(name, file=sys.stderr, flush=True)
        measured.append(trials.measure(name, REPEATS))
    firsts = {name: trials.measure_first(name, REPEATS) for name in trials.FIRSTS}
    sections.record("gate", results.section(measured, firsts, REPEATS))
    return results.targets(measured, firsts)
