"""What is known of a rollout in progress, from stored summaries and joined hours: evidence for the judge.

Both sides are of the same time: only requests count that the rollout's own split of the traffic gave to either. What
was asked before it began, in the same hour too, is not counted for either version.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from modelloop import clock
from modelloop.aws.monitoring import joins, summaries
from modelloop.aws.registry import manifests
from modelloop.contracts.counts import branch, histogram, integer, integers
from modelloop.contracts.pointer import CHALLENGER, CHAMPION
from modelloop.monitoring import summary, windows
from modelloop.monitoring.quality import shadow_agreement
from modelloop.rollout import histograms
from modelloop.rollout.judge import CANARY, SHADOW, WATCH, Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.aws.storage import Bucket
    from modelloop.aws.stores import Stores
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.contracts.quality_verdict import QualityVerdict
    from modelloop.monitoring.summary import Summary

HOURS_BEFORE = 24
_VARIANTS = {CANARY: CHALLENGER, WATCH: CHAMPION, SHADOW: SHADOW}


class Rollout(NamedTuple):
    """A rollout in progress: the candidate on trial, and the reference that it is compared with."""

    kind: str
    pointer: Pointer
    candidate: VersionRef
    reference: VersionRef
    bake_until: str


def open_rollouts(pointer: Pointer, now: str) -> Iterator[Rollout]:
    """Yield what is on trial now."""
    champion, until = pointer.champion, pointer.bake_until
    if champion is None or until is None:
        return
    if pointer.challenger:
        yield Rollout(CANARY, pointer, pointer.challenger, champion, until)
    if pointer.previous and now < until:
        yield Rollout(WATCH, pointer, champion, pointer.previous, until)
    if pointer.shadow:
        yield Rollout(SHADOW, pointer, pointer.shadow, champion, until)


def collect(stores: Stores, rollout: Rollout, quality: QualityVerdict | None, now: str) -> Evidence:
    """Return what is known of a rollout in progress, and of nothing that came before it.

    `quality` is the newest verdict on quality, which knows the losses of labelled rows.
    """
    model = rollout.pointer.model
    policy = stores.registry.get_version(model, rollout.candidate.version).facts.promotion
    began = clock.hour_of(clock.later(rollout.bake_until, minutes=-policy.bake_minutes))
    candidate, reference = _counts(stores.artifacts, rollout, began, now)
    predictions = _predictions(stores.artifacts, rollout, candidate, reference)
    losses = _losses(quality, rollout)
    return Evidence(
        rollout.kind,
        candidate=_version(candidate, predictions[1], losses[1]),
        reference=_version(reference, predictions[0], losses[0]),
        now=now,
        bake_until=rollout.bake_until,
        bake_minutes=policy.bake_minutes,
        latency_bounds_ms=summary.LATENCY_BOUNDS_MS,
        agreement=_agreement(stores.artifacts, rollout, began, now),
        frozen=rollout.pointer.frozen,
        margin=policy.margin,
    )


def _counts(artifacts: Bucket, rollout: Rollout, began: str, now: str) -> tuple[Counts, Counts]:
    """Return candidate's and reference's, of the rollout's own requests.

    The one before a new champion has none: the day before the change is counted for it. A shadow is asked only what
    was answered already, so its reference failed at nothing that both were asked.
    """
    split = rollout.pointer.rollout
    start = windows.shift(began, -HOURS_BEFORE) if rollout.kind == WATCH else began
    stored = list(summaries.between(artifacts, rollout.pointer.model, start, clock.hour_of(now)))
    candidate = _total(stored, rollout.candidate, _VARIANTS[rollout.kind], split)
    reference = _total(stored, rollout.reference, CHAMPION, None if rollout.kind == WATCH else split)
    return candidate, reference | ({"errors": {}} if rollout.kind == SHADOW else {})


def _total(stored: Iterable[Summary], ref: VersionRef, variant: str, split: str | None) -> Counts:
    """Return the counts of one version in one role, in one rollout's split or (None) any."""
    own = (
        member.counts
        for member in stored
        if (member.key.version, member.key.variant) == (ref.version, variant) and split in {None, member.key.rollout}
    )
    unused = {"columns", "pairs"}
    return summary.total({name: part for name, part in counts.items() if name not in unused} for counts in own)


def _predictions(
    artifacts: Bucket, rollout: Rollout, candidate: Counts, reference: Counts
) -> tuple[list[int], list[int]]:
    """Return reference's and candidate's predictions over the same bins; none where they are not of the same time.

    A shadow's are compared row by row; those before a new champion are of other rows.
    """
    if rollout.kind != CANARY or "prediction" not in candidate or "prediction" not in reference:
        return [], []
    left, right = (
        manifests.read(artifacts, rollout.pointer.model, ref.run_id).baseline.prediction.bins
        for ref in (rollout.reference, rollout.candidate)
    )
    return histograms.align(left, branch(reference, "prediction"), right, branch(candidate, "prediction"))


def _version(counts: Counts, predictions: list[int], losses: MeanSample | None) -> VersionEvidence:
    errors = sum(integers(counts, "errors").values())
    latency = histogram(branch(branch(counts, "latency"), "warm"), "counts")
    requests, rows = integer(counts, "requests") + errors, integer(counts, "rows") + errors
    return VersionEvidence(requests, errors, rows, latency, predictions, losses)


def _losses(quality: QualityVerdict | None, rollout: Rollout) -> tuple[MeanSample | None, MeanSample | None]:
    """Return reference's and candidate's, in this rollout; of a new champion in the last one that had both."""
    versions = [str(ref.version) for ref in (rollout.reference, rollout.candidate)]
    by_rollout: dict[str, list[MeanSample]] = {}
    for name, losses in (quality.losses if quality else {}).items():
        if all(version in losses for version in versions):
            sides = (losses[version] for version in versions)
            by_rollout[name] = [MeanSample(side.rows, side.mean, side.variance) for side in sides]
    name = max(by_rollout, default="") if rollout.kind == WATCH else rollout.pointer.rollout
    reference, candidate = by_rollout.get(name, (None, None))
    return reference, candidate


def _agreement(artifacts: Bucket, rollout: Rollout, began: str, now: str) -> tuple[int, int] | None:
    if rollout.kind != SHADOW:
        return None
    pair = shadow_agreement.name(rollout.pointer.rollout, rollout.candidate.version, rollout.reference.version)
    return joins.paired(artifacts, rollout.pointer.model, began, now, pair)
