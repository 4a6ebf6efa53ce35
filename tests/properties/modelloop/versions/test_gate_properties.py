"""What must hold of the gate for every evidence there can be."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from hypothesis import given, settings
from hypothesis import strategies as st

from modelloop.versions.evidence import ChampionEvidence, LabelDistribution, LossComparison
from modelloop.versions.gate import APPROVE, REJECT, RELEASE, GateDecision, decide

if TYPE_CHECKING:
    from collections.abc import Iterable

SCORES = st.floats(0.001, 10.0)
MARGINS = st.floats(0.0, 0.2)
ORDER = {RELEASE: 0, "unsure": 1, APPROVE: 2, REJECT: 3}


@st.composite
def comparisons(draw: st.DrawFn, name: str = "x") -> LossComparison:
    candidate, reference = draw(SCORES), draw(SCORES)
    difference = candidate - reference
    low, high = difference - draw(st.floats(0.0, 2.0)), difference + draw(st.floats(0.0, 2.0))
    return LossComparison(name, "log_loss", draw(st.integers(1, 5000)), candidate, reference, low, high)


def standing(decision: GateDecision) -> int:
    """Return how far a decision is from a plain release."""
    return ORDER["unsure" if decision.unsure else decision.decision]


@st.composite
def labels(draw: st.DrawFn) -> LabelDistribution | None:
    kind = draw(st.sampled_from(["none", "classes", "number"]))
    if kind == "none":
        return None
    if kind == "number":
        return LabelDistribution(draw(st.integers(1, 5000)), None, draw(st.floats(-5, 5)), draw(st.floats(0.0, 5)))
    counts = draw(st.dictionaries(st.sampled_from("abc"), st.integers(1, 3000), min_size=1))
    return LabelDistribution(sum(counts.values()), counts)


SUCCESSIONS = st.builds(
    ChampionEvidence,
    holdout=st.none() | comparisons(),
    anchor=st.none() | comparisons(),
    best=st.none() | comparisons(),
    champion_vs_trivial=st.none() | comparisons(),
    score=st.none() | SCORES,
    labels_before=labels(),
    labels_now=labels(),
    newly_required=st.just(()) | st.just(("age",)),
    other_kind=st.just(()) | st.just(("age",)),
    same_task=st.booleans(),
    pooled=st.none() | comparisons(),
    best_pooled=st.none() | comparisons(),
)


@settings(max_examples=150, deadline=None)
@given(comparisons(), st.none() | SUCCESSIONS, MARGINS)
def test_what_does_not_surely_beat_the_trivial_model_is_never_plainly_released(
    trivial: LossComparison, succession: ChampionEvidence | None, margin: float
) -> None:
    found = decide(trivial, succession, margin=margin)
    assert trivial.high < 0 or standing(found) > 0
    assert succession is not None or not found.unsure


@settings(max_examples=150, deadline=None)
@given(comparisons(), st.none() | SUCCESSIONS, MARGINS)
def test_a_rejection_is_sure_of_one_comparison_beyond_its_margin(
    trivial: LossComparison, succession: ChampionEvidence | None, margin: float
) -> None:
    if decide(trivial, succession, margin=margin).decision == REJECT:
        known = (succession.holdout, succession.anchor, succession.best) if succession else ()
        pools = (succession.pooled, succession.best_pooled) if succession else ()
        worse = [found for found in (*known, *pools) if found and found.low > margin * abs(found.reference)]
        assert worse or trivial.low > 0


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, MARGINS)
def test_a_release_is_surely_no_worse_wherever_it_was_compared(
    trivial: LossComparison, succession: ChampionEvidence, margin: float
) -> None:
    decision = decide(trivial, succession, margin=margin)
    if decision.decision == RELEASE:
        assert decision.unsure or trivial.rows >= 200
        together = {"holdout": succession.pooled, "anchor": succession.pooled, "best": succession.best_pooled}
        for name, pool in together.items():
            alone = getattr(succession, name)
            found = [found for found in (alone, pool) if found is not None]
            sure = any(comparison.high <= margin * abs(comparison.reference) for comparison in found)
            assert decision.unsure or alone is None or sure
        assert succession.same_task
        assert not succession.newly_required


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, MARGINS)
def test_more_margin_never_makes_the_gate_stricter(
    trivial: LossComparison, succession: ChampionEvidence, margin: float
) -> None:
    strict = standing(decide(trivial, succession, margin=margin))
    assert standing(decide(trivial, succession, margin=margin + 0.1)) <= strict


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, st.sampled_from(["holdout", "anchor", "best", "pooled"]), st.floats(0.0, 2.0))
def test_a_better_candidate_never_fares_worse(
    trivial: LossComparison, succession: ChampionEvidence, name: str, gain: float
) -> None:
    found = getattr(succession, name)
    if found is None:
        return
    better = replace(found, candidate=found.candidate - gain, low=found.low - gain, high=found.high - gain)
    before = standing(decide(trivial, succession))
    assert standing(decide(trivial, replace(succession, **{name: better}))) <= before


def _figures(details: Iterable[str]) -> set[str]:
    return {detail.partition(": ")[2] or detail for detail in details}


@settings(max_examples=150, deadline=None)
@given(comparisons(), st.none() | SUCCESSIONS)
def test_every_decision_says_why(trivial: LossComparison, succession: ChampionEvidence | None) -> None:
    decision = decide(trivial, succession)
    wanted = {REJECT: "failed", APPROVE: "approval"}.get(decision.decision, "unsure" if decision.unsure else None)
    assert decision.reasons
    assert all(decision.reasons)
    if wanted:
        named = [check.detail for check in decision.checks if check.outcome == wanted]
        assert _figures(named) <= _figures(decision.reasons)  # a comparison that answers two questions is told once
        assert named
    assert decide(trivial, succession) == decision
