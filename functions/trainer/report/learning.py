"""The report's section on the number of rows: whether more of them would help."""

from __future__ import annotations

from typing import TYPE_CHECKING

from trainer.report.markup import number, section, table, text
from trainer.report.names import metric_name

if TYPE_CHECKING:
    from modelloop.contracts.evaluation import LearningCurve
    from modelloop.contracts.manifest import Manifest


def learning_section(manifest: Manifest) -> str:
    """Return the losses by the number of training rows and what follows; nothing where they were not measured."""
    curve = manifest.learning_curve
    if curve is None:
        return ""
    rows = [[f"{point.rows:,}", number(point.loss)] for point in curve.points]
    caption = "The chosen model fitted on a part of the training rows, by its loss on the validation rows"
    points = table(["Training rows", metric_name(curve.metric)], rows, caption=caption)
    return section("learning", "Would more rows help?", f"<p>{text(_answer(curve))}</p>{points}")


def _answer(curve: LearningCurve) -> str:
    """Return what doubling the rows did, and only as much as is sure."""
    *_, half, whole = curve.points
    name, change = metric_name(curve.metric), whole.loss - half.loss
    share = f"{abs(change) / abs(half.loss):.1%}" if half.loss else number(abs(change))
    went = f"from {half.rows:,} to {whole.rows:,} rows the {name} {'fell' if change <= 0.0 else 'rose'} by {share}"
    if curve.high < 0.0:
        return f"Probably: {went}, which is more than chance explains."
    return (
        f"Not surely: {went}, which may be chance. More rows of the same kind would hardly help; other columns might."
    )
