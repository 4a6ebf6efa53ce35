"""A version that the gate was unsure of: only labels promote it, and they are held to the gate's own margin."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelloop import clock
from modelloop.rollout import judge
from modelloop.rollout.judge import EXPIRED, HOLD, PROMOTE, ROLLBACK, Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample

START = "2026-01-01T00:00:00.000Z"
BAKED = clock.later(START, minutes=60)
END = clock.later(START, minutes=4_000)
SPREAD = 0.36  # of the loss of a row, as of log loss about 0.4


def side(loss: float | None, labels: int = 20_000) -> VersionEvidence:
    losses = None if loss is None else MeanSample(labels, loss, SPREAD)
    return VersionEvidence(requests=9_000, rows=9_000, predictions=[500, 500], losses=losses)


def unsure(candidate: VersionEvidence, reference: VersionEvidence, **changes: Any) -> Evidence:
    usual: dict[str, Any] = {
        "kind": "canary", "now": clock.later(BAKED, minutes=1), "bake_until": BAKED, "bake_minutes": 60,
        "unsure": True, "expires_at": END, "trivial_loss": 0.69,
    }  # fmt: skip
    return Evidence(candidate=candidate, reference=reference, **{**usual, **changes})


def quality(evidence: Evidence) -> str:
    return next(check.outcome for check in judge.judge(evidence).checks if check.name == "quality")


@pytest.mark.parametrize(
    ("candidate", "reference"),
    [
        (side(None), side(None)),  # no labels
        (side(9.0, 100), side(0.3, 100)),
        (side(0.2, 100), side(0.4, 100)),
        (side(0.2, 199), side(0.4, 20_000)),
        (side(0.2), side(None)),  # labels on one side only
        (side(None), side(0.4)),
        (side(0.9), side(1.4)),  # inverted labels: who is worse looks better
        (side(0.420, 1_000), side(0.4, 1_000)),  # worse by 5 %
        (side(0.420, 100_000), side(0.4, 100_000)),
        (side(0.440, 1_000), side(0.4, 1_000)),  # worse by 10 %
        (side(0.440, 100_000), side(0.4, 100_000)),
        (side(0.4, 1_000), side(0.4, 1_000)),  # as good, by too few labels to say so
    ],
)
def test_is_not_promoted(candidate: VersionEvidence, reference: VersionEvidence) -> None:
    found = judge.judge(unsure(candidate, reference))
    assert found.action in {HOLD, ROLLBACK}
    assert judge.judge(unsure(candidate, reference, now=END)).action in {EXPIRED, ROLLBACK}
    assert found.margin == 0.01


def test_the_same_evidence_promotes_a_version_that_the_gate_was_sure_of() -> None:
    plain = replace(unsure(side(0.440, 100_000), side(0.4, 100_000)), unsure=False)
    assert (judge.judge(plain).action, judge.judge(plain).margin) == (PROMOTE, None)


@pytest.mark.parametrize(
    ("loss", "outcome"), [(0.380, "passed"), (0.392, "passed"), (0.3925, "open"), (0.435, "worse")]
)
def test_labels_decide_by_the_gates_margin(loss: float, outcome: str) -> None:
    """0.4 allows 0.404; of 20,000 labels a side the bound at the end lies 0.0118 above the difference."""
    evidence = unsure(side(loss), side(0.4))
    assert quality(evidence) == outcome
    assert judge.judge(evidence).action == {"passed": PROMOTE, "open": HOLD, "worse": ROLLBACK}[outcome]


@pytest.mark.parametrize(("share", "outcome"), [(0.0, "open"), (0.25, "open"), (0.5, "passed"), (1.0, "passed")])
def test_the_bound_allows_for_every_look_until_the_end(share: float, outcome: str) -> None:
    """0.386 against 0.404: by half of the time the bound is 0.0166 wide, by a quarter 0.0235."""
    assert quality(unsure(side(0.386), side(0.4), labelled_share=share)) == outcome


def test_the_margin_is_the_gates_own() -> None:
    assert quality(unsure(side(0.408), side(0.4), margin=0.05)) == "passed"


def test_it_waits_for_its_labels_and_ends_when_its_time_is_over() -> None:
    open_ = unsure(side(0.4), side(0.4), now=clock.later(END, seconds=-1))
    assert judge.judge(open_).action == HOLD
    assert judge.judge(replace(open_, now=END)).action == EXPIRED
    assert judge.judge(replace(open_, expires_at=None)).action == EXPIRED


def test_a_shadow_ends_undecided_too_and_is_never_promoted() -> None:
    blind = unsure(side(None), side(None), kind="shadow", agreement=(900, 0))
    assert judge.judge(blind).action == HOLD
    assert judge.judge(replace(blind, now=END)).action == EXPIRED
    shown = replace(blind, candidate=side(0.3), reference=side(0.4), now=END)
    assert judge.judge(shown).action == HOLD


def test_the_document_says_that_it_is_unsure() -> None:
    document = judge.judge(unsure(side(None), side(None))).to_json()
    assert (document["unsure"], document["margin"]) == (True, 0.01)
