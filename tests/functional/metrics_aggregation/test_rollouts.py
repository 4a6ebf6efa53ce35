"""From captured requests to the judge: a rollout that begins in the middle of an hour is judged by its own requests."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation import verdicts
from metrics_aggregation.handler import handler
from modelloop import clock
from modelloop.aws.monitoring import summaries
from modelloop.aws.registry.registry import Registry
from modelloop.contracts.verdicts import RolloutVerdict
from modelloop.monitoring import windows
from tests.support.capture_world import (
    BAKED,
    HOUR,
    MODEL,
    NOON,
    ROLLOUT,
    SECOND,
    error,
    manifest,
    prediction,
    usual_rows,
)
from tests.support.stores import ARTIFACTS

if TYPE_CHECKING:
    from modelloop.contracts.verdicts import JudgedRollout
    from tests.support.capture_world import Record, World

ROWS = usual_rows(2)
ROLES = {"canary": ("challenger", 50.0), "shadow": ("shadow", 0.0)}


@pytest.fixture(autouse=True)
def after_the_bake(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock, "now", lambda: clock.later(BAKED, minutes=1))


def begin(world: World, role: str, weight: float) -> None:
    own, second = world.reference(manifest()), world.reference(manifest(2, SECOND))
    pointer = {"champion": own, role: second, "weight": weight, "bake_until": BAKED, "revision": 2}
    world.publish(manifest(2, SECOND), pointer=pointer)


def asked(variant: str, said: str | None = None, **changes: Any) -> list[Record]:
    """300 requests of two rows, all predicted alike where `said` says how."""
    told = {"variant": variant} | ({} if variant == "champion" else {"version": 2, "run_id": SECOND})
    alike = {} if said is None else {"predict": [said] * 2}
    return [prediction(ROWS) | told | alike | changes for _ in range(300)]


@pytest.mark.parametrize("kind", ["canary", "shadow"])
def test_a_mix_that_moved_before_the_rollout_is_not_held_against_the_candidate(
    world: World, context: Any, kind: str
) -> None:
    begin(world, *ROLES[kind])
    handler(world.capture(asked("champion", "Gentoo"), "before"), context)
    own = asked("champion", "Adelie", rollout=ROLLOUT)
    candidate = asked(ROLES[kind][0], "Adelie", rollout=ROLLOUT)
    if kind == "shadow":
        candidate = [one | {"id": other["id"]} for one, other in zip(candidate, own, strict=True)]
    handler(world.capture([*own, *candidate], "since"), context)

    if kind == "shadow":
        verdicts.handler({}, context)  # pairs answers, for the tick after it
    found = verdicts.handler({}, context)["judged"][MODEL]["judge"]
    assert found == {kind: "promote" if kind == "canary" else "hold"}
    checks = {check.name: check.outcome for check in judged().checks}
    assert checks["predictions" if kind == "canary" else "pairs"] == "passed"


def test_requests_refused_before_the_rollout_do_not_hide_a_failing_candidate(world: World, context: Any) -> None:
    begin(world, *ROLES["canary"])
    handler(world.capture([*asked("champion"), *(error() for _ in range(400))], "before"), context)
    own = asked("champion", rollout=ROLLOUT)
    failed = [error(version=2, variant="challenger", rollout=ROLLOUT) for _ in range(250)]
    handler(world.capture([*own, *asked("challenger", rollout=ROLLOUT), *failed], "since"), context)
    assert verdicts.handler({}, context)["judged"][MODEL]["judge"] == {"canary": "rollback"}


def judged() -> JudgedRollout:
    verdict = Registry("table").latest_verdict(RolloutVerdict, MODEL)
    assert verdict is not None
    return verdict.judged[0]


def test_closed_hours_keep_rollouts_apart(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for at, within in enumerate(("", ROLLOUT, ROLLOUT)):
        handler(world.capture([prediction(usual_rows(20), rollout=within)], str(at)), context)
    monkeypatch.setattr(clock, "now", lambda: clock.from_ms(NOON + 5 * windows.HOUR_MS))
    verdicts.handler({}, context)
    stored = {one.key.rollout: one for one in summaries.between(ARTIFACTS, MODEL, HOUR, HOUR)}
    assert {rollout: (one.counts["rows"], len(one.inputs)) for rollout, one in stored.items()} == {
        "": (20, 0),
        ROLLOUT: (40, 2),
    }


def test_open_hours_are_not_folded(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("1", "2"):
        handler(world.capture([prediction(usual_rows(20))], name), context)
    folded = []
    for hours in (0, 1, 2):
        monkeypatch.setattr(clock, "now", lambda hours=hours: clock.from_ms(NOON + hours * windows.HOUR_MS))
        verdicts.handler({}, context)
        folded.append(
            [entry.digest for entry in summaries.entries(ARTIFACTS, MODEL, HOUR, HOUR)] == [summaries.COMPACTED]
        )
    assert folded == [False, False, True]
