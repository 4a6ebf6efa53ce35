"""What must hold of the gate for every evidence there can be."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st

from modelloop.versions.evidence import ChampionEvidence, LabelDistribution, LossComparison
from modelloop.versions.gate import APPROVE, REJECT, RELEASE, decide

SCORES = st.floats(0.001, 10.0)
MARGINS = st.floats(0.0, 0.2)
ORDER = {RELEASE: 0, APPROVE: 1, REJECT: 2}


@st.composite
def comparisons(draw: st.DrawFn, name: str = "x") -> LossComparison:
    candidate, reference = draw(SCORES), draw(SCORES)
    difference = candidate - reference
    low, high = difference - draw(st.floats(0.0, 2.0)), difference + draw(st.floats(0.0, 2.0))
    return LossComparison(name, "log_loss", draw(st.integers(1, 5000)), candidate, reference, low, high)


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
)


@settings(max_examples=150, deadline=None)
@given(comparisons(), st.none() | SUCCESSIONS, MARGINS)
def test_what_does_not_beat_the_trivial_model_is_always_rejected(
    trivial: LossComparison, succession: ChampionEvidence | None, margin: float
) -> None:
    decision = decide(trivial, succession, margin=margin).decision
    assert trivial.high < 0 or decision == REJECT


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, MARGINS)
def test_a_release_is_surely_no_worse_wherever_it_was_compared(
    trivial: LossComparison, succession: ChampionEvidence, margin: float
) -> None:
    if decide(trivial, succession, margin=margin).decision == RELEASE:
        assert trivial.rows >= 200
        for found in (succession.holdout, succession.anchor, succession.best):
            assert found is None or found.high <= margin * abs(found.reference)
        assert succession.same_task
        assert not succession.newly_required


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, MARGINS)
def test_more_margin_never_makes_the_gate_stricter(
    trivial: LossComparison, succession: ChampionEvidence, margin: float
) -> None:
    strict = decide(trivial, succession, margin=margin).decision
    assert ORDER[decide(trivial, succession, margin=margin + 0.1).decision] <= ORDER[strict]


@settings(max_examples=150, deadline=None)
@given(comparisons(), SUCCESSIONS, st.sampled_from(["holdout", "anchor", "best"]), st.floats(0.0, 2.0))
def test_a_better_candidate_never_fares_worse(
    trivial: LossComparison, succession: ChampionEvidence, name: str, gain: float
) -> None:
    found = getattr(succession, name)
    if found is None:
        return
    better = replace(found, candidate=found.candidate - gain, low=found.low - gain, high=found.high - gain)
    before = decide(trivial, succession).decision
    assert ORDER[decide(trivial, replace(succession, **{name: better})).decision] <= ORDER[before]


@settings(max_examples=150, deadline=None)
@given(comparisons(), st.none() | SUCCESSIONS)
def test_every_decision_says_why(trivial: LossComparison, succession: ChampionEvidence | None) -> None:
    decision = decide(trivial, succession)
    wanted = {REJECT: "failed", APPROVE: "approval"}.get(decision.decision)
    assert decision.reasons
    assert all(decision.reasons)
    if wanted:
        named = [check.detail for check in decision.checks if check.outcome == wanted]
        assert set(named) <= set(decision.reasons)
        assert named
    assert decide(trivial, succession) == decision
