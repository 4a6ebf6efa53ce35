"""Quality figures of joined counts, each with a two-sided 95 % interval.

Accuracy: Wilson (1927). F1: delta method over the multinomial confusion table. ROC AUC: Hanley and McNeil (1982).
PR AUC: the logit interval of Boyd, Eng and Page (2013). Means of losses: normal. Two classes: F1, ROC AUC and PR AUC
are of the second class; more: the mean over classes. Scores are binned in thousandths, a tie within a bin counts half.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelloop.contracts.counts import branch, histogram, integer
from modelloop.contracts.quality_verdict import Figure
from modelloop.monitoring.quality.outcomes import PPM
from modelloop.tables.grammar import label_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from modelloop.contracts.counts import Counts

Z = 1.959963984540054
BINARY = 2


def figures(counts: Counts, classes: Sequence[object] | None) -> dict[str, Figure]:
    """Return every metric of the task by name; empty when there are no labels."""
    if not integer(counts, "rows"):
        return {}
    return _regression(counts) if classes is None else _classification(counts, [label_text(name) for name in classes])


def mean_of(sums: Counts, size: int, unit: float) -> Figure:
    """Return the mean of losses, which are never negative, from their sum and sum of squares in `unit`s."""
    total, squares = integer(sums, "sum"), integer(sums, "squares")
    mean = total / size
    spread = math.sqrt(max(squares * size - total**2, 0)) / size
    error = Z * spread / math.sqrt(size)
    return Figure(mean / unit, max(mean - error, 0.0) / unit, (mean + error) / unit)


def wilson(hits: int, size: int) -> Figure:
    """Return a share with its Wilson score interval."""
    share, z2 = hits / size, Z * Z
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = Z / (1 + z2 / size) * math.sqrt(share * (1 - share) / size + z2 / (4 * size * size))
    return Figure(share, max(centre - half, 0.0), min(centre + half, 1.0))


def _classification(counts: Counts, classes: list[str]) -> dict[str, Figure]:
    rows, scored = integer(counts, "rows"), integer(counts, "scored")
    metrics = {
        "accuracy": wilson(integer(counts, "correct"), rows),
        "f1": _f1(branch(counts, "confusion"), classes, rows),
    }
    if not scored:
        return metrics
    metrics["log_loss"] = mean_of(branch(counts, "loss"), scored, PPM)
    metrics["brier"] = mean_of(branch(counts, "brier"), scored, PPM**2 * (2 if len(classes) == BINARY else 1))
    scores = branch(counts, "scores")
    curves = [_curve(branch(scores, name)) for name in _chosen(classes)]
    ranked = [curve for curve in curves if all(map(sum, zip(*curve, strict=True))) and curve]
    if ranked:
        metrics["roc_auc"] = _averaged([_roc_auc(curve) for curve in ranked])
        metrics["pr_auc"] = _averaged([_average_precision(curve) for curve in ranked])
    return metrics


def _regression(counts: Counts) -> dict[str, Figure]:
    rows, loss, label = integer(counts, "rows"), branch(counts, "loss"), branch(counts, "label")
    square = mean_of(loss, rows, PPM**2)
    spread = integer(label, "squares") * rows - integer(label, "sum") ** 2
    r2 = 1 - integer(loss, "sum") * rows / spread if spread else None
    return {
        "rmse": Figure(_root(square.value), _root(square.low), _root(square.high)),
        "mae": mean_of(branch(counts, "absolute"), rows, PPM),
        "r2": Figure(r2, None, None),
    }


def _root(square: float | None) -> float | None:
    return None if square is None else math.sqrt(max(square, 0.0))


def _f1(confusion: Counts, classes: list[str], rows: int) -> Figure:
    cells = {
        (true, predicted): integer(branch(confusion, true), predicted)
        for true in confusion
        for predicted in branch(confusion, true)
    }
    chosen = _chosen(classes)
    hits = {name: cells.get((name, name), 0) for name in chosen}
    sizes = {
        name: sum(count * ((true == name) + (predicted == name)) for (true, predicted), count in cells.items())
        for name in chosen
    }
    value = sum(2 * hits[name] / sizes[name] if sizes[name] else 0.0 for name in chosen) / len(chosen)
    mean = square = 0.0
    for (true, predicted), count in cells.items():
        touched = [(name, (true == name) + (predicted == name)) for name in {true, predicted}.intersection(chosen)]
        slopes = ((times // 2 - times * hits[name] / sizes[name]) * 2 / sizes[name] for name, times in touched)
        slope = sum(slopes) / len(chosen)
        mean, square = mean + count * slope, square + count * slope * slope
    error = Z * math.sqrt(max(square - mean * mean / rows, 0.0))
    return Figure(value, max(value - error, 0.0), min(value + error, 1.0))


def _curve(bins: Counts) -> list[tuple[int, int]]:
    """Return (negatives, positives) by bin, the highest score first."""
    ordered = (histogram(bins, name) for name in sorted(bins, key=int, reverse=True))
    return [(negatives, positives) for negatives, positives in ordered]


def _roc_auc(curve: Sequence[tuple[int, int]]) -> Figure:
    negatives, positives = (sum(side) for side in zip(*curve, strict=True))
    above, ordered = 0, 0.0
    for negative, positive in curve:
        ordered += negative * (above + positive / 2)
        above += positive
    auc = ordered / (negatives * positives)
    q1, q2 = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (q1 - auc**2) + (negatives - 1) * (q2 - auc**2)
    error = Z * math.sqrt(max(variance, 0.0) / (positives * negatives))
    return Figure(auc, max(auc - error, 0.0), min(auc + error, 1.0))


def _average_precision(curve: Sequence[tuple[int, int]]) -> Figure:
    positives = sum(positive for _, positive in curve)
    retrieved, drawn, area = 0, 0, 0.0
    for negative, positive in curve:
        retrieved, drawn = retrieved + positive, drawn + positive + negative
        area += positive * retrieved / drawn
    area /= positives
    if not 0 < area < 1:
        return Figure(area, area, area)
    logit, error = math.log(area / (1 - area)), Z / math.sqrt(positives * area * (1 - area))
    return Figure(area, 1 / (1 + math.exp(error - logit)), 1 / (1 + math.exp(-error - logit)))


def _averaged(parts: Sequence[Figure]) -> Figure:
    sides = ([part.value for part in parts], [part.low for part in parts], [part.high for part in parts])
    return Figure(*(sum(side or 0.0 for side in values) / len(parts) for values in sides))


def _chosen(classes: list[str]) -> list[str]:
    return classes[1:] if len(classes) == BINARY else classes
