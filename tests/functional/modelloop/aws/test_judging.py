from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from modelloop import clock, keys
from modelloop.aws.registry import manifests
from modelloop.aws.serving import judging, pointers, rollout_evidence
from modelloop.aws.serving.changes import Changes
from modelloop.aws.storage import Bucket
from modelloop.contracts.quality_verdict import Losses
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.monitoring import summary, windows
from modelloop.monitoring.summary import LATENCY_BOUNDS_MS, Summary, SummaryKey
from tests.support import verdicts
from tests.support.baselines import baseline_of, labels
from tests.support.manifests import manifest_of
from tests.support.stores import ARTIFACTS, stores_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry

QUICK = [0, 0, 0, 1, *[0] * (len(LATENCY_BOUNDS_MS) - 3)]
SLOW = QUICK[::-1]


@pytest.fixture
def canary(registry: Registry) -> Registry:
    """A champion, a challenger in its bake, and traffic of both in this hour."""
    manifests.read.cache_clear()
    manifests.read.cache_clear()
    for number in (1, 2):
        registry.register_version("m", f"run{number}", version_facts(file="f", promotion={"bake_minutes": 30}))
        baseline = baseline_of(prediction=labels("prediction", ["a", "b"]))
        manifest = manifest_of(model="m", version=number, run_id=f"run{number}", baseline=baseline)
        Bucket("artifacts").put(keys.version("m", manifest.run_id, keys.MANIFEST), manifest.to_bytes())
        Changes(stores_of(registry), "m", who="trainer", why="gate").release(number)
    send("champion", 1, rows=900)
    return registry


def rollout() -> str:
    pointer, _ = pointers.read(ARTIFACTS, "m")
    assert pointer is not None
    return pointer.rollout


def send(
    variant: str,
    version: int,
    *,
    rows: int,
    errors: int = 0,
    labels: tuple[int, int] = (2, 1),
    within: str | None = None,
    latency: dict[str, list[int]] | None = None,
    hours_ago: int = 0,
) -> None:
    """Store a summary of an hour, by default of this one: within the rollout of now, another or ("") none."""
    unit = rows // sum(labels)
    counts: dict[str, Any] = {
        "requests": rows - errors, "rows": rows, "errors": {"INTERNAL_ERROR": errors} if errors else {},
        "latency": {
            start: {"counts": [count * rows for count in in_bins], "micros": 0}
            for start, in_bins in (latency or {"warm": QUICK}).items()
        },
        "prediction": {"counts": [unit * part for part in labels], "missing": 0, "unseen": 0},
    }  # fmt: skip
    hour = windows.shift(clock.hour_of(clock.now()), -hours_ago)
    key = SummaryKey("m", hour, version, variant, rollout() if within is None else within)
    ARTIFACTS.put(keys.summary(*key, f"d{rows}{errors}{labels[0]}"), summary.to_bytes(Summary(key, counts)))


def label(registry: Registry, within: str, loss: float = 0.4) -> None:
    """Store losses by which version 2 is the worse, by default much."""
    losses = {"1": Losses(500, 0.1, 0.09), "2": Losses(500, loss, 0.24)}
    registry.put_verdict(verdicts.quality(clock.now(), losses={within: losses}))


def roles() -> dict[str, int]:
    pointer, _ = pointers.read(ARTIFACTS, "m")
    assert pointer is not None
    named = {role: getattr(pointer, role) for role in ("champion", "challenger", "shadow", "previous")}
    return {role: ref.version for role, ref in named.items() if ref is not None}


def soon(minutes: float) -> str:
    return clock.later(clock.now(), minutes=minutes)


def test_a_good_canary_is_promoted_after_its_bake(canary: Registry) -> None:
    send("challenger", 2, rows=300)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"].action == "hold"
    assert judging.judge_rollouts(stores_of(canary), "m", soon(31))["canary"].action == "promote"
    assert roles() == {"champion": 2, "previous": 1}
    assert canary.list_audit("m").items[0].who == "judge"
    verdict = canary.latest_verdict(RolloutVerdict, "m")
    assert verdict is not None
    assert [rollout.action for rollout in verdict.judged] == ["promote"]


