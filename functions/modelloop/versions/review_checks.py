"""Checks for signs that the world, the labels or the schema changed, so that a person must decide."""

from __future__ import annotations

from math import sqrt
from typing import TYPE_CHECKING

from modelloop.tables.split import CONTENT
from modelloop.versions.evidence import ChampionEvidence, Check, LabelDistribution, LossComparison, shown

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from modelloop.tables.split import Split

FALL = 0.20
FALL_ERRORS = 1.645  # one-sided 95 %
SHIFT_ERRORS, SHIFT_SHARE = 3.0, 0.20
MIN_DIFFERENT = 50


def review_checks(evidence: ChampionEvidence) -> Iterator[Check]:
    """Yield every check that can ask for approval, and never rejects."""
    yield _task(evidence)
    yield _split(same=evidence.same_split)
    if evidence.statistics is not None:
        yield _statistic(*evidence.statistics)
    yield _class_set(evidence.labels_before, evidence.labels_now)
    yield _fall(evidence.champion_vs_trivial, evidence.score, evidence.noise)
    yield _champion_vs_trivial(evidence.champion_vs_trivial)
    yield _shift(evidence.labels_before, evidence.labels_now)
    yield _columns("required_columns", evidence.newly_required, "newly required, callers may not send them")
    yield _columns("column_kinds", evidence.other_kind, "of another kind than before")


def copy_checks(split: Split, rows: int, *, allowed: bool) -> Iterator[Check]:
    """Yield what asks for approval because rows were copied; `allowed` says that the champion was made of copies too.

    A person let that champion serve, so copies alone do not ask again; too few different rows do, unless they are
    divided one by one as they always were.
    """
    if not split.copies or split.different is None:
        return
    told = f"{rows:,} rows, {split.different:,} different"
    if not allowed:
        detail = f"{told}: rows were copied, so their shares may not be those of the rows that will be asked about"
        if split.kind != CONTENT:
            detail += ", and copies of a row are on several sides of the split, so the metrics are too good"
        yield Check("copies", "approval", detail)
    if split.different < MIN_DIFFERENT and not (allowed and split.kind != CONTENT):
        yield Check("different_rows", "approval", f"{told}; copies of fewer than {MIN_DIFFERENT} rows need approval")


def header_checks(first_line: str | None) -> Iterator[Check]:
    """Yield what asks for approval because the columns seem to be named by a line of data, which `first_line` shows."""
    if first_line is not None:
        detail = f"the first line looks like data, not names ({first_line}): callers would have to send these as names"
        yield Check("header", "approval", detail)


def labels_suspected(checks: Sequence[Check]) -> bool:
    """Return whether labels, or the world, look so changed that the champion's old rows prove nothing."""
    return labels_regrouped(checks) or any(
        check.name in {"champion_fall", "champion_collapse", "label_rate"} and check.outcome == "approval"
        for check in checks
    )


def labels_regrouped(checks: Sequence[Check]) -> bool:
    """Return whether the classes are others, so that no rows compare the two models fairly."""
    return any(check.name == "class_set" and check.outcome == "approval" for check in checks)


def _task(evidence: ChampionEvidence) -> Check:
    if evidence.same_task:
        return Check("same_task", "passed", "the task is the champion's")
    return Check("same_task", "approval", "the task or the target is not the champion's, so nothing can be compared")


def _split(*, same: bool) -> Check:
    if same:
        return Check("same_split", "passed", "rows are held out by the champion's rule")
    detail = "rows are held out by another rule than the champion's: either may have been fitted on rows that judge it"
    return Check("same_split", "approval", detail)


def _statistic(before: str, now: str) -> Check:
    """Ask whether the numbers still mean the same: a quantile in place of the mean would surprise callers."""
    if before == now:
        return Check("same_statistic", "passed", f"{now} is predicted, as by the champion")
    detail = f"{now} is predicted, and {before} by the champion: the loss that compares them favours the newer one"
    return Check("same_statistic", "approval", detail)


def _class_set(before: LabelDistribution | None, now: LabelDistribution | None) -> Check:
    if before is None or now is None or before.counts is None or now.counts is None:
        return Check("class_set", "skipped", "there are no classes to compare")
    gone, new = sorted(set(before.counts) - set(now.counts)), sorted(set(now.counts) - set(before.counts))
    if not gone and not new:
        return Check("class_set", "passed", "the classes are the champion's")
    parts = [f"{what}: {', '.join(names)}" for what, names in (("new classes", new), ("gone", gone)) if names]
    return Check("class_set", "approval", f"the set of classes changed ({'; '.join(parts)})")


def _fall(champion: LossComparison | None, score: float | None, noise: float) -> Check:
    """Ask whether the champion's loss has grown by more than a fifth, and by more than chance explains."""
    if champion is None or score is None:
        return Check("champion_fall", "skipped", "the champion has no score to compare with")
    then, now = shown(score), shown(champion.candidate)
    detail = f"the champion's {champion.metric} was {then} when it was released and is {now} on the new holdout"
    if champion.candidate - score <= max(FALL * abs(score), FALL_ERRORS * noise):
        return Check("champion_fall", "passed", detail)
    return Check("champion_fall", "approval", f"{detail}: the world has changed, or labels are inverted or degraded")


def _champion_vs_trivial(comparison: LossComparison | None) -> Check:
    if comparison is None:
        return Check("champion_collapse", "skipped", "the champion cannot be compared with the trivial model")
    if comparison.low <= 0.0:
        return Check("champion_collapse", "passed", "the champion is not worse than the trivial model on the new data")
    detail = "the champion is worse than the trivial model on the new holdout: labels look inverted"
    return Check("champion_collapse", "approval", detail)


def _shift(before: LabelDistribution | None, now: LabelDistribution | None) -> Check:
    if before is None or now is None or (before.counts is None) != (now.counts is None):
        return Check("label_rate", "skipped", "there are no labels to compare")
    moved = _moved_classes(before, now) if before.counts is not None else _moved_mean(before, now)
    if not moved:
        return Check("label_rate", "passed", "labels are distributed as before")
    return Check("label_rate", "approval", f"the label rate shifted: {'; '.join(moved)}")


def _moved_classes(before: LabelDistribution, now: LabelDistribution) -> list[str]:
    old, new = before.counts or {}, now.counts or {}
    moved = []
    for name in sorted(set(old) & set(new)):
        was, is_now = old[name] / before.rows, new[name] / now.rows
        pooled = (old[name] + new[name]) / (before.rows + now.rows)
        error = sqrt(pooled * (1.0 - pooled) * (1.0 / before.rows + 1.0 / now.rows))
        if abs(is_now - was) > SHIFT_ERRORS * error and abs(is_now - was) > SHIFT_SHARE * was:
            moved.append(f"{name} from {was:.1%} to {is_now:.1%}")
    return moved


def _moved_mean(before: LabelDistribution, now: LabelDistribution) -> list[str]:
    """Return what to say when a mean is 3 standard errors and a fifth of a standard deviation away, else nothing."""
    error = sqrt(before.deviation**2 / before.rows + now.deviation**2 / now.rows)
    away = abs(now.mean - before.mean)
    if away > SHIFT_ERRORS * error and away > SHIFT_SHARE * before.deviation:
        return [f"mean from {shown(before.mean)} to {shown(now.mean)}"]
    return []


def _columns(name: str, columns: Sequence[str], what: str) -> Check:
    if not columns:
        return Check(name, "passed", f"no column is {what}")
    return Check(name, "approval", f"{', '.join(columns)}: {what}")
