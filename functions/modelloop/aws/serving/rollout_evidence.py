"""What is known of a rollout in progress, from stored summaries and joined hours: evidence for the judge.

Both sides are of the same time: only requests count that the rollout's own split of the traffic gave to either, so
that whatever was asked before it began, in the same hour too, speaks neither for nor against anybody.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import clock
from modelloop.aws.monitoring import joins, summaries
from modelloop.aws.registry import manifests
from modelloop.contracts.baseline import baseline_from_json
from modelloop.contracts.counts import branch
from modelloop.contracts.pointer import CHALLENGER, CHAMPION
from modelloop.monitoring import summary, windows
from modelloop.monitoring.quality import shadow_agreement
from modelloop.rollout import clearance, histograms
from modelloop.rollout.judge import CANARY, SHADOW, WATCH, Evidence, Side
from modelloop.rollout.sequential import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.aws.storage import Bucket
    from modelloop.aws.stores import Stores
    from modelloop.contracts.baseline import Bins
    from modelloop.contracts.counts import Counts
    from modelloop.contracts.pointer import Pointer, VersionRef
    from modelloop.monitoring.summary import Summary

HOURS_BEFORE = 24
_VARIANTS = {CANARY: CHALLENGER, WATCH: CHAMPION, SHADOW: SHADOW}


class Case(NamedTuple):
    """A rollout in progress: the candidate on trial, and the reference that it is held against."""

    kind: str
    pointer: Pointer
    candidate: VersionRef
    reference: VersionRef
    bake_until: str


def cases(pointer: Pointer, now: str) -> Iterator[Case]:
    """Yield what is on trial now."""
    champion, until = pointer.champion, pointer.bake_until
    if champion is None or until is None:
        return
    if pointer.challenger:
        yield Case(CANARY, pointer, pointer.challenger, champion, until)
    if pointer.previous and now < until:
        yield Case(WATCH, pointer, champion, pointer.previous, until)
    if pointer.shadow:
        yield Case(SHADOW, pointer, pointer.shadow, champion, until)


def gather(stores: Stores, case: Case, now: str) -> Evidence:
    """Return what is known of a rollout in progress, and of nothing that came before it."""
    model = case.pointer.model
    policy = clearance.policy(stores.registry.get_version(model, case.candidate.version))
    began = windows.hour_of(clock.later(case.bake_until, minutes=-policy.bake_minutes))
    candidate, reference = _counts(stores.artifacts, case, began, now)
    predictions = _predictions(stores.artifacts, case, candidate, reference)
    losses = _losses(stores.registry.latest_verdict(model, "quality") or {}, case)
    return Evidence(
        case.kind,
        candidate=_side(candidate, predictions[1], losses[1]),
        reference=_side(reference, predictions[0], losses[0]),
        now=now,
        bake_until=case.bake_until,
        bake_minutes=policy.bake_minutes,
        latency_bounds_ms=summary.LATENCY_BOUNDS_MS,
        pairs=_pairs(stores.artifacts, case, began, now),
        frozen=case.pointer.frozen,
        margin=policy.margin,
    )


def _counts(artifacts: Bucket, case: Case, began: str, now: str) -> tuple[Counts, Counts]:
    """Return candidate's and reference's, of the rollout's own requests.

    The one before a new champion has none: the day before the change speaks for it. A shadow is asked what was answered
    already, so its reference failed at nothing that it was asked.
    """
    rollout = case.pointer.rollout
    start = windows.shift(began, -HOURS_BEFORE) if case.kind == WATCH else began
    found = list(summaries.between(artifacts, case.pointer.model, start, windows.hour_of(now)))
    candidate = _total(found, case.candidate, _VARIANTS[case.kind], rollout)
    reference = _total(found, case.reference, CHAMPION, None if case.kind == WATCH else rollout)
    return candidate, reference | ({"errors": {}} if case.kind == SHADOW else {})


def _total(found: Iterable[Summary], ref: VersionRef, variant: str, rollout: str | None) -> Counts:
    """Return the counts of one version in one role, in one rollout or (None) any."""
    wanted = (
        one.counts
        for one in found
        if (one.key.version, one.key.variant) == (ref.version, variant) and rollout in {None, one.key.rollout}
    )
    return summary.total({name: part for name, part in counts.items() if name != "columns"} for counts in wanted)


def _predictions(artifacts: Bucket, case: Case, candidate: Counts, reference: Counts) -> tuple[list[int], list[int]]:
    """Return reference's and candidate's predictions over the same bins; none where they are not of the same time.

    A shadow's are compared row by row; those before a new champion are of other rows.
    """
    if case.kind != CANARY or "prediction" not in candidate or "prediction" not in reference:
        return [], []
    left, right = (
        _prediction_bins(artifacts, case.pointer.model, ref.run_id) for ref in (case.reference, case.candidate)
    )
    if left is None or right is None:
        return [], []
    return histograms.align(left, branch(reference, "prediction"), right, branch(candidate, "prediction"))


def _side(counts: Counts, predictions: list[int], losses: Sample | None) -> Side:
    errors = sum(counts.get("errors", {}).values())
    latency = counts.get("latency", {}).get("warm", {}).get("counts", ())
    requests = counts.get("requests", 0) + errors
    return Side(requests, errors, counts.get("rows", 0) + errors, latency, predictions, losses)


def _losses(quality: dict[str, Any], case: Case) -> tuple[Sample | None, Sample | None]:
    """Return reference's and candidate's, in this rollout; of a new champion in the last one that had both."""
    versions = [str(ref.version) for ref in (case.reference, case.candidate)]
    found = {
        rollout: [Sample(one["rows"], one["mean"], one["variance"]) for one in sides]
        for rollout, losses in (quality.get("losses") or {}).items()
        if all(sides := [losses.get(version) for version in versions])
    }
    rollout = max(found, default="") if case.kind == WATCH else case.pointer.rollout
    reference, candidate = found.get(rollout, (None, None))
    return reference, candidate


def _pairs(artifacts: Bucket, case: Case, began: str, now: str) -> tuple[int, int] | None:
    if case.kind != SHADOW:
        return None
    pair = shadow_agreement.name(case.pointer.rollout, case.candidate.version, case.reference.version)
    return joins.paired(artifacts, case.pointer.model, began, now, pair)


def _prediction_bins(artifacts: Bucket, model: str, run_id: str) -> Bins | None:
    stored = manifests.read(artifacts, model, run_id).get("baseline")
    return baseline_from_json(stored).prediction.bins if stored else None
