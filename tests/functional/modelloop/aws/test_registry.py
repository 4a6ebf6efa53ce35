from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import boto3
import pytest

from modelloop import clock
from modelloop.contracts.loop_state import AlertsSent
from modelloop.contracts.model_record import VerdictInShort
from modelloop.contracts.pointer import Pointer, VersionRef
from modelloop.contracts.verdicts import DriftVerdict
from modelloop.contracts.version_facts import VersionEvent
from modelloop.errors import ConflictError, NotFoundError, RequestError
from modelloop.ids import uuid7
from modelloop.versions.run import Metrics, Run
from modelloop.versions.run_change import RunChange
from tests.support import verdicts
from tests.support.runs import dataset
from tests.support.versions import version_facts

if TYPE_CHECKING:
    from modelloop.aws.registry.registry import Registry

REF = VersionRef(1, "run", "versions/m/run/model.flat.json", "00", 10)


def a_run(model: str = "m", digest: str = "d", run_id: str = "") -> Run:
    return Run(model, run_id or uuid7(), "upload", dataset(digest, 3), "s", "2026-01-01T00:00:00.000Z")


def test_a_run_exists_once_per_dataset_spec_and_cause(registry: Registry) -> None:
    first = registry.create_run(a_run())
    second = registry.create_run(a_run())
    assert first.created
    assert not second.created
    assert second == registry.get_run("m", first.run_id) == replace(first, created=False)
    assert len(registry.list_runs("m").items) == 1


def test_a_run_whose_creation_was_interrupted_is_created_under_its_first_id(registry: Registry) -> None:
    first = a_run()
    registry._table.put_new({"pk": "MODEL#m", "sk": f"RUNKEY#{first.key}", "run_id": first.run_id})
    created = registry.create_run(a_run())
    assert created.created
    assert created.run_id == first.run_id


@pytest.mark.parametrize("state", ["FAILED", "REJECTED", "SUCCEEDED", "SUPERSEDED"])
def test_only_a_run_that_failed_loses_its_key_to_a_later_one(registry: Registry, state: str) -> None:
    first = registry.create_run(a_run(run_id=uuid7(1_000)))
    registry.finish_run("m", first.run_id, state)
    assert registry.create_run(a_run(run_id=uuid7(1_000))).run_id == first.run_id
    later = registry.create_run(a_run(run_id=uuid7(2_000)))
    assert later.created is (later.run_id != first.run_id) is (state == "FAILED")
    assert registry.create_run(a_run(run_id=uuid7(3_000))).run_id == later.run_id


@pytest.mark.parametrize("state", ["RUNNING", "SUCCEEDED"])
def test_only_a_run_that_waits_is_superseded(registry: Registry, state: str) -> None:
    run = registry.create_run(a_run())
    if state == "RUNNING":
        registry.start_run("m", run.run_id, 60)
    else:
        registry.finish_run("m", run.run_id, state)
    assert not registry.supersede_run("m", run.run_id, "newer data")
    assert registry.get_run("m", run.run_id).state == state
    waiting = registry.create_run(a_run(digest="other"))
    assert registry.supersede_run("m", waiting.run_id, "newer data")
    assert registry.get_run("m", waiting.run_id).state == "SUPERSEDED"


def test_runs_are_listed_newest_first_in_pages(registry: Registry) -> None:
    ids = [registry.create_run(a_run(digest=str(number), run_id=uuid7(number))).run_id for number in range(5)]
    seen: list[str] = []
    token = None
    while True:
        page = registry.list_runs("m", limit=2, next=token)
        seen += [run.run_id for run in page.items]
        if (token := page.next) is None:
            break
    assert seen == ids[::-1]


@pytest.mark.parametrize("token", ["!", "Uk9MRQ", "VkVSU0lPTiMx", "é"])
def test_a_foreign_page_token_is_refused(registry: Registry, token: str) -> None:
    with pytest.raises(RequestError, match="next"):
        registry.list_runs("m", next=token)


def test_a_run_starts_once_and_ends_once(registry: Registry) -> None:
    run = registry.create_run(a_run())
    assert registry.start_run("m", run.run_id, 60)
    assert not registry.start_run("m", run.run_id, 60)
    metrics = Metrics({"log_loss": {"value": 1e-300, "low": None, "high": None}}, {}, None)
    running = registry.update_run("m", run.run_id, RunChange(stage="fitting", percent=40, metrics=metrics))
    assert (running.state, running.stage, running.percent, running.metrics) == ("RUNNING", "fitting", 40, metrics)
    assert registry.finish_run("m", run.run_id, "FAILED", "out of memory", RunChange(percent=41))
    assert not registry.finish_run("m", run.run_id, "SUCCEEDED", change=RunChange(version=1))
    ended = registry.get_run("m", run.run_id)
    assert (ended.state, ended.reason, ended.version, ended.lease_until) == ("FAILED", "out of memory", None, None)
    with pytest.raises(ConflictError, match="FAILED"):
        registry.update_run("m", run.run_id, RunChange(percent=50))
    assert not registry.start_run("m", run.run_id, 60)


def test_what_does_not_exist_is_said_by_name(registry: Registry) -> None:
    for ask in (
        lambda: registry.get_run("m", "r"),
        lambda: registry.update_run("m", "r", RunChange(percent=1)),
        lambda: registry.start_run("m", "r", 1),
        lambda: registry.finish_run("m", "r", "FAILED"),
        lambda: registry.get_version("m", 9),
        lambda: registry.update_version("m", 9),
        lambda: registry.get_model("m"),
    ):
        with pytest.raises(NotFoundError, match=r"there is no"):
            ask()


