"""A version that the gate was unsure of, from its release to the judge's word, and what people are told."""

from __future__ import annotations

import json
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation import reactions
from modelloop import clock, keys
from modelloop.aws.registry import manifests
from modelloop.aws.serving import judging, label_supply, pointers
from modelloop.aws.serving.changes import Changes
from modelloop.contracts.version_facts import GateFacts
from modelloop.monitoring import summary, windows
from modelloop.monitoring.summary import Summary, SummaryKey
from modelloop.rollout import trials
from modelloop.spec.sections import Promotion
from tests.support.baselines import baseline_of, labels
from tests.support.manifests import manifest_of
from tests.support.stores import ARTIFACTS, stores_of
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry
    from modelloop.monitoring.alerts import Alert

UNSURE = GateFacts("release", ("unsure",), True, 0.01, 21_000, "log_loss")
ENOUGH = 200


def register(registry: Registry, number: int) -> None:
    facts = version_facts(file="f", promotion={"bake_minutes": 30})
    registry.register_version("m", f"run{number}", replace(facts, gate=UNSURE) if number > 1 else facts)
    baseline = baseline_of(prediction=labels("prediction", ["a", "b"]))
    manifest = manifest_of(model="m", version=number, run_id=f"run{number}", baseline=baseline)
    ARTIFACTS.put(keys.version("m", manifest.run_id, keys.MANIFEST), manifest.to_bytes())


def release(registry: Registry, number: int, labelled: int = ENOUGH) -> None:
    plan = trials.plan(number, UNSURE, Promotion(bake_minutes=30), labelled, 0.0, clock.now()) if number > 1 else None
    Changes(stores_of(registry), "m", who="trainer", why="gate").release(number, plan)


@pytest.fixture
def served(registry: Registry) -> Registry:
    """A champion; versions 2 to 5, of which the gate was unsure, are registered."""
    manifests.read.cache_clear()
    for number in range(1, 6):
        register(registry, number)
    release(registry, 1)
    return registry


def pointer() -> Any:
    return pointers.read(ARTIFACTS, "m")[0]


def answer(version: int, variant: str, rows: int = 900) -> None:
    counts: dict[str, Any] = {"requests": rows, "rows": rows, "errors": {}}
    key = SummaryKey("m", clock.hour_of(clock.now()), version, variant, pointer().rollout)
    ARTIFACTS.put(keys.summary(*key, f"d{version}"), summary.to_bytes(Summary(key, counts)))


def label(losses: dict[int, float], rows: int = 40_000, hours_ago: int = 0, rollout: str | None = None) -> None:
    """Store a joined hour: the mean loss of labelled rows of each version, in this rollout."""
    sides = {
        str(version): {"figures": {"rows": rows, "scored": rows, "loss": _loss(mean, rows)}}
        for version, mean in losses.items()
    }
    hour = windows.shift(clock.hour_of(clock.now()), -hours_ago)
    joined = {"versions": sides, "rollouts": {pointer().rollout if rollout is None else rollout: sides}}
    document = {"format_version": 1, "model": "m", "hour": hour, "joined": joined}
    ARTIFACTS.put(keys.quality("m", hour), json.dumps(document).encode())


def _loss(mean: float, rows: int) -> dict[str, int]:
    """Return the sums of a loss in millionths whose variance is a quarter of the squared mean."""
    return {"sum": round(mean * 1e6) * rows, "squares": round(mean * 1e6) ** 2 * rows * 5 // 4}


def later(days: float) -> str:
    return clock.later(clock.now(), minutes=days * 24 * 60)


def judge(registry: Registry, days: float, delay: float = 0.0) -> Any:
    found = judging.judge_rollouts(stores_of(registry), "m", later(days), delay)
    return next(iter(found.values()), None)


def told(registry: Registry) -> list[Alert]:
    """Do what a tick does after judging, twice, and return what was published."""
    sent: list[Alert] = []
    services: Any = SimpleNamespace(registry=registry, bus=SimpleNamespace(publish=sent.append))
    for _ in range(2):
        reactions.send_rollout_alert(services, "m", clock.now())
    return sent


@pytest.mark.parametrize(("labelled", "role"), [(199, "shadow"), (200, "challenger")])
def test_it_answers_callers_only_where_labels_came(served: Registry, labelled: int, role: str) -> None:
    label({1: 0.4}, rows=labelled, hours_ago=29 * 24)
    label({1: 0.4}, rows=10_000, hours_ago=31 * 24)
    release(served, 2, label_supply.read(ARTIFACTS, "m", 1, clock.now()))
    assert getattr(pointer(), role).version == pointer().trial.version == 2


def test_labels_of_its_own_rollout_promote_it(served: Registry) -> None:
    release(served, 2)
    answer(1, "champion")
    answer(2, "challenger")
    assert judge(served, 1).action == "hold"  # as good in everything else
    label({1: 0.40, 2: 0.39}, rollout="20260101T000000000Z")
    assert judge(served, 1).action == "hold"
    label({1: 0.40, 2: 0.39})
    assert judge(served, 1, delay=48).action == "hold"  # labels of that hour may still come
    found = judge(served, 1)
    assert (found.action, found.margin) == ("promote", 0.01)
    assert (pointer().champion.version, pointer().trial) == (2, None)


def test_labels_by_which_it_is_a_little_worse_do_not(served: Registry) -> None:
    """The champion's 0.40 allows 0.404: without the gate's doubts 0.42 would be promoted."""
    release(served, 2)
    answer(1, "champion")
    answer(2, "challenger")
    label({1: 0.40, 2: 0.42})
    assert judge(served, 1).action == "rollback"
    assert served.get_version("m", 2).rejected is not None


def test_what_ends_undecided_is_told_once_and_kept(served: Registry) -> None:
    release(served, 2)
    answer(1, "champion")
    answer(2, "challenger")
    assert judge(served, 13.9).action == "hold"
    assert judge(served, 14.1).action == "expired"
    assert (pointer().champion.version, pointer().challenger, pointer().trial) == (1, None, None)
    (alert,) = told(served)
    assert alert.reasons[0] == "kept as version 2, not better than the champion as far as can be known"
    kept = served.get_version("m", 2)
    assert (kept.kept is not None, kept.rejected, kept.asked) == (True, None, None)
    Changes(stores_of(served), "m", who="ann", why="mine").promote(2)
    assert pointer().champion.version == 2


def test_after_three_in_a_row_a_person_is_asked_once(served: Registry) -> None:
    asked = []
    for number in (2, 3, 4, 5):
        release(served, number, labelled=0)
        assert judge(served, 1).action == "expired"
        asked.append([reason for alert in told(served) for reason in alert.reasons if "in a row" in reason])
    assert asked == [[], [], [trials.question(4, 21_000)], []]
    assert [served.get_version("m", number).asked is not None for number in (2, 3, 4, 5)] == [False, False, True, False]
    Changes(stores_of(served), "m", who="ann", why="it will do").approve(4)
    assert (pointer().challenger.version, pointer().trial) == (4, None)


def test_a_sure_version_takes_the_place_of_one_on_trial(served: Registry) -> None:
    release(served, 2)
    served.register_version("m", "run6", version_facts(file="f", promotion={"bake_minutes": 30}))
    Changes(stores_of(served), "m", who="trainer", why="gate").release(6)
    assert (pointer().challenger.version, pointer().trial) == (6, None)
    kept = served.get_version("m", 2).kept
    assert kept is not None
    assert kept.why == "version 6 took its place, undecided"
