"""The judge of a rollout: from what candidate and reference did in traffic to promote, hold, roll back or expired.

Rolling back needs proof: the candidate is worse by more than what matters, by a bound that stays honest however often
the judge looks. Promoting needs the bake time, enough rows, and every question answered well by an ordinary one-sided
95 % bound. Everything between holds, until the rollout expires.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

from modelloop import clock
from modelloop.monitoring.drift import histogram_tests, thresholds
from modelloop.rollout import sequential
from modelloop.rollout.sequential import Sample
from modelloop.spec.sections import MARGIN

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
SHORTEST_WAIT_MINUTES = 60


@dataclass(frozen=True, slots=True)
class Side:
    """What one version did: requests that failed or not, answered rows, and histograms over bins that both sides share.

    `latency` counts warm requests by `Evidence.latency_bounds_ms` and above; `predictions` counts rows by predicted
    value; `losses` is the loss of the labelled rows (lower is better), None without labels.
    """

    requests: int = 0
    errors: int = 0
    rows: int = 0
    latency: Sequence[int] = ()
    predictions: Sequence[int] = ()
    losses: Sample | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the judge looks at. `kind` is canary, shadow, or watch (a new champion against the one before).

    `bake_until` ends the bake; `pairs` are rows that both answered, and how many of them differently (shadow).
    """

    kind: str
    candidate: Side
    reference: Side
    now: str
    bake_until: str
    bake_minutes: float
    latency_bounds_ms: Sequence[float] = ()
    pairs: tuple[int, int] | None = None
    frozen: bool = False
    min_rows: int = MIN_ROWS
    margin: float = MARGIN


class Finding(NamedTuple):
    """One question: passed, open (not sure yet), worse, or skipped (nothing to ask); `detail` says it in words."""

    name: str
    outcome: str
    detail: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What to do, why, and what was found on the way."""

    action: str
    reasons: list[str]
    findings: list[Finding] = field(default_factory=list)

    def to_json(self) -> dict[str, Any]:
        """Return the document that the verdict stores."""
        return {
            "action": self.action,
            "reasons": self.reasons,
            "checks": [finding._asdict() for finding in self.findings],
        }


def judge(evidence: Evidence) -> Decision:
    """Decide about a rollout."""
    if evidence.frozen:
        return Decision(HOLD, ["the model is frozen: nothing is judged"])
    rows = min(evidence.candidate.rows, evidence.reference.rows)
    findings = [ask(evidence) for ask in _QUESTIONS]
    if rows < evidence.min_rows:
        return _wait(evidence, [f"{rows} rows on the quieter side; {evidence.min_rows} are needed"], findings)
    return _weigh(evidence, findings)


def _weigh(evidence: Evidence, findings: list[Finding]) -> Decision:
    worse = [finding.detail for finding in findings if finding.outcome == WORSE]
    if worse:
        return Decision(ROLLBACK, worse, findings)
    if evidence.now < evidence.bake_until:
        return Decision(HOLD, [f"nothing found; baking until {evidence.bake_until}"], findings)
    undecided = [finding.detail for finding in findings if finding.outcome == OPEN]
    if undecided:
        return _wait(evidence, undecided, findings)
    if evidence.kind == CANARY:
        return Decision(PROMOTE, ["as good as the champion in everything that could be asked"], findings)
    return Decision(HOLD, [_CONTENT[evidence.kind]], findings)


def expires_at(bake_until: str, bake_minutes: float) -> str:
    """Return when an undecided rollout ends: ten bake times after it began, and at least an hour after its bake."""
    return clock.later(bake_until, minutes=max(bake_minutes * (EXPIRES_AFTER - 1), SHORTEST_WAIT_MINUTES))


_CONTENT = {
    SHADOW: "as good as the champion in everything that could be asked: promote it when you want to",
    WATCH: "the new champion does as well as the one before",
}


def _wait(evidence: Evidence, reasons: list[str], findings: list[Finding]) -> Decision:
    if evidence.kind == WATCH or evidence.now < expires_at(evidence.bake_until, evidence.bake_minutes):
        return Decision(HOLD, reasons, findings)
    return Decision(EXPIRED, [f"undecided since {evidence.bake_until}, when the bake ended", *reasons], findings)


def _errors(evidence: Evidence) -> Finding:
    candidate, reference = (
        sequential.share(side.requests, side.errors) for side in (evidence.candidate, evidence.reference)
    )
    return _compare(
        "errors", "requests failed", candidate, reference, max(ERROR_SHARE, RELATIVE * reference.mean), evidence
    )


def _latency(evidence: Evidence) -> Finding:
    candidate, reference = evidence.candidate.latency, evidence.reference.latency
    if not sum(candidate) or not sum(reference):
        return Finding("latency", SKIPPED, "no warm requests to compare")
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


def _predictions(evidence: Evidence) -> Finding:
    candidate, reference = evidence.candidate.predictions, evidence.reference.predictions
    rows, bins = (
        (sum(candidate), sum(reference)),
        sum(1 for pair in zip(candidate, reference, strict=True) if any(pair)),
    )
    if not all(rows):
        return Finding("predictions", SKIPPED, "no predictions to compare")
    distance = histogram_tests.jensen_shannon(reference, candidate)
    limit = max(FAR_PREDICTIONS, 1.5 * thresholds.noise(*rows, bins))
    detail = f"predictions are {distance:.2f} apart (Jensen-Shannon distance); {limit:.2f} is too far"
    if distance <= limit or min(rows) < evidence.min_rows:
        return Finding("predictions", PASSED, detail)
    if _quality(evidence).outcome == PASSED:
        return Finding("predictions", PASSED, f"{detail}, but the labels speak for the candidate")
    return Finding("predictions", WORSE, detail)


def _pairs(evidence: Evidence) -> Finding:
    if not evidence.pairs or not evidence.pairs[0]:
        return Finding("pairs", SKIPPED, "no rows that both answered")
    both = sequential.share(*evidence.pairs)
    return _compare(
        "pairs", "rows were answered differently", both, Sample(both.size, 0.0, 0.0), DISAGREEMENT, evidence
    )


def _quality(evidence: Evidence) -> Finding:
    candidate, reference = evidence.candidate.losses, evidence.reference.losses
    if candidate is None or reference is None or min(candidate.size, reference.size) < evidence.min_rows:
        return Finding("quality", SKIPPED, "too few labels on one side")
    harm = max(evidence.margin, RELATIVE) * abs(reference.mean)
    return _compare("quality", "loss on labelled rows", candidate, reference, harm, evidence)


def _compare(name: str, words: str, candidate: Sample, reference: Sample, harm: float, evidence: Evidence) -> Finding:
    """Ask whether the candidate's mean is higher than the reference's by more than `harm`."""
    found = sequential.bounds_always(candidate, reference, CHANCE / QUESTIONS, evidence.min_rows)
    detail = (
        f"{words}: {candidate.mean:.4g} against {reference.mean:.4g} (difference {found.low:.4g} to {found.high:.4g})"
    )
    if found.low > harm:
        return Finding(name, WORSE, detail)
    if sequential.bound_once(candidate, reference) <= 2 * harm:
        return Finding(name, PASSED, detail)
    return Finding(name, OPEN, f"not sure yet, {detail}")


_QUESTIONS: tuple[Callable[[Evidence], Finding], ...] = (_errors, _latency, _predictions, _pairs, _quality)
