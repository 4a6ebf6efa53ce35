"""The gate: may a freshly fitted version serve? A pure decision on evidence that is plain data.

Every comparison is of losses (lower is better) on the same rows, with one-sided 95 % bounds of the difference. A
candidate must beat the trivial model, and must not be worse than the champion by more than the margin: on the new
holdout, and on the rows that the champion itself was held to; there also not worse than the best version so far, so
that many small steps down cannot add up. A person must say yes where the rows are too few to be sure, and where the
world, the labels or the schema seem to have changed.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from modelloop.spec.sections import MARGIN
from modelloop.versions.evidence import Check, Comparison, Succession, shown
from modelloop.versions.review_checks import labels_regrouped, labels_suspected, suspicions

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

RELEASE, REJECT, APPROVE = "release", "reject", "approve"
SMALL_FIRST, SMALL_SUCCESSOR = 20, 200
BEST_ON_HOLDOUT = "best_on_holdout"


@dataclass(frozen=True, slots=True)
class GateDecision:
    """Release, reject or approve (a person must say yes), with everything that led to it."""

    decision: str
    checks: tuple[Check, ...]
    comparisons: tuple[Comparison, ...]
    reasons: tuple[str, ...]

    def doubted(self, doubts: Sequence[Check]) -> GateDecision:
        """Return the decision after further checks, which can turn a release into an approval."""
        if not doubts:
            return self
        told = tuple(doubt.detail for doubt in doubts)
        checks = (*self.checks, *doubts)
        if self.decision == RELEASE:
            return GateDecision(APPROVE, checks, self.comparisons, told)
        return GateDecision(self.decision, checks, self.comparisons, (*self.reasons, *told))

    def to_json(self) -> dict[str, Any]:
        """Return the document that runs, manifests and reports show."""
        return {
            "decision": self.decision,
            "checks": [check.to_json() for check in self.checks],
            "comparisons": [asdict(comparison) for comparison in self.comparisons],
            "reasons": list(self.reasons),
        }


def decision_from_json(document: Mapping[str, Any]) -> GateDecision:
    """Return a stored decision."""
    checks = (Check(check["name"], check["outcome"], check["detail"]) for check in document["checks"])
    comparisons = (Comparison(**comparison) for comparison in document["comparisons"])
    return GateDecision(document["decision"], tuple(checks), tuple(comparisons), tuple(document["reasons"]))


def decide(trivial: Comparison, succession: Succession | None, *, margin: float = MARGIN) -> GateDecision:
    """Decide on a candidate by its comparison with the trivial model and, if there is one, with the champion."""
    checks = [_better_than_trivial(trivial), _large_enough(trivial.rows, first=succession is None)]
    compared = [trivial]
    if succession is not None:
        signs = list(suspicions(succession))
        checks += [*_inferiorities(succession, margin, signs), *signs]
        found = (succession.holdout, succession.anchor, succession.best, succession.collapse)
        compared += [comparison for comparison in found if comparison is not None]
    outcomes = {check.outcome for check in checks}
    decision = REJECT if "failed" in outcomes else APPROVE if "approval" in outcomes else RELEASE
    reasons = tuple(check.detail for check in checks if check.outcome in {"failed", "approval"})
    return GateDecision(decision, tuple(checks), tuple(compared), reasons or (_all_well(succession),))


def _better_than_trivial(trivial: Comparison) -> Check:
    verdict = "is better than" if trivial.better() else "is not surely better than"
    detail = (
        f"{trivial.metric} {shown(trivial.candidate)} {verdict} the trivial model's {shown(trivial.reference)} "
        f"on {trivial.rows} holdout rows"
    )
    return Check("better_than_trivial", "passed" if trivial.better() else "failed", detail)


def _large_enough(rows: int, *, first: bool) -> Check:
    least = SMALL_FIRST if first else SMALL_SUCCESSOR
    if rows >= least:
        return Check("holdout_size", "passed", f"the holdout has {rows} rows")
    what = "a first version" if first else "a successor"
    return Check("holdout_size", "approval", f"the holdout has {rows} rows; {what} below {least} needs approval")


def _inferiorities(succession: Succession, margin: float, signs: Sequence[Check]) -> Iterator[Check]:
    """Compare with the champion; where labels changed, old rows (with other classes or sides, all) cannot refuse."""
    if not succession.same_task:
        return
    unfair = labels_regrouped(signs) or not succession.same_split
    changed, best = unfair or labels_suspected(signs), succession.best
    compared = [
        ("champion_on_holdout", succession.holdout, "the champion on the new holdout", unfair),
        ("champion_on_anchor", succession.anchor, "the champion on its own holdout", changed),
    ]
    if best is not None and best.name == BEST_ON_HOLDOUT:
        compared.append((BEST_ON_HOLDOUT, best, "the best version so far on the new holdout", unfair))
    else:
        compared.append(("best_on_anchor", best, "the best version so far on the champion's holdout", changed))
    for name, comparison, whom, disputed in compared:
        check = _not_worse(name, comparison, whom, margin)
        if check.outcome == "failed" and disputed:
            check = Check(name, "approval", check.detail + ", which may be because rows, labels or the world changed")
        yield check


def _not_worse(name: str, comparison: Comparison | None, whom: str, margin: float) -> Check:
    if comparison is None:
        return Check(name, "skipped", f"no rows to compare with {whom}")
    detail = (
        f"{comparison.metric} {shown(comparison.candidate)} against {shown(comparison.reference)} of {whom} "
        f"({comparison.rows} rows; difference at most {shown(comparison.high)}, "
        f"allowed {shown(margin * abs(comparison.reference))})"
    )
    if comparison.not_worse(margin):
        return Check(name, "passed", detail)
    if comparison.candidate - comparison.reference <= margin * abs(comparison.reference):
        return Check(name, "approval", detail + ": too few rows to be sure")
    return Check(name, "failed", detail)


def _all_well(succession: Succession | None) -> str:
    return "better than the trivial model" + ("" if succession is None else ", not worse than the champion")
