"""The judge of a rollout: decides from what candidate and reference did to promote, hold, roll back or let it expire.

Rolling back needs proof: the candidate is worse by more than what matters, by a bound that holds however often the
judge looks. Promoting needs the bake time, enough rows, and every check passed by an ordinary one-sided 95 % bound.
Everything between holds, until the rollout expires.

A version that the gate was unsure of has shown nothing yet. It is promoted only when its labels have shown, in this
rollout, that it is not worse by more than the gate's margin; other checks, and their absence, promote nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelloop import clock
from modelloop.contracts.verdicts import JudgedRollout
from modelloop.monitoring.drift import histogram_tests, thresholds
from modelloop.rollout import sequential
from modelloop.rollout.sequential import MeanSample
from modelloop.spec.sections import MARGIN
from modelloop.versions.evidence import Check

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

PROMOTE, HOLD, ROLLBACK, EXPIRED = "promote", "hold", "rollback", "expired"
CANARY, SHADOW, WATCH = "canary", "shadow", "watch"
PASSED, OPEN, WORSE, SKIPPED = "passed", "open", "worse", "skipped"

MIN_ROWS = 200
CHANCE = 0.01  # of one false rollback in a whole rollout, shared by the questions
QUESTIONS = 5
ERROR_SHARE = 0.01
SLOW_SHARE = 0.05
SLOW_FROM_MS = 25.0
FAR_PREDICTIONS = 0.3
DISAGREEMENT = 0.3
RELATIVE = 0.1
EXPIRES_AFTER = 10
MIN_WAIT_MINUTES = 60


@dataclass(frozen=True, slots=True)
class VersionEvidence:
    """What one version did: requests that failed or not, answered rows, and histograms over bins that both sides share.

    `latency` counts warm requests by `Evidence.latency_bounds_ms` and above; `predictions` counts rows by predicted
    value; `losses` is the loss of the labelled rows (lower is better), None without labels.
    """

    requests: int = 0
    errors: int = 0
    rows: int = 0
    latency: Sequence[int] = ()
    predictions: Sequence[int] = ()
    losses: MeanSample | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the judge looks at. `kind` is canary, shadow, or watch (a new champion against the one before).

    `bake_until` ends the bake; `agreement` counts rows that both answered, and how many of them differently (shadow).
    `unsure` is a version that the gate was unsure of: it is held to `margin` alone, until `expires_at` (None: as long
    as any). `trivial_loss` is the trivial model's on the reference's holdout: labels by which the reference is worse
    than that promote nothing. `labelled_share` is how much of the time is over from which labels will have come.
    """

    kind: str
    candidate: VersionEvidence
    reference: VersionEvidence
    now: str
    bake_until: str
    bake_minutes: float
    latency_bounds_ms: Sequence[float] = ()
    agreement: tuple[int, int] | None = None
    frozen: bool = False
    min_rows: int = MIN_ROWS
    margin: float = MARGIN
    unsure: bool = False
    expires_at: str | None = None
    trivial_loss: float | None = None
    labelled_share: float = 1.0


def judge(evidence: Evidence) -> JudgedRollout:
    """Return what to do about a rollout."""
    if evidence.frozen:
        return _judged(evidence, HOLD, ("the model is frozen: nothing is judged",), ())
    rows = min(evidence.candidate.rows, evidence.reference.rows)
    checks = tuple(check(evidence) for check in _CHECKS)
    if rows < evidence.min_rows:
        return _wait(evidence, [f"{rows} rows on the quieter side; {evidence.min_rows} are needed"], checks)
    return _weigh(evidence, checks)


def _weigh(evidence: Evidence, checks: tuple[Check, ...]) -> JudgedRollout:
    worse = [check.detail for check in checks if check.outcome == WORSE]
    if worse:
        return _judged(evidence, ROLLBACK, tuple(worse), checks)
    if evidence.now < evidence.bake_until:
        return _judged(evidence, HOLD, (f"nothing found; baking until {evidence.bake_until}",), checks)
    undecided = [check.detail for check in checks if check.outcome == OPEN or _is_missing(check, evidence)]
    if undecided:
        return _wait(evidence, undecided, checks)
    if evidence.kind == CANARY:
        return _judged(evidence, PROMOTE, ("as good as the champion in everything that could be asked",), checks)
    return _judged(evidence, HOLD, (_NOTHING_TO_DO[evidence.kind],), checks)


def _judged(evidence: Evidence, action: str, reasons: tuple[str, ...], checks: tuple[Check, ...]) -> JudgedRollout:
    return JudgedRollout(evidence.kind, action, reasons, checks, evidence.margin if evidence.unsure else None)


def _is_missing(check: Check, evidence: Evidence) -> bool:
    """Return whether an unsure version's labels have not answered yet: nothing else can promote it."""
    return evidence.unsure and check.name == "quality" and check.outcome != PASSED


def expires_at(bake_until: str, bake_minutes: float) -> str:
    """Return when an undecided rollout ends: ten bake times after it began, and at least an hour after its bake."""
    return clock.later(bake_until, minutes=max(bake_minutes * (EXPIRES_AFTER - 1), MIN_WAIT_MINUTES))


_NOTHING_TO_DO = {
    SHADOW: "as good as the champion in everything that could be asked: promote it when you want to",
    WATCH: "the new champion does as well as the one before",
}


