"""What a model is good for, in one or two sentences for those who decide whether it is used."""

from __future__ import annotations

from typing import TYPE_CHECKING

from modelloop.versions.gate import REJECT
from trainer.report.markup import number

if TYPE_CHECKING:
    from modelloop.contracts.manifest import Manifest
    from modelloop.versions.run import Figures

MIN_GAIN = 0.01  # of the rows: below it a model that names classes is of no more use than one constant answer


def summary(manifest: Manifest) -> str:
    """Return plain text: one figure beside the trivial model's and the champion's, and whether the gate let it pass."""
    metrics = manifest.metrics
    if not metrics.holdout:
        return "How often it is right is not known: there are no labelled rows that it has not learned from."
    figures = metrics.holdout, metrics.trivial, metrics.champion or {}
    said = _of_numbers(manifest, *figures) if manifest.classes is None else _of_classes(*figures)
    refused = " The gate refused it, so it does not serve." if manifest.gate.decision == REJECT else ""
    return said + refused


def _of_numbers(manifest: Manifest, own: Figures, trivial: Figures, champion: Figures) -> str:
    """Compare by the mean absolute error, which has the unit of the target."""
    error, constant, before = (_value(figures, "mae") for figures in (own, trivial, champion))
    if error is None:
        return "How far its answers are from the truth is not known."
    said = f"Its answers are {number(error, 3)} away from the true {manifest.target} on average"
    if constant:
        less = 1.0 - error / constant
        than = f"{abs(less):.0%} {'less' if less >= 0.0 else 'more'} than"
        said += f"; one constant answer would be {number(constant, 3)} away, so it errs {than} that"
    return f"{said}{_before(before, number(before, 3))}."


def _of_classes(own: Figures, trivial: Figures, champion: Figures) -> str:
    """Compare by the share of right answers; by the order of the probabilities where a constant answer has as many."""
    right, constant, before = (_value(figures, "accuracy") for figures in (own, trivial, champion))
    if right is None:
        return "How often it is right is not known."
    if constant is None or right - constant >= MIN_GAIN:
        said = f"It is right for {_of_100(right)} of 100 rows that it has not seen"
        if constant is not None:
            said += f"; always answering the most frequent class would be for {_of_100(constant)}"
        return f"{said}{_before(before, _of_100(before))}."
    said = (
        f"It names the right class for {_of_100(right)} of 100 rows that it has not seen, no more often than always "
        f"answering the most frequent class would ({_of_100(constant)})."
    )
    area, theirs = _value(own, "roc_auc"), _value(champion, "roc_auc")
    if area is None:
        return said
    return (
        f"{said} Its use is in the probabilities: of two rows of different classes it gives the right one the higher "
        f"probability in {_of_100(area)} of 100 cases, where chance would in 50{_before(theirs, _of_100(theirs))}."
    )


def _value(figures: Figures, name: str) -> float | None:
    return (figures.get(name) or {}).get("value")


def _of_100(share: float | None) -> str:
    return "" if share is None else f"{100.0 * share:.3g}"


def _before(value: float | None, shown: str) -> str:
    return "" if value is None else f"; the version before it: {shown}"
