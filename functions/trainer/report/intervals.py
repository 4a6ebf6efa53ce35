"""The report's table of prediction intervals: how often they held, for large and for small predictions."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.report.markup import number, table, text

if TYPE_CHECKING:
    from modelloop.contracts.evaluation import IntervalCoverage


def intervals_table(intervals: IntervalCoverage | None) -> str:
    """Return how often prediction intervals held the truth, by fifth of the predictions."""
    if intervals is None:
        return ""
    why = f": {intervals.reason}" if intervals.reason else ""
    if intervals.level is None:
        return f"<p>{text(f'There are no prediction intervals{why}')}.</p>"
    kind = "Their width follows the row" if intervals.adaptive else f"All are equally wide{why}"
    rows = [
        [f"{number(part.low)} to {number(part.high)}", number(part.rows), f"{part.coverage:.1%}", number(part.width)]
        for part in intervals.parts
    ]
    every = [["all", number(sum(part.rows for part in intervals.parts)), f"{intervals.coverage:.1%}",
              number(intervals.width)]]  # fmt: skip
    caption = (
        f"Prediction intervals of {intervals.level:.0%}: how often they held the truth, by fifth of the predictions"
    )
    heads = ["Predictions", "Rows", "Held the truth", "Mean width"]
    return f"{table(heads, [*rows, *every], caption=caption)}<p>{text(kind)}.</p>"
