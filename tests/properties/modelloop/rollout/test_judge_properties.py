from __future__ import annotations

import random
from dataclasses import replace
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from modelloop import clock
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS
from modelloop.rollout import judge, sequential
from modelloop.rollout.judge import Evidence, VersionEvidence
from modelloop.rollout.sequential import MeanSample

START = "2026-01-01T00:00:00.000Z"
BAKED = clock.later(START, minutes=60)
BINS = len(LATENCY_BOUNDS_MS) + 1


@st.composite
def sides(draw: st.DrawFn) -> VersionEvidence:
    rows = draw(st.integers(0, 5_000))
    requests = draw(st.integers(0, rows))
    losses = st.builds(MeanSample, st.integers(1, rows or 1), st.floats(0, 1), st.floats(0, 1))
    return VersionEvidence(
        requests=requests,
        errors=draw(st.integers(0, requests)),
        rows=rows,
        latency=draw(st.lists(st.integers(0, 300), min_size=BINS, max_size=BINS)),
        predictions=draw(st.lists(st.integers(0, 300), min_size=4, max_size=4)),
        losses=draw(st.none() | losses),
    )


@st.composite
def evidences(draw: st.DrawFn) -> Evidence:
    pairs = draw(st.none() | st.integers(0, 900).flatmap(lambda n: st.tuples(st.just(n), st.integers(0, n))))
    return Evidence(
        kind=draw(st.sampled_from(["canary", "shadow", "watch"])),
        candidate=draw(sides()),
        reference=draw(sides()),
        now=clock.later(START, minutes=draw(st.integers(0, 900))),
        bake_until=BAKED,
        bake_minutes=60,
        latency_bounds_ms=LATENCY_BOUNDS_MS,
        agreement=pairs,
        frozen=draw(st.booleans()),
    )


@given(evidences())
def test_every_decision_keeps_the_rules(evidence: Evidence) -> None:
    found = judge.judge(evidence)
    outcomes = {check.outcome for check in found.checks}
    enough = min(evidence.candidate.rows, evidence.reference.rows) >= evidence.min_rows
    baked = evidence.now >= BAKED
    assert found.reasons
    if found.action == "promote":
        assert (evidence.kind, evidence.frozen) == ("canary", False)
        assert enough
        assert baked
        assert outcomes <= {"passed", "skipped"}
    if found.action == "rollback":
        assert enough
        assert not evidence.frozen
        assert "worse" in outcomes
    if found.action == "expired":
        assert evidence.kind != "watch"
        assert evidence.now >= judge.expires_at(BAKED, 60)
    if enough and "worse" in outcomes:
        assert found.action == "rollback"


@given(evidences())
def test_a_frozen_model_always_holds(evidence: Evidence) -> None:
    assert judge.judge(replace(evidence, frozen=True)).action == "hold"


@given(evidences())
def test_two_equal_sides_are_never_rolled_back(evidence: Evidence) -> None:
    same = replace(evidence, reference=evidence.candidate, agreement=None)
    assert judge.judge(same).action != "rollback"


@given(evidences(), st.integers(0, 500))
def test_more_errors_never_save_a_candidate(evidence: Evidence, more: int) -> None:
    before = judge.judge(evidence)
    candidate = evidence.candidate
    worse = replace(candidate, errors=min(candidate.errors + more, candidate.requests))
    after = judge.judge(replace(evidence, candidate=worse))
    if before.action == "rollback":
        assert after.action == "rollback"
    if after.action == "promote":
        assert before.action == "promote"


def test_looking_again_and_again_rarely_rolls_back_an_equal_candidate() -> None:
    chance = random.Random(7)
    rolled_back = sum(_rollout(chance, 0.02, 0.02)[0] == "rollback" for _ in range(400))
    assert rolled_back <= 4


def test_a_candidate_that_fails_more_often_is_found_and_not_promoted() -> None:
    chance = random.Random(8)
    ends = [_rollout(chance, 0.12, 0.01)[0] for _ in range(200)]
    assert ends.count("promote") == 0
    assert ends.count("rollback") >= 198


def test_an_equal_candidate_is_promoted_soon() -> None:
    chance = random.Random(9)
    ends = [_rollout(chance, 0.005, 0.005) for _ in range(200)]
    assert sum(action == "promote" and looks <= 20 for action, looks in ends) >= 190


def _rollout(chance: random.Random, candidate: float, reference: float) -> tuple[str, int]:
    """Return how a rollout of 100 looks, with 200 rows a side between them, ends, and after how many looks."""
    errors = [0, 0]
    for look in range(1, 101):
        for position, rate in enumerate((candidate, reference)):
            errors[position] += sum(chance.random() < rate for _ in range(200))
        sides: list[Any] = [VersionEvidence(requests=200 * look, errors=amount, rows=200 * look) for amount in errors]
        now = clock.later(START, minutes=5 * look)
        action = judge.judge(Evidence("canary", sides[0], sides[1], now, BAKED, 60)).action
        if action in {"promote", "rollback"}:
            return action, look
    return "hold", 100


def test_bounds_cover_the_truth_at_all_sizes_together() -> None:
    chance = random.Random(10)
    missed = 0
    for _ in range(300):
        hits = [0, 0]
        for look in range(1, 31):
            for position in (0, 1):
                hits[position] += sum(chance.random() < 0.3 for _ in range(100))
            left, right = (sequential.share(100 * look, amount) for amount in hits)
            found = sequential.bounds_always(left, right, 0.05, 200)
            if not found.low <= 0 <= found.high:
                missed += 1
                break
    assert missed <= 15
