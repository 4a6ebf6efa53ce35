"""Quality figures of joined counts, each with a two-sided 95 % interval.

Accuracy: Wilson (1927). F1: delta method over the multinomial confusion table. ROC AUC: Hanley and McNeil (1982).
PR AUC: the logit interval of Boyd, Eng and Page (2013). Means of losses: normal. Two classes: F1, ROC AUC and PR AUC
are of the second class; more: the mean over classes. Scores are binned in thousandths, a tie within a bin counts half.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelloop.monitoring.drift.baseline import label_text
from modelloop.monitoring.quality.outcomes import PPM

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from modelloop.contracts.counts import Counts

Figure = dict[str, float | None]

Z = 1.959963984540054
BINARY = 2


def figures(counts: Counts, classes: Sequence[object] | None) -> dict[str, Figure]:
    """Return every metric of the task by name, as {"value", "low", "high"}; empty when there are no labels."""
    if not counts.get("rows"):
        return {}
    return _regression(counts) if classes is None else _classification(counts, [label_text(one) for one in classes])


def mean_of(sums: Mapping[str, int], size: int, unit: float) -> Figure:
    """Return the mean of losses, which are never negative, from their sum and sum of squares in `unit`s."""
    mean = sums["sum"] / size
    spread = math.sqrt(max(sums["squares"] * size - sums["sum"] ** 2, 0)) / size
    error = Z * spread / math.sqrt(size)
    return _figure(mean / unit, max(mean - error, 0.0) / unit, (mean + error) / unit)


def wilson(hits: int, size: int) -> Figure:
    """Return a share with its Wilson score interval."""
    share, z2 = hits / size, Z * Z
    centre = (share + z2 / (2 * size)) / (1 + z2 / size)
    half = Z / (1 + z2 / size) * math.sqrt(share * (1 - share) / size + z2 / (4 * size * size))
    return _figure(share, max(centre - half, 0.0), min(centre + half, 1.0))


def _classification(counts: Counts, classes: list[str]) -> dict[str, Figure]:
    found = {
        "accuracy": wilson(counts["correct"], counts["rows"]),
        "f1": _f1(counts["confusion"], classes, counts["rows"]),
    }
    scored = counts.get("scored", 0)
    if not scored:
        return found
    found["log_loss"] = mean_of(counts["loss"], scored, PPM)
    found["brier"] = mean_of(counts["brier"], scored, PPM**2 * (2 if len(classes) == BINARY else 1))
    curves = [_curve(counts.get("scores", {}).get(name, {})) for name in _chosen(classes)]
    ranked = [curve for curve in curves if all(map(sum, zip(*curve, strict=True))) and curve]
    if ranked:
        found["roc_auc"] = _averaged([_roc_auc(curve) for curve in ranked])
        found["pr_auc"] = _averaged([_average_precision(curve) for curve in ranked])
    return found


def _regression(counts: Counts) -> dict[str, Figure]:
    rows = counts["rows"]
    square = mean_of(counts["loss"], rows, PPM**2)
    spread = counts["label"]["squares"] * rows - counts["label"]["sum"] ** 2
    r2 = 1 - counts["loss"]["sum"] * rows / spread if spread else None
    return {
        "rmse": {name: None if value is None else math.sqrt(max(value, 0.0)) for name, value in square.items()},
        "mae": mean_of(counts["absolute"], rows, PPM),
        "r2": {"value": r2, "low": None, "high": None},
    }


def _f1(confusion: Mapping[str, Mapping[str, int]], classes: list[str], rows: int) -> Figure:
    cells = {(true, said): count for true, row in confusion.items() for said, count in row.items()}
    chosen = _chosen(classes)
    hits = {name: cells.get((name, name), 0) for name in chosen}
    sizes = {
        name: sum(count * ((true == name) + (said == name)) for (true, said), count in cells.items()) for name in chosen
    }
    value = sum(2 * hits[name] / sizes[name] if sizes[name] else 0.0 for name in chosen) / len(chosen)
    mean = square = 0.0
    for (true, said), count in cells.items():
        touched = [(name, (true == name) + (said == name)) for name in {true, said}.intersection(chosen)]
        slopes = ((times // 2 - times * hits[name] / sizes[name]) * 2 / sizes[name] for name, times in touched)
        slope = sum(slopes) / len(chosen)
        mean, square = mean + count * slope, square + count * slope * slope
    error = Z * math.sqrt(max(square - mean * mean / rows, 0.0))
    return _figure(value, max(value - error, 0.0), min(value + error, 1.0))


def _curve(bins: Mapping[str, Sequence[int]]) -> list[tuple[int, int]]:
    """Return (negatives, positives) by bin, the highest score first."""
    return [(bins[name][0], bins[name][1]) for name in sorted(bins, key=int, reverse=True)]


def _roc_auc(curve: Sequence[tuple[int, int]]) -> Figure:
    negatives, positives = (sum(side) for side in zip(*curve, strict=True))
    above, ordered = 0, 0.0
    for negative, positive in curve:
        ordered += negative * (above + positive / 2)
        above += positive
    auc = ordered / (negatives * positives)
    one, two = auc / (2 - auc), 2 * auc * auc / (1 + auc)
    variance = auc * (1 - auc) + (positives - 1) * (one - auc**2) + (negatives - 1) * (two - auc**2)
    error = Z * math.sqrt(max(variance, 0.0) / (positives * negatives))
    return _figure(auc, max(auc - error, 0.0), min(auc + error, 1.0))


def _average_precision(curve: Sequence[tuple[int, int]]) -> Figure:
    positives = sum(positive for _, positive in curve)
    found, drawn, area = 0, 0, 0.0
    for negative, positive in curve:
        found, drawn = found + positive, drawn + positive + negative
        area += positive * found / drawn
    area /= positives
    if not 0 < area < 1:
        return _figure(area, area, area)
    logit, error = math.log(area / (1 - area)), Z / math.sqrt(positives * area * (1 - area))
    return _figure(area, 1 / (1 + math.exp(error - logit)), 1 / (1 + math.exp(-error - logit)))


def _averaged(parts: Sequence[Figure]) -> Figure:
    return {name: sum(part[name] or 0.0 for part in parts) / len(parts) for name in ("value", "low", "high")}


def _chosen(classes: list[str]) -> list[str]:
    return classes[1:] if len(classes) == BINARY else classes


def _figure(value: float, low: float, high: float) -> Figure:
    return {"value": value, "low": low, "high": high}
