from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from modelloop import clock
from modelloop.contracts.pointer import Pointer, Trial, pointer_from_json
from modelloop.contracts.version_facts import GateFacts, VersionEvent, VersionRecord
from modelloop.rollout import clearance, moves, trials
from modelloop.rollout.trials import TrialPlan
from modelloop.spec.sections import Promotion
from tests.support.versions import ref, serving, version_facts

NOW = "2026-01-01T00:00:00.000Z"
SAID: dict[str, Any] = {"now": NOW, "who": "trainer", "why": "gate"}
UNSURE = GateFacts("release", ("unsure",), True, 0.02, 21_000, "log_loss")
EVENT = VersionEvent(NOW, "judge", "undecided")
CANARY = TrialPlan(Trial(2, 0.01, "2026-01-15T00:00:00.000Z"), is_canary=True)
SHADOW = CANARY._replace(is_canary=False)


def planned(labelled: int = 200, delay: float = 24, policy: Promotion | None = None, **gate: Any) -> TrialPlan:
    return trials.plan(2, replace(UNSURE, **gate), policy or Promotion(), labelled, delay, NOW)


def test_where_labels_come_it_is_a_canary_for_fourteen_days_with_the_gates_margin() -> None:
    assert planned() == TrialPlan(Trial(2, 0.02, "2026-01-15T00:00:00.000Z"), is_canary=True)


@pytest.mark.parametrize(
    "why",
    [{"labelled": 199}, {"delay": 14 * 24}, {"policy": Promotion("shadow")}, {"metric": "mae"}, {"metric": None}],
)
def test_where_labels_cannot_decide_it_is_a_shadow_as_long_as_any(why: dict[str, Any]) -> None:
    assert planned(**why) == TrialPlan(Trial(2, 0.02, clock.later(NOW, minutes=600)), is_canary=False)


def test_it_lasts_as_long_as_any_rollout_at_least() -> None:
    assert planned(policy=Promotion(bake_minutes=3_000)).trial.expires_at == clock.later(NOW, minutes=30_000)


@pytest.mark.parametrize(
    ("own", "stacks", "hours"), [(None, 24.0, 24.0), (3.0, 24.0, 3.0), (3.0, 0.0, 0.0), (0.0, 24.0, 0.0)]
)
def test_labels_take_as_long_as_the_model_says(own: float | None, stacks: float, hours: float) -> None:
    assert trials.delay_hours(own, stacks) == hours


def released(pointer: Pointer | None, plan: TrialPlan | None, policy: str = "auto", number: int = 2) -> Pointer | None:
    return moves.release(pointer, ref(number), model="m", policy=Promotion(policy), plan=plan, **SAID)


def test_a_canary_on_trial_gets_its_share_and_the_pointer_says_so() -> None:
    found = released(serving(champion=1), CANARY)
    assert found is not None
    assert (found.challenger, found.shadow, found.weight, found.trial) == (ref(2), None, 10, CANARY.trial)
    document = found.to_json()
    assert document["trial"] == {"version": 2, "margin": 0.01, "expires_at": CANARY.trial.expires_at, "unsure": True}
    assert pointer_from_json(document) == found


def test_a_pointer_without_a_trial_is_stored_as_before() -> None:
    document = serving(champion=1).to_json()
    assert "trial" not in document
    assert pointer_from_json(document).trial is None


def test_it_takes_no_challengers_place_and_lets_it_bake() -> None:
    baking = serving(champion=1, challenger=2, weight=10, bake_until="2026-01-01T00:30:00.000Z")
    found = released(baking, CANARY._replace(trial=CANARY.trial._replace(version=3)), number=3)
    assert found is not None
    assert (found.challenger, found.shadow, found.bake_until) == (ref(2), ref(3), baking.bake_until)


@pytest.mark.parametrize(("pointer", "policy"), [(None, "auto"), (serving(champion=1), "manual")])
def test_without_a_champion_or_by_hand_it_gets_no_role(pointer: Pointer | None, policy: str) -> None:
    assert released(pointer, CANARY, policy) is pointer
    assert released(serving(), CANARY) == serving()


def test_the_trial_is_over_when_its_version_has_no_role_of_one_on_trial() -> None:
    on_trial = released(serving(champion=1), SHADOW)
    assert on_trial is not None
    assert on_trial.shadow == ref(2)
    kept = moves.keep(replace(on_trial, pins=(ref(2),)), 2, **SAID)
    assert (kept.shadow, kept.trial, kept.bake_until, kept.pins, kept.action) == (None, None, None, (ref(2),), "keep")
    promoted = moves.promote(on_trial, ref(2), model="m", **SAID)
    assert (promoted.champion, promoted.trial) == (ref(2), None)
    sure = released(released(serving(champion=1), CANARY), None, number=3)
    assert sure is not None
    assert (sure.challenger, sure.trial) == (ref(3), None)


def record(number: int, **events: Any) -> VersionRecord:
    facts = replace(version_facts(file="f"), gate=UNSURE)
    return VersionRecord("m", number, f"run{number}", NOW, facts, **events)


def test_a_version_that_was_kept_is_brought_live_by_people_alone() -> None:
    kept = record(2, kept=EVENT)
    assert (clearance.status(kept), clearance.is_releasable(kept), clearance.is_open(kept)) == ("kept", False, False)
    clearance.check(kept)
    approved = replace(kept, approved=EVENT)
    assert (clearance.status(approved), clearance.is_releasable(approved)) == ("approved", True)
    assert clearance.is_unsure(kept)
    assert not clearance.is_unsure(approved)


def test_a_version_about_which_a_person_is_asked_waits() -> None:
    asked = record(2, kept=EVENT, asked=EVENT)
    assert (clearance.status(asked), clearance.is_open(asked)) == ("waiting", True)


def test_undecided_endings_in_a_row_are_those_since_one_was_decided() -> None:
    kept = [record(number, kept=EVENT) for number in (6, 5, 4)]
    assert trials.undecided_in_a_row([record(7), *kept, record(3, kept=EVENT)], champion=3) == 3
    assert trials.undecided_in_a_row([*kept[:2], record(4, rejected=EVENT), kept[2]], champion=1) == 2


def test_what_is_said_is_short_and_has_the_rows_that_would_decide() -> None:
    assert trials.kept(7) == "kept as version 7, not better than the champion as far as can be known"
    assert trials.question(7, 21_000) == (
        "3 versions in a row ended undecided; about 21,000 rows or labels would decide: add them, or approve version 7 "
        "as it is"
    )
