from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelloop import clock
from modelloop.contracts.verdicts import JudgedRollout
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS
from modelloop.rollout import judge
from modelloop.rollout.judge import EXPIRED, HOLD, PROMOTE, ROLLBACK, Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample

START = "2026-01-01T00:00:00.000Z"
BAKED = clock.later(START, minutes=60)
QUICK = [0, 0, 0, 100, 900, *[0] * 12]


def side(**changes: Any) -> VersionEvidence:
    usual: dict[str, Any] = {
        "requests": 1_000, "errors": 2, "rows": 1_000, "latency": QUICK, "predictions": [500, 300, 200],
    }  # fmt: skip
    return VersionEvidence(**{**usual, **changes})


def evidence(candidate: VersionEvidence | None = None, **changes: Any) -> Evidence:
    usual: dict[str, Any] = {
        "kind": "canary", "candidate": candidate or side(), "reference": side(), "now": clock.later(BAKED, minutes=1),
        "bake_until": BAKED, "bake_minutes": 60, "latency_bounds_ms": LATENCY_BOUNDS_MS,
    }  # fmt: skip
    return Evidence(**{**usual, **changes})


def outcomes(found: JudgedRollout) -> dict[str, str]:
    return {check.name: check.outcome for check in found.checks}


def test_a_candidate_as_good_as_the_champion_is_promoted_after_its_bake() -> None:
    assert judge.judge(evidence()).action == PROMOTE
    assert judge.judge(evidence(now=clock.later(BAKED, minutes=-1))).action == HOLD


@pytest.mark.parametrize(
    ("name", "bad"),
    [
        ("errors", side(errors=100)),
        ("latency", side(latency=[0] * 9 + [1_000] + [0] * 7)),
        ("predictions", side(predictions=[0, 0, 1_000])),
        ("quality", side(losses=MeanSample(1_000, 0.4, 0.24))),
    ],
)
def test_a_candidate_that_is_worse_is_rolled_back_at_once(name: str, bad: VersionEvidence) -> None:
    reference = side(losses=MeanSample(1_000, 0.1, 0.09))
    found = judge.judge(evidence(bad, reference=reference, now=START))
    assert found.action == ROLLBACK
    assert outcomes(found)[name] == "worse"
    assert [name for name, outcome in outcomes(found).items() if outcome == "worse"] == [name]


def test_few_rows_prove_nothing_until_the_rollout_expires() -> None:
    few = side(rows=199, errors=100)
    assert judge.judge(evidence(few)).action == HOLD
    late = clock.later(START, minutes=600)
    assert judge.judge(evidence(few, now=clock.later(late, seconds=-1))).action == HOLD
    assert judge.judge(evidence(few, now=late)).action == EXPIRED
    assert judge.judge(evidence(few, now=late, kind="watch")).action == HOLD


def test_what_is_not_sure_holds_and_then_expires() -> None:
    unsure = side(errors=14, requests=400)
    found = judge.judge(evidence(unsure))
    assert (found.action, outcomes(found)["errors"]) == (HOLD, "open")
    assert judge.judge(evidence(unsure, now=clock.later(START, minutes=600))).action == EXPIRED


def test_labels_speak_louder_than_other_predictions() -> None:
    other = side(predictions=[200, 300, 500], losses=MeanSample(1_000, 0.05, 0.0475))
    reference = side(predictions=[900, 50, 50], losses=MeanSample(1_000, 0.2, 0.16))
    assert judge.judge(evidence(other, reference=reference)).action == PROMOTE
    assert judge.judge(evidence(replace(other, losses=None), reference=reference)).action == ROLLBACK


def test_a_frozen_model_is_not_judged() -> None:
    assert judge.judge(evidence(side(errors=900), frozen=True)).action == HOLD


def test_a_shadow_is_never_promoted_and_is_dropped_when_it_disagrees() -> None:
    assert judge.judge(evidence(kind="shadow", agreement=(1_000, 20))).action == HOLD
    assert judge.judge(evidence(kind="shadow", agreement=(1_000, 700))).action == ROLLBACK


def test_a_new_champion_is_watched_and_rolled_back() -> None:
    assert judge.judge(evidence(kind="watch", now=START)).action == HOLD
    assert judge.judge(evidence(side(errors=100), kind="watch", now=START)).action == ROLLBACK


def test_slow_means_slower_than_what_the_champion_keeps() -> None:
    slow_anyway = [0] * 12 + [1_000, 0, 0, 0, 0]
    assert judge.judge(evidence(side(latency=slow_anyway), reference=side(latency=slow_anyway))).action == PROMOTE
    a_little_slower = [0] * 5 + [1_000] + [0] * 11
    assert judge.judge(evidence(side(latency=a_little_slower))).action == PROMOTE


def test_the_decision_is_a_plain_document() -> None:
    document: dict[str, Any] = judge.judge(evidence()).to_json()
    assert document["action"] == "promote"
    assert {check["name"] for check in document["checks"]} == {"errors", "latency", "predictions", "pairs", "quality"}
