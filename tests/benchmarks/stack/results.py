"""The section on the embedded stack, and the targets that it is held to."""

from __future__ import annotations

from typing import NamedTuple

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table


class Measured(NamedTuple):
    """Seconds: from an upload to the first answer, and of two runs of the demo, the first of which trains."""

    upload_to_live: float
    first_demo: float
    second_demo: float


def targets(measured: Measured) -> list[Target]:
    """Return what was promised."""
    return [
        Target("from an upload of 10,000 rows of 20 columns to the first answer", measured.upload_to_live, 60, "s"),
        Target("the demo's second run, which trains nothing anew", measured.second_demo, 90, "s"),
    ]


def section(measured: Measured) -> str:
    """Return the section of RESULTS.md."""
    first = f"The demo's first run, which trains both models, took {measured.first_demo:.0f} s."
    return "\n".join([sections.machine(), "", *table(targets(measured)), "", first])