@pytest.mark.parametrize("bad", [{"errors": 90}, {"labels": (0, 1)}])
def test_a_canary_that_misbehaves_is_out_at_once_and_stays_out(canary: Registry, bad: dict[str, Any]) -> None:
    send("challenger", 2, rows=300, **bad)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"].action == "rollback"
    assert roles() == {"champion": 1}
    rejected = canary.get_version("m", 2).rejected
    assert rejected is not None
    assert rejected.who == "judge"
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now()) == {}


@pytest.mark.parametrize(
    ("latency", "action"),
    [({"warm": SLOW}, "rollback"), ({"warm": QUICK, "cold": [9 * count for count in SLOW]}, "promote")],
)
def test_warm_requests_alone_tell_how_quick_a_candidate_is(
    canary: Registry, latency: dict[str, list[int]], action: str
) -> None:
    send("challenger", 2, rows=300, latency=latency)
    assert judging.judge_rollouts(stores_of(canary), "m", soon(31))["canary"].action == action


def test_a_pin_is_a_person_s_word_that_the_judge_does_not_take_back(canary: Registry) -> None:
    Changes(stores_of(canary), "m", who="ann", why="mine").pin(2)
    send("challenger", 2, rows=300, errors=90)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"].action == "rollback"
    pointer, _ = pointers.read(ARTIFACTS, "m")
    assert pointer is not None
    assert ([ref.version for ref in pointer.pins], roles()) == ([2], {"champion": 1})
    detail = canary.list_audit("m").items[0].detail
    assert {name: detail[name] for name in ("version", "champion", "challenger", "pins", "frozen", "weight")} == {
        "version": 2, "champion": 1, "challenger": None, "pins": [2], "frozen": False, "weight": 0,
    }  # fmt: skip
    Changes(stores_of(canary), "m", who="ann", why="not any more").retire(2)
    pointer, _ = pointers.read(ARTIFACTS, "m")
    assert pointer is not None
    assert pointer.pins == ()


def test_a_canary_without_traffic_expires(canary: Registry) -> None:
    assert judging.judge_rollouts(stores_of(canary), "m", soon(299))["canary"].action == "hold"
    assert judging.judge_rollouts(stores_of(canary), "m", soon(301))["canary"].action == "expired"
    assert roles() == {"champion": 1}


def test_a_shadow_without_traffic_expires(canary: Registry) -> None:
    put_into_the_shadow()
    assert judging.judge_rollouts(stores_of(canary), "m", soon(299))["shadow"].action == "hold"
    assert judging.judge_rollouts(stores_of(canary), "m", soon(301))["shadow"].action == "expired"
    assert roles() == {"champion": 1}


@pytest.mark.parametrize(("hours_ago", "action"), [(24, "hold"), (25, "rollback")])
def test_the_day_before_a_promotion_speaks_for_the_champion_before(
    canary: Registry, hours_ago: int, action: str
) -> None:
    send("champion", 1, rows=9_000, errors=3_000, within="", hours_ago=hours_ago)
    Changes(stores_of(canary), "m", who="ann", why="sure").promote(2)
    send("champion", 2, rows=300, errors=90)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["watch"].action == action


def test_a_new_champion_is_watched_for_one_bake_time(canary: Registry) -> None:
    Changes(stores_of(canary), "m", who="ann", why="sure").promote(2)
    send("champion", 2, rows=300, errors=90)
    assert judging.judge_rollouts(stores_of(canary), "m", soon(31)) == {}
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["watch"].action == "rollback"
    assert roles() == {"champion": 1}


@pytest.mark.parametrize("before", [{"labels": (0, 1)}, {"errors": 800}])
def test_what_came_before_the_rollout_in_the_same_hour_speaks_for_nobody(
    canary: Registry, before: dict[str, Any]
) -> None:
    for earlier in ("", "20260101T000000000Z"):
        send("champion", 1, rows=9_000, within=earlier, **before)
    send("challenger", 2, rows=300)
    assert judging.judge_rollouts(stores_of(canary), "m", soon(31))["canary"].action == "promote"


def test_what_came_before_the_rollout_does_not_hide_that_the_candidate_fails(canary: Registry) -> None:
    send("champion", 1, rows=9_000, errors=3_000, within="")
    send("challenger", 2, rows=300, errors=90)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"].action == "rollback"


