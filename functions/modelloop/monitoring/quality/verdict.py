"""Realised quality: what came true of the predictions of a window, beside what the holdout promised.

Only hours whose labels had time to come back count (the label delay). A version is `degraded` when its realised
interval lies wholly on the worse side of the holdout's, and never `ok` while more than 5 % of the labels are of no use.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.contracts.counts import branch, integer
from modelloop.contracts.quality_verdict import (
    AccuracyEstimate,
    Figure,
    LabelCounts,
    Losses,
    QualityVerdict,
    RealisedFigure,
    SliceQuality,
    VersionQuality,
    figures,
)
from modelloop.contracts.verdicts import DEGRADED, INSUFFICIENT, OK, Span
from modelloop.monitoring import summary, windows
from modelloop.monitoring.quality import scores
from modelloop.monitoring.quality.outcomes import PPM, labelled_rows
from modelloop.spec.fields import HIGHER_IS_BETTER
from modelloop.spec.sections import MIN_LABELS

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

    from modelloop.contracts.counts import Counts
    from modelloop.contracts.manifest import Manifest

ENOUGH_LABELS = 5_000
MAX_UNUSABLE = 0.05  # of the labels: beyond it, whoever sends them may mean other predictions or other classes
MIN_SLICE_ROWS = 10
MAX_SLICES = 100
MIN_TOLD = 20
PENDING_HOURS = 72
COMPARED = {"classification": ("log_loss", "accuracy"), "regression": ("rmse", "mae")}


def matured(
    hours: Iterable[tuple[str, Counts]], now: str, delay_hours: float, version: int
) -> list[tuple[str, Counts]]:
    """Return the hours to judge by, from joined hours that come newest first: at most seven days, 5,000 labels."""
    end = windows.shift(clock.hour_of(now), -math.ceil(delay_hours))
    taken, labels = [], 0
    for hour, joined in hours:
        if hour > end:
            continue
        if windows.span(hour, end) > windows.MAX_HOURS or labels >= ENOUGH_LABELS:
            break
        taken.append((hour, joined))
        labels += labelled_rows(branch(branch(joined, "versions"), str(version)))
    return taken


def quality_verdict(
    hours: Sequence[tuple[str, Counts]],
    predicted: Mapping[int, int],
    manifests: Mapping[int, Manifest],
    *,
    model: str,
    champion: int,
    estimate: AccuracyEstimate,
    now: str,
) -> QualityVerdict:
    """Return the quality verdict of a model from its matured, joined hours (newest first).

    `predicted` are the rows that each version predicted in that window, `manifests` those of the versions.
    """
    whole = summary.total(joined for _, joined in hours)
    by_version = branch(whole, "versions")
    versions = {int(name): branch(by_version, name) for name in by_version if int(name) in manifests}
    own, manifest = versions.get(champion, {}), manifests[champion]
    live = scores.figures(branch(own, "figures"), manifest.classes)
    holdout = figures(manifest.metrics.holdout)
    worse = [name for name in COMPARED.get(manifest.task, ()) if _is_worse(name, live, holdout)]
    labelled, labels = labelled_rows(own), _labels(hours, whole, own, now)
    too_few = labelled < MIN_LABELS or (not worse and unusable_share(labels, labelled) > MAX_UNUSABLE)
    status = INSUFFICIENT if too_few else DEGRADED if worse else OK
    return QualityVerdict(
        model=model,
        version=champion,
        status=status,
        window=Span(windows.moment(hours[-1][0]), windows.moment(windows.shift(hours[0][0], 1))) if hours else None,
        rows=labelled,
        coverage=_share(labelled, predicted.get(champion, 0)),
        metrics={name: RealisedFigure(figure, holdout.get(name)) for name, figure in live.items()},
        versions=tuple(
            _version(version, versions[version], predicted, manifests[version].classes) for version in sorted(versions)
        ),
        slices=tuple(_slices(branch(own, "slices"), manifest.classes)),
        losses=_losses_by_rollout(branch(whole, "rollouts")),
        labels=labels,
        estimate=estimate,
        updated_at=now,
        reasons=(*_reasons(status, labelled, live, holdout, worse), *_unusable(labels, labelled)),
    )


def losses(counts: Counts) -> Losses | None:
    """Return the losses of labelled rows (log loss, or squared error); None for fewer rows than a variance needs."""
    sums, loss = branch(counts, "figures"), branch(branch(counts, "figures"), "loss")
    is_scored = "scored" in sums
    rows = integer(sums, "scored") if is_scored else integer(sums, "rows") if "label" in sums else 0
    if rows < 2:  # noqa: PLR2004  a variance needs two
        return None
    unit = PPM if is_scored else PPM**2
    total, squares = integer(loss, "sum"), integer(loss, "squares")
    variance = (squares * rows - total**2) / (rows * (rows - 1)) / unit**2
    return Losses(rows, total / rows / unit, variance)


def _losses_by_rollout(rollouts: Counts) -> dict[str, dict[str, Losses]]:
    by_rollout = {}
    for rollout in rollouts:
        sides = branch(rollouts, rollout)
        measured = {version: losses(branch(sides, version)) for version in sides}
        by_rollout[rollout] = {version: loss for version, loss in measured.items() if loss is not None}
    return by_rollout


def _version(
    version: int, counts: Counts, predicted: Mapping[int, int], classes: Sequence[object] | None
) -> VersionQuality:
    labelled = labelled_rows(counts)
    return VersionQuality(
        version=version,
        predicted=predicted.get(version, 0),
        labelled=labelled,
        coverage=_share(labelled, predicted.get(version, 0)),
        unknown_labels=integer(counts, "unknown_labels"),
        unreadable_labels=integer(counts, "unreadable_labels"),
        metrics=scores.figures(branch(counts, "figures"), classes),
    )


def _slices(columns: Counts, classes: Sequence[object] | None) -> list[SliceQuality]:
    """Return the figures of each slice of at least 10 labelled rows; smaller ones could identify people."""
    slices = []
    for column in sorted(columns):
        parts = branch(columns, column)
        sizes = [(value, integer(branch(parts, value), "rows")) for value in parts]
        slices += [
            SliceQuality(column, value, rows, scores.figures(branch(parts, value), classes))
            for value, rows in sorted(sizes, key=lambda size: (-size[1], size[0]))
            if rows >= MIN_SLICE_ROWS
        ]
    return slices[:MAX_SLICES]


def unusable_share(labels: LabelCounts, labelled: int) -> float:
    """Return the share of the labels, those that wait for their prediction apart, that say nothing about it."""
    return labels.unusable / max(labels.unusable + labelled, 1)


def told_unusable_share(labels: LabelCounts, labelled: int) -> float | None:
    """Return the unusable share for an alarm; None for so few labels that a single mistake would raise it."""
    return unusable_share(labels, labelled) if labels.unusable + labelled >= MIN_TOLD else None


def _unusable(labels: LabelCounts, labelled: int) -> list[str]:
    """Return a sentence about labels that are of no use when they are too many."""
    if unusable_share(labels, labelled) <= MAX_UNUSABLE:
        return []
    kinds = (
        (labels.new_class, "name no class of the model"),
        (labels.unreadable, "cannot be read"),
        (labels.other_model, "belong to a prediction of another model"),
        (labels.unknown, "belong to no prediction of the model"),
    )
    told = ", ".join(f"{count:,} {what}" for count, what in kinds if count)
    whole = labels.unusable + labelled
    return [f"{labels.unusable:,} of {whole:,} labels cannot be used, more than {MAX_UNUSABLE * 100:g} %: {told}"]


def _labels(hours: Sequence[tuple[str, Counts]], whole: Counts, own: Counts, now: str) -> LabelCounts:
    """Return label counts, some of them the champion's; one without a prediction is pending for 72 hours."""
    young = windows.shift(clock.hour_of(now), -PENDING_HOURS)
    pending = sum(_without_any(joined) for hour, joined in hours if hour > young)
    return LabelCounts(
        received=integer(whole, "labels"),
        repeated=integer(whole, "repeated"),
        pending=pending,
        unknown=_without_any(whole) - pending,
        new_class=integer(own, "unknown_labels"),
        unreadable=integer(own, "unreadable_labels"),
        other_model=integer(whole, "other_model"),
    )


def _without_any(joined: Counts) -> int:
    """Return the labels that no model is known to have a prediction for."""
    return integer(joined, "unmatched") - integer(joined, "other_model")


def _is_worse(name: str, live: Mapping[str, Figure], holdout: Mapping[str, Figure]) -> bool:
    """Return whether the realised interval lies wholly on the worse side of the holdout's."""
    realised, promised = live.get(name), holdout.get(name)
    if realised is None or promised is None:
        return False
    if realised.low is None or realised.high is None or promised.low is None or promised.high is None:
        return False
    return realised.high < promised.low if name in HIGHER_IS_BETTER else realised.low > promised.high


def _reasons(
    status: str, labelled: int, live: Mapping[str, Figure], holdout: Mapping[str, Figure], worse: Sequence[str]
) -> list[str]:
    if status == INSUFFICIENT and labelled < MIN_LABELS:
        return [f"{labelled} labelled rows in the window; {MIN_LABELS} are needed"]
    return [
        f"{name} is {live[name].value:.4f} on labelled rows, against {holdout[name].value:.4f} on the holdout"
        for name in worse
    ]


def _share(part: int, whole: int) -> float | None:
    return round(min(part / whole, 1.0), 6) if whole else None