def test_version_numbers_are_bound_to_runs_and_never_reused(registry: Registry) -> None:
    assert registry.register_version("m", "a", version_facts("release")) == 1
    assert registry.reserve_version("m", "b") == 2
    assert registry.register_version("m", "a", version_facts("reject")) == 1
    assert registry.register_version("m", "b", version_facts()) == 2
    assert registry.register_version("other", "a", version_facts()) == 1
    assert registry.get_version("m", 1).facts == version_facts("release")
    assert [record.version for record in registry.list_versions("m").items] == [2, 1]


def test_a_version_touched_meanwhile_is_a_conflict(registry: Registry) -> None:
    registry.register_version("m", "a", version_facts())
    seen, event = registry.get_version("m", 1).touched, VersionEvent(clock.now(), "ann", "because")
    assert registry.update_version("m", 1, {"approved": event}, seen=seen).approved == event
    with pytest.raises(ConflictError, match="changed meanwhile"):
        registry.update_version("m", 1, {"retired": event}, seen=seen)
    registry.update_version("m", 1, {"retired": event})
    with pytest.raises(ConflictError, match="was retired meanwhile"):
        registry.update_version("m", 1, unless=("retired",))


def test_the_projection_never_goes_backwards(registry: Registry) -> None:
    registry.create_run(a_run())
    newer = Pointer("m", 2, REF, updated_at="b", weight=12.5)
    assert registry.project_pointer(newer)
    assert not registry.project_pointer(Pointer("m", 1, REF, updated_at="a"))
    model = registry.get_model("m")
    assert (model.name, model.serving) == ("m", newer)
    assert registry.project_pointer(Pointer("other", 1, REF))
    assert [model.name for model in registry.list_models().items] == ["m", "other"]


def test_the_audit_log_has_each_entry_once_newest_first(registry: Registry) -> None:
    first = registry.record_audit("m", "promote", "me", "better", {"version": 2}, audit_id=uuid7(1))
    registry.record_audit("m", "promote", "me", "better", {"version": 2}, audit_id=first)
    registry.record_audit("m", "rollback", "you", "worse", audit_id=uuid7(2))
    entries = registry.list_audit("m").items
    assert [entry.action for entry in entries] == ["rollback", "promote"]
    assert entries[1].detail == {"version": 2}


def test_the_latest_verdict_is_the_newest_whatever_the_order(registry: Registry) -> None:
    assert registry.latest_verdict(DriftVerdict, "m") is None
    given = [verdicts.drift(f"2026-01-01T0{hour}:00:00.000Z", rows=hour) for hour in (2, 1)]
    for verdict in given:
        registry.put_verdict(verdict)
    assert registry.latest_verdict(DriftVerdict, "m") == given[0]
    assert registry.list_verdicts(DriftVerdict, "m").items == given


def test_a_model_has_its_newest_verdicts_in_short_whatever_the_order(registry: Registry) -> None:
    registry.project_pointer(Pointer("m", 1, REF))
    columns = (
        verdicts.column("a", drifted=True),
        verdicts.column("b"),
        verdicts.column("c", drifted=True, informational=True),
    )
    for hour, status in ((2, "drift"), (1, "ok")):
        stamp = f"2026-01-01T0{hour}:00:00.000Z"
        registry.put_verdict(verdicts.drift(stamp, status, version=3, rows=9, columns=columns))
    registry.put_verdict(verdicts.rollout("2026-01-01T02:00:00.000Z"))

    model = registry.get_model("m")
    assert model.drift == VerdictInShort("drift", 3, 9, 1, "2026-01-01T02:00:00.000Z")
    assert model.quality is None


def test_a_verdict_makes_no_model(registry: Registry) -> None:
    registry.put_verdict(verdicts.drift("2026-01-01T02:00:00.000Z", model="gone"))
    assert registry.list_models().items == []


def test_the_history_of_verdicts_expires_and_the_latest_does_not(registry: Registry) -> None:
    registry.put_verdict(verdicts.drift(clock.now()))
    items = boto3.client("dynamodb").scan(TableName="table")["Items"]
    kept = {item["sk"]["S"].partition("#")[0]: item.get("expires_at", {}).get("N") for item in items}
    assert kept["LATEST"] is None
    assert float(kept["VERDICT"] or 0) == pytest.approx(clock.to_ms(clock.now()) / 1_000 + 90 * 86_400, abs=60)


def test_loop_state_is_one_item_a_kind_and_never_goes_backwards(registry: Registry) -> None:
    assert registry.get_state(AlertsSent, "m") is None
    newer, older = (AlertsSent("m", {"drift": "ok"}, at, f"2026-01-01T0{at}:00:00.000Z") for at in (2, 1))
    for state in (newer, older):
        registry.put_state(state)
    assert registry.get_state(AlertsSent, "m") == newer
    items = boto3.client("dynamodb").scan(TableName="table")["Items"]
    assert [item["sk"]["S"] for item in items] == ["STATE#alerts"]


def test_an_older_sequencer_is_stale_and_an_equal_one_is_not(registry: Registry) -> None:
    assert registry.advance_sequencer("m", "k", "0A")
    assert registry.advance_sequencer("m", "k", "0a")
    assert registry.advance_sequencer("m", "k", "0A01")
    assert not registry.advance_sequencer("m", "k", "0A00ff")
    assert registry.advance_sequencer("m", "other", "00")
