from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

from control.prometheus import families
from control.prometheus.families import ModelState
from modelloop import clock
from modelloop.contracts.audit import AuditEntry
from modelloop.contracts.loop_state import ActivityTotals, LoopCounts
from modelloop.contracts.model_record import ModelRecord
from modelloop.ids import derived_uuid7, uuid7_ms
from modelloop.monitoring import activity
from modelloop.versions.run import ENDED, FAILED, QUEUED, RUNNING, SUCCEEDED, Run
from tests.support.runs import dataset

START = clock.to_ms("2026-11-23T00:00:00Z")
HOUR = 3_600_000


def run(at: int, state: str = SUCCEEDED, cause: str = "upload") -> Run:
    return Run("m", derived_uuid7(at, f"{at}"), cause, dataset(), "s", clock.from_ms(at), state=state)


def entry(at: int, who: str, action: str, **detail: Any) -> AuditEntry:
    return AuditEntry(derived_uuid7(at, f"{at}{who}{action}"), clock.from_ms(at), action, who, "because", detail)


def look(previous: ActivityTotals | None, runs: list[Run], entries: list[AuditEntry], now: int) -> ActivityTotals:
    """Look as the schedule does: at what was made after the fold alone."""
    since = activity.through(previous)
    new_runs = [one for one in runs if (uuid7_ms(one.run_id) or 0) > since]
    new = [one for one in entries if (uuid7_ms(one.id) or 0) > since]
    return activity.totals(previous, new_runs, new, model="m", now=clock.from_ms(now))


def test_what_is_counted_is_what_the_loop_did_by_itself() -> None:
    entries = [
        entry(START, "monitoring", "retrain", cause="drift"),
        entry(START + 5, "training-trigger", "retrain", cause="drift"),
        entry(START + 1, "judge", "promote"),
        entry(START + 2, "judge", "reject"),
        entry(START + 3, "ann", "promote"),
        entry(START + 4, "ann", "run"),
    ]
    runs = [run(START), run(START + 1, FAILED, "drift"), run(START + 2, RUNNING), run(START + 3, QUEUED)]
    found = look(None, runs, entries, START + HOUR)
    assert found.totals == LoopCounts(
        runs={"upload/SUCCEEDED": 1, "drift/FAILED": 1},
        retrainings={"drift": 1},
        judged={"promote": 1, "reject": 1},
    )
    assert found.open == {RUNNING: 1, QUEUED: 1}
    assert found.retrained_at == START


@pytest.mark.parametrize("seed", range(30))
def test_looks_at_what_is_new_add_up_to_a_recount(seed: int) -> None:
    chance = random.Random(seed)
    moments = sorted(chance.sample(range(START, START + 240 * HOUR), 40))
    ends = {at: at + chance.randint(0, 40) * HOUR for at in moments}
    causes = {at: chance.choice(["upload", "drift"]) for at in moments}
    previous = None
    for now in range(START, START + 300 * HOUR, 7 * HOUR):
        born = [at for at in moments if at <= now]
        runs = [run(at, SUCCEEDED if ends[at] <= now else RUNNING, causes[at]) for at in born]
        entries = [entry(at, "judge", "promote") for at in born]
        for _ in range(chance.choice([0, 1, 2])):
            previous = look(previous, runs, entries, now)
            counted = Counter(f"{one.cause}/{one.state}" for one in runs if one.state in ENDED)
            assert previous.totals.runs == counted
            assert previous.totals.judged.get("promote", 0) == len(born)
            assert sum(previous.open.values()) == len(born) - counted.total()
    assert previous is not None
    assert activity.through(previous) > START + 200 * HOUR
    assert sum(previous.base.runs.values()) > 20


def test_the_last_retraining_is_remembered_when_it_is_folded() -> None:
    entries = [entry(START, "monitoring", "retrain", cause="quality")]
    first = look(None, [], entries, START + HOUR)
    folded = look(first, [], entries, START + 30 * HOUR)
    later = look(folded, [], entries, START + 60 * HOUR)
    assert (folded.base.retrainings, later.totals.retrainings) == ({"quality": 1}, {"quality": 1})
    assert later.retrained_at == START


def test_prometheus_tells_it_with_zeros_before_the_first() -> None:
    entries = [entry(START, "monitoring", "retrain", cause="quality"), entry(START, "judge", "promote")]
    found = look(None, [run(START, SUCCEEDED, "quality"), run(START + 1, QUEUED)], entries, START + HOUR)
    text = families.render([ModelState(ModelRecord("m", ""), activity=found)])
    told = dict(line.rsplit(" ", 1) for line in text.splitlines() if not line.startswith("#"))
    assert told['modelloop_runs_ended_total{model_name="m",cause="quality",state="SUCCEEDED"}'] == "1"
    assert told['modelloop_runs_ended_total{model_name="m",cause="upload",state="FAILED"}'] == "0"
    assert told['modelloop_runs_open{model_name="m",state="QUEUED"}'] == "1"
    assert told['modelloop_retrainings_total{model_name="m",cause="quality"}'] == "1"
    assert told['modelloop_retrainings_total{model_name="m",cause="drift"}'] == "0"
    assert told['modelloop_retraining_timestamp_seconds{model_name="m"}'] == str(START // 1_000)
    assert told['modelloop_rollouts_judged_total{model_name="m",action="promote"}'] == "1"
    assert told['modelloop_rollouts_judged_total{model_name="m",action="rollback"}'] == "0"
