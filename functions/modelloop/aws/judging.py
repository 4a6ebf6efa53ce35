"""One look of the judge at one model: evidence from stored summaries, the decision, and the one write it asks for."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import clearance, clock, histograms, judge, summary, windows
from modelloop.aws import manifests, outcomes, pointers, summaries
from modelloop.aws.changes import Changes
from modelloop.aws.table import MOST_ITEMS
from modelloop.errors import ConflictError
from modelloop.judge import CANARY, HOLD, PROMOTE, SHADOW, WATCH, Decision, Evidence, Side
from modelloop.sequential import Sample

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from modelloop.aws.registry import Registry
    from modelloop.serving import Pointer, VersionRef
    from modelloop.summary import Summary, Tallies

WHO = "judge"
HOURS_BEFORE = 24
LAST = "~"  # after every hour


def look(registry: Registry, model: str, now: str) -> dict[str, Decision]:
    """Judge what is being rolled out, and act; return the decisions by kind, none when nothing is rolled out.

    Whoever changes the pointer meanwhile wins: the judge looks again at the next tick. Repeating a look is harmless.
    """
    pointer, _ = pointers.read(model)
    decisions: dict[str, Decision] = {}
    for case in _cases(pointer, now) if pointer else ():
        decision = judge.judge(gather(registry, case, now))
        decisions[case.kind] = decision if decision.action == HOLD else _act(registry, case, decision, now)
        if decision.action != HOLD:
            break
    if decisions:
        judged = [{"kind": kind, **decision.to_json()} for kind, decision in decisions.items()]
        registry.put_verdict(model, "judge", {"model": model, "updated_at": now, "judged": judged})
    return decisions


def ended(registry: Registry, model: str, known: int | None) -> dict[str, Any] | None:
    """Return what the judge decided of the rollout that it ended last: kind, versions, action, reasons, revision.

    None when there is none, or its revision is the `known` one. It was written down before it was done, so the audit
    log, which has every revision, tells whether it was: somebody else's change may have come first.
    """
    intended = registry.latest_verdict(model, "rollout")
    if intended is None or intended["revision"] == known:
        return None
    made = ((one["who"], one["detail"].get("revision")) for one in registry.list_audit(model, MOST_ITEMS).items)
    return intended if (WHO, intended["revision"]) in made else None


class Case(NamedTuple):
    """A rollout in progress: the candidate on trial, and the reference that it is held against."""

    kind: str
    pointer: Pointer
    candidate: VersionRef
    reference: VersionRef
    bake_until: str

    def intent(self, decision: Decision, now: str) -> dict[str, Any]:
        """Return the document of what is about to be done, and of the pointer's revision that it will make."""
        return {
            "model": self.pointer.model,
            "updated_at": now,
            "kind": self.kind,
            "version": self.candidate.version,
            "reference": self.reference.version,
            "action": decision.action,
            "reasons": decision.reasons,
            "revision": self.pointer.revision + 1,
        }


def _cases(pointer: Pointer, now: str) -> Iterator[Case]:
    champion, until = pointer.champion, pointer.bake_until
    if champion is None or until is None:
        return
    if pointer.challenger:
        yield Case(CANARY, pointer, pointer.challenger, champion, until)
    if pointer.previous and now < until:
        yield Case(WATCH, pointer, champion, pointer.previous, until)
    if pointer.shadow:
        yield Case(SHADOW, pointer, pointer.shadow, champion, until)


def gather(registry: Registry, case: Case, now: str) -> Evidence:
    """Return what is known of a rollout in progress."""
    model = case.pointer.model
    policy = clearance.policy(registry.get_version(model, case.candidate.version))
    began = windows.hour_of(clock.later(case.bake_until, minutes=-policy.bake_minutes))
    found = list(summaries.between(model, windows.shift(began, -HOURS_BEFORE), windows.hour_of(now)))
    candidate, reference = _tallies(case, found, began)
    bins = [_prediction_bins(model, ref.run_id) for ref in (case.reference, case.candidate)]
    predictions: tuple[list[int], list[int]] = ([], [])
    if all(bins) and "prediction" in candidate and "prediction" in reference:
        predictions = histograms.align(bins[0], reference["prediction"], bins[1], candidate["prediction"])
    quality = registry.latest_verdict(model, "quality") or {}
    return Evidence(
        case.kind,
        candidate=_side(candidate, predictions[1], _losses(quality, case.candidate.version)),
        reference=_side(reference, predictions[0], _losses(quality, case.reference.version)),
        now=now,
        bake_until=case.bake_until,
        bake_minutes=policy.bake_minutes,
        latency_bounds_ms=summary.LATENCY_BOUNDS_MS,
        pairs=_pairs(case, began, now),
        frozen=case.pointer.frozen,
        margin=policy.margin,
    )


def _tallies(case: Case, found: list[Summary], began: str) -> tuple[Tallies, Tallies]:
    """Return candidate's and reference's; the one before a new champion is judged by the day before the change."""
    if case.kind == WATCH:
        before = _total(found, case.reference.version, {"champion"}, "", began)
        return _total(found, case.candidate.version, {"champion"}, began, LAST), before
    variant = "challenger" if case.kind == CANARY else "shadow"
    candidate = _total(found, case.candidate.version, {variant}, began, LAST)
    return candidate, _total(found, case.reference.version, {"champion"}, began, LAST)


def _total(found: Iterable[Summary], version: int, variants: set[str], start: str, end: str) -> Tallies:
    """Return the tallies of one version in some roles, in hours from `start` to `end`, both included."""
    wanted = (
        one.tallies
        for one in found
        if one.place.version == version and one.place.variant in variants and start <= one.place.hour <= end
    )
    return summary.total({name: part for name, part in tallies.items() if name != "columns"} for tallies in wanted)


def _side(tallies: Tallies, predictions: list[int], losses: Sample | None) -> Side:
    errors = sum(tallies.get("errors", {}).values())
    latency = tallies.get("latency", {}).get("warm", {}).get("counts", ())
    requests = tallies.get("requests", 0) + errors
    return Side(requests, errors, tallies.get("rows", 0) + errors, latency, predictions, losses)


def _losses(quality: dict[str, Any], version: int) -> Sample | None:
    found = (quality.get("losses") or {}).get(str(version))
    return Sample(found["rows"], found["mean"], found["variance"]) if found else None


def _pairs(case: Case, began: str, now: str) -> tuple[int, int] | None:
    if case.kind != SHADOW:
        return None
    candidate, reference = case.candidate.version, case.reference.version
    return outcomes.paired(case.pointer.model, began, now, candidate=candidate, reference=reference)


def _prediction_bins(model: str, run_id: str) -> dict[str, Any]:
    return (manifests.read(model, run_id).get("baseline") or {}).get("prediction") or {}


def _act(registry: Registry, case: Case, decision: Decision, now: str) -> Decision:
    """Do what was decided, unless the pointer is no longer the one that was judged."""
    pointer = case.pointer
    registry.put_verdict(pointer.model, "rollout", case.intent(decision, now))
    changes = Changes(registry, pointer.model, who=WHO, why="; ".join(decision.reasons), seen=pointer.revision)
    try:
        if decision.action == PROMOTE:
            changes.promote(case.candidate.version)
        elif case.kind == WATCH:
            changes.rollback(case.reference.version)
        else:
            changes.reject(case.candidate.version)
    except ConflictError as error:
        return Decision(HOLD, [f"somebody else was first: {error.message}"], decision.findings)
    return decision