def put_into_the_shadow() -> None:
    pointer, etag = pointers.read(ARTIFACTS, "m")
    assert pointer is not None
    pointers.publish(ARTIFACTS, pointer.revised(challenger=None, weight=0.0, shadow=pointer.challenger), etag)


def test_a_shadow_that_fails_on_what_was_answered_is_dropped_however_often_callers_were_refused(
    canary: Registry,
) -> None:
    put_into_the_shadow()
    send("champion", 1, rows=900, errors=800)
    send("shadow", 2, rows=300, errors=90)
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["shadow"].action == "rollback"


def test_a_shadow_is_not_judged_by_how_its_predictions_are_spread(canary: Registry) -> None:
    put_into_the_shadow()
    send("champion", 1, rows=900)
    send("shadow", 2, rows=300, labels=(0, 1))
    found = judging.judge_rollouts(stores_of(canary), "m", soon(31))["shadow"]
    assert found.action == "hold"
    assert {check.name: check.outcome for check in found.checks}["predictions"] == "skipped"


def test_a_new_champion_is_not_judged_by_rows_of_another_day(canary: Registry) -> None:
    Changes(stores_of(canary), "m", who="ann", why="sure").promote(2)
    send("champion", 2, rows=300, labels=(0, 1))
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["watch"].action == "hold"


def test_a_frozen_model_is_left_alone(canary: Registry) -> None:
    send("challenger", 2, rows=300, errors=90)
    Changes(stores_of(canary), "m", who="ann", why="stop").freeze()
    assert judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"].action == "hold"
    assert roles() == {"champion": 1, "challenger": 2}


def test_labels_decide_where_there_are_some(canary: Registry) -> None:
    send("challenger", 2, rows=300)
    label(canary, rollout())
    found = judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"]
    assert found.action == "rollback"
    assert [check.name for check in found.checks if check.outcome == "worse"] == ["quality"]


@pytest.mark.parametrize(("margin", "outcome"), [(0.01, "worse"), (3.0, "passed")])
def test_a_loss_within_the_models_own_margin_is_allowed(canary: Registry, margin: float, outcome: str) -> None:
    promotion = {"bake_minutes": 30, "margin": margin}
    canary._table.update("MODEL#m", "VERSION#00000002", {"promotion": promotion})
    send("challenger", 2, rows=300)
    label(canary, rollout(), loss=0.3)
    found = judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"]
    assert {check.name: check.outcome for check in found.checks}["quality"] == outcome


def test_labels_from_before_the_rollout_decide_nothing(canary: Registry) -> None:
    send("challenger", 2, rows=300)
    label(canary, "20260101T000000000Z")
    found = judging.judge_rollouts(stores_of(canary), "m", clock.now())["canary"]
    assert {check.name: check.outcome for check in found.checks}["quality"] == "skipped"


def test_labels_that_come_after_the_promotion_speak_of_the_rollout_before_it(canary: Registry) -> None:
    send("challenger", 2, rows=300)
    before = rollout()
    Changes(stores_of(canary), "m", who="ann", why="sure").promote(2)
    send("champion", 2, rows=300)
    label(canary, before)
    found = judging.judge_rollouts(stores_of(canary), "m", clock.now())["watch"]
    assert (found.action, {check.name: check.outcome for check in found.checks}["quality"]) == ("rollback", "worse")


def test_the_judge_gives_way_to_whoever_changed_the_pointer_meanwhile(
    canary: Registry, monkeypatch: pytest.MonkeyPatch
) -> None:
    send("challenger", 2, rows=300)
    collect = rollout_evidence.collect

    def collect_slowly(*args: Any) -> Any:
        evidence = collect(*args)
        Changes(stores_of(canary), "m", who="ann", why="pinned meanwhile").pin(1)
        return evidence

    monkeypatch.setattr(rollout_evidence, "collect", collect_slowly)
    found = judging.judge_rollouts(stores_of(canary), "m", soon(31))["canary"]
    assert (found.action, found.reasons[0].startswith("somebody else was first")) == ("hold", True)
    assert roles() == {"champion": 1, "challenger": 2}