def _wait(evidence: Evidence, reasons: list[str], checks: tuple[Check, ...]) -> JudgedRollout:
    """Return hold, or expired so that no split stays open for ever."""
    end = evidence.expires_at or expires_at(evidence.bake_until, evidence.bake_minutes)
    if evidence.kind == WATCH or evidence.now < end:
        return _judged(evidence, HOLD, tuple(reasons), checks)
    return _judged(evidence, EXPIRED, (f"undecided since {evidence.bake_until}, when the bake ended", *reasons), checks)


def _errors(evidence: Evidence) -> Check:
    candidate, reference = (
        sequential.share(side.requests, side.errors) for side in (evidence.candidate, evidence.reference)
    )
    return _compare(
        "errors", "requests failed", candidate, reference, max(ERROR_SHARE, RELATIVE * reference.mean), evidence
    )


def _latency(evidence: Evidence) -> Check:
    candidate, reference = evidence.candidate.latency, evidence.reference.latency
    if not sum(candidate) or not sum(reference):
        return Check("latency", SKIPPED, "no warm requests to compare")
    slow = _slow_from(reference, evidence.latency_bounds_ms)
    words = f"warm requests took over {evidence.latency_bounds_ms[slow]:g} ms"
    left, right = (sequential.share(sum(side), sum(side[slow + 1 :])) for side in (candidate, reference))
    return _compare("latency", words, left, right, SLOW_SHARE, evidence)


def _slow_from(reference: Sequence[int], bounds: Sequence[float]) -> int:
    """Return the bound that counts as slow: the one after that which 95 % of the reference keep, and at least 25 ms."""
    whole, passed, place = sum(reference), 0, 0
    for place, amount in enumerate(reference):  # noqa: B007  where the loop stopped is what is asked
        passed += amount
        if passed >= 0.95 * whole:
            break
    floor = next((at for at, bound in enumerate(bounds) if bound >= SLOW_FROM_MS), len(bounds) - 1)
    return min(max(place + 1, floor), len(bounds) - 1)


def _predictions(evidence: Evidence) -> Check:
    candidate, reference = evidence.candidate.predictions, evidence.reference.predictions
    rows, bins = (
        (sum(candidate), sum(reference)),
        sum(1 for pair in zip(candidate, reference, strict=True) if any(pair)),
    )
    if not all(rows):
        return Check("predictions", SKIPPED, "no predictions to compare")
    distance = histogram_tests.jensen_shannon(reference, candidate)
    limit = max(FAR_PREDICTIONS, 1.5 * thresholds.noise(*rows, bins))
    detail = f"predictions are {distance:.2f} apart (Jensen-Shannon distance); {limit:.2f} is too far"
    if distance <= limit or min(rows) < evidence.min_rows:
        return Check("predictions", PASSED, detail)
    if _quality(evidence).outcome == PASSED:
        return Check("predictions", PASSED, f"{detail}, but the labels show no loss of quality")
    return Check("predictions", WORSE, detail)


def _agreement(evidence: Evidence) -> Check:
    if not evidence.agreement or not evidence.agreement[0]:
        return Check("pairs", SKIPPED, "no rows that both answered")
    both = sequential.share(*evidence.agreement)
    return _compare(
        "pairs", "rows were answered differently", both, MeanSample(both.size, 0.0, 0.0), DISAGREEMENT, evidence
    )


def _quality(evidence: Evidence) -> Check:
    candidate, reference = evidence.candidate.losses, evidence.reference.losses
    if candidate is None or reference is None or min(candidate.size, reference.size) < evidence.min_rows:
        return Check("quality", SKIPPED, f"fewer than {evidence.min_rows} labels on one side")
    if not evidence.unsure:
        harm = max(evidence.margin, RELATIVE) * abs(reference.mean)
        return _compare("quality", "loss on labelled rows", candidate, reference, harm, evidence)
    harm = evidence.margin * abs(reference.mean)
    bound = sequential.bound_until(candidate, reference, evidence.labelled_share)
    check = _compare("quality", "loss on labelled rows", candidate, reference, harm, evidence, bound <= harm)
    if evidence.trivial_loss is None or reference.mean <= evidence.trivial_loss or check.outcome == OPEN:
        return check
    detail = f"labels look inverted, or the world changed: the champion is worse than the trivial model; {check.detail}"
    return Check("quality", OPEN, detail)


def _compare(
    name: str,
    words: str,
    candidate: MeanSample,
    reference: MeanSample,
    harm: float,
    evidence: Evidence,
    passed: bool | None = None,
) -> Check:
    """Return whether the candidate's mean is higher by more than `harm`; passed (None): surely not by twice that."""
    difference = sequential.bounds_always(candidate, reference, CHANCE / QUESTIONS, evidence.min_rows)
    detail = (
        f"{words}: {candidate.mean:.4g} against {reference.mean:.4g} "
        f"(difference {difference.low:.4g} to {difference.high:.4g})"
    )
    if difference.low > harm:
        return Check(name, WORSE, detail)
    if sequential.bound_once(candidate, reference) <= 2 * harm if passed is None else passed:
        return Check(name, PASSED, detail)
    return Check(name, OPEN, f"not sure yet, {detail}")


_CHECKS: tuple[Callable[[Evidence], Check], ...] = (_errors, _latency, _predictions, _agreement, _quality)
