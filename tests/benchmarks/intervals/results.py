"""The section on prediction intervals, and the targets that they are held to."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from tests.benchmarks import sections
from tests.benchmarks.targets import Target, table

if TYPE_CHECKING:
    from collections.abc import Sequence

    from tests.benchmarks.intervals.run import Measured

PROMISED = 0.9


def targets(measured: Sequence[Measured]) -> list[Target]:
    """Return what was promised of 90 % intervals: that they hold in every fifth, over all, and that they stay short."""
    fifth = max(abs(share - PROMISED) for one in measured for share in one.fifths)
    over_all = max(abs(float(np.mean(one.fifths)) - PROMISED) for one in measured)
    wider = max(one.width / one.constant_width for one in measured)
    return [
        Target("90 % intervals by fifth of the predictions, worst fifth's distance", 100 * fifth, 5, "points"),
        Target("90 % intervals over all rows, worst table's distance", 100 * over_all, 2, "points"),
        Target("mean width beside one width for all rows, worst table", wider, 1.05, "times"),
    ]


def section(measured: Sequence[Measured], seeds: int) -> str:
    """Return the section of RESULTS.md."""
    lines = [
        sections.machine(),
        "",
        *table(targets(measured)),
        "",
        "### By fifth of the predictions",
        "",
        f"Means over {seeds} draws of 8,600 rows; boosting with its defaults, calibrated on 1,376 rows, held against",
        "1,720. *Adapted*: in how many draws widths followed the row. *Width*: mean width beside that of one width for",
        "all rows; both end where the target ends.",
        "",
        "| table | width for all rows: fifths | adapted | fifths | over all | width |",
        "|---|---|--:|---|--:|--:|",
        *(
            f"| {one.table} | {_shares(one.constant)} | {one.adapted} of {seeds} | {_shares(one.fifths)} "
            f"| {np.mean(one.fifths):.1%} | {one.width / one.constant_width:.2f} |"
            for one in measured
        ),
    ]
    return "\n".join(lines)


def _shares(fifths: Sequence[float]) -> str:
    return " ".join(f"{100 * share:.0f}" for share in fifths) + " %"
