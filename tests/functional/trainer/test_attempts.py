from __future__ import annotations

import json
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import clock, keys
from modelloop.aws.functions import ReplayFunction
from modelloop.aws.serving import pointers
from modelloop.aws.storage import Bucket
from modelloop.errors import ConflictError, MalformedBodyError, TransientError
from modelloop.ids import uuid7_ms
from modelloop.spec.model import Spec, parse_spec
from modelloop.versions.run_change import RunChange
from tests.support.trainer_lab import Context, sample
from trainer import pipeline
from trainer.handler import handler

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Lab

AGAIN = {"batchItemFailures": [{"itemIdentifier": "1"}]}
DONE: dict[str, list[Any]] = {"batchItemFailures": []}


def die_at(lab: Lab, stage: str, *, attempts: int = 1, lease: float = -1.0) -> Run:
    """Leave a run as a killed environment leaves it."""
    run = lab.prepare(sample(300, 1))
    lab.registry.update_run("m", run.run_id, RunChange(attempts=attempts))
    lab.registry.start_run("m", run.run_id, lease)
    lab.registry.update_run("m", run.run_id, RunChange(stage=stage))
    return run


def test_an_ended_run_is_left_alone(lab: Lab) -> None:
    run = lab.train(sample(300, 1))
    before = lab.registry.get_run("m", run.run_id)
    assert lab.deliver(run) == DONE
    assert lab.registry.get_run("m", run.run_id) == before
    assert lab.pointer().revision == 1


def test_a_run_that_died_while_fitting_fails_with_advice(lab: Lab) -> None:
    run = die_at(lab, "fitting")
    assert lab.deliver(run) == DONE
    ended = lab.registry.get_run("m", run.run_id)
    assert ended.state == "FAILED"
    assert "TrainerMemory" in str(ended.reason)
    assert "fewer rows" in str(ended.reason)


def test_a_run_that_died_later_is_taken_once_more(lab: Lab) -> None:
    run = die_at(lab, "replaying")
    assert lab.deliver(run) == DONE
    assert lab.registry.get_run("m", run.run_id).state == "SUCCEEDED"


def test_there_is_never_a_third_attempt(lab: Lab) -> None:
    run = die_at(lab, "replaying", attempts=2)
    assert lab.deliver(run) == DONE
    assert lab.registry.get_run("m", run.run_id).state == "FAILED"


def test_a_run_under_a_living_lease_is_not_touched(lab: Lab) -> None:
    run = die_at(lab, "fitting", lease=100.0)
    assert lab.deliver(run) == AGAIN
    assert lab.registry.get_run("m", run.run_id).state == "RUNNING"


def test_the_lease_is_as_long_as_the_function_can_live(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    leases: list[float] = []
    start = type(lab.registry).start_run

    def watched(self: Any, model: str, run_id: str, lease_seconds: float) -> bool:
        leases.append(lease_seconds)
        return start(self, model, run_id, lease_seconds)

    monkeypatch.setattr(type(lab.registry), "start_run", watched)
    lab.deliver(lab.prepare(sample(300, 1)), seconds=300.0)
    assert 300.0 <= leases[0] <= 330.0


def test_an_overtaken_run_is_superseded(lab: Lab) -> None:
    old = lab.prepare(sample(300, 1))
    new = lab.prepare(sample(400, 1))
    assert lab.deliver(old) == DONE
    ended = lab.registry.get_run("m", old.run_id)
    assert (ended.state, ended.version) == ("SUPERSEDED", None)
    assert new.run_id in str(ended.reason)
    assert lab.deliver(new) == DONE
    assert lab.registry.get_run("m", new.run_id).state == "SUCCEEDED"


def test_a_newer_run_that_is_not_queued_yet_overtakes_nothing(lab: Lab) -> None:
    old = lab.prepare(sample(300, 1))
    new = lab.prepare(sample(400, 1))
    lab.registry.update_run("m", new.run_id, RunChange(stage="received"))
    lab.deliver(old)
    assert lab.registry.get_run("m", old.run_id).state == "SUCCEEDED"


def test_a_mismatch_blocks_the_version(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ReplayFunction, "replay", lambda *_: {"ok": False, "rows": 5, "mismatches": 2, "reason": "2 rows differ"}
    )
    run = lab.train(sample(300, 1))
    assert run.state == "FAILED"
    assert "does not reproduce the fitted model: 2 rows differ" in str(run.reason)
    assert lab.pointer() is None
    assert Bucket("artifacts").head(keys.version("m", run.run_id, keys.MANIFEST)) is None


def test_wrong_golden_rows_block_the_version(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        ReplayFunction, "replay", lambda *_: {"ok": True, "rows": 5, "mismatches": 0, "golden_ok": False}
    )
    assert lab.train(sample(300, 1)).state == "FAILED"


def test_a_damaged_prepared_table_is_refused(lab: Lab) -> None:
    run = lab.prepare(sample(300, 1))
    key = keys.prepared("m", run.run_id, "matrix.npy")
    body = bytearray(Bucket("artifacts").get(key))
    body[-1] ^= 1
    Bucket("artifacts").put(key, bytes(body))
    assert lab.deliver(run) == DONE
    ended = lab.registry.get_run("m", run.run_id)
    assert ended.state == "FAILED"
    assert "matrix.npy" in str(ended.reason)


def test_a_table_too_small_to_split_is_rejected(lab: Lab) -> None:
    run = lab.train(sample(3, 1))
    assert run.state == "REJECTED"
    assert "at least 50 different rows" in str(run.reason)


def test_memory_running_out_is_told(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise MemoryError

    monkeypatch.setattr(pipeline, "fit", explode)
    run = lab.prepare(sample(300, 1))
    assert lab.deliver(run) == DONE
    ended = lab.registry.get_run("m", run.run_id)
    assert ended.state == "FAILED"
    assert "TrainerMemory" in str(ended.reason)


def test_an_outage_gives_the_run_back(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(*_: object) -> None:
        raise TransientError("the replay function: throttled")

    with monkeypatch.context() as patch:
        patch.setattr(ReplayFunction, "replay", busy)
        run = lab.prepare(sample(300, 1))
        assert lab.deliver(run) == AGAIN
    assert lab.registry.get_run("m", run.run_id).state == "QUEUED"
    assert lab.deliver(run) == DONE
    assert lab.registry.get_run("m", run.run_id).state == "SUCCEEDED"


def test_an_unknown_failure_is_loud_and_ends_the_run_the_second_time(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("surprise")

    monkeypatch.setattr(pipeline, "fit", explode)
    run = lab.prepare(sample(300, 1))
    for state in ("QUEUED", "FAILED"):
        with pytest.raises(ZeroDivisionError):
            lab.deliver(run)
        assert lab.registry.get_run("m", run.run_id).state == state
    assert "ZeroDivisionError: surprise" in str(lab.registry.get_run("m", run.run_id).reason)


def test_a_lost_race_for_the_pointer_is_run_again(lab: Lab, monkeypatch: pytest.MonkeyPatch) -> None:
    lost: list[Any] = []
    publish = pointers.publish

    def lose_once(artifacts: Any, pointer: Any, etag: str | None) -> str:
        if not lost:
            lost.append(pointer)
            raise ConflictError("somebody else was first")
        return publish(artifacts, pointer, etag)

    monkeypatch.setattr(pointers, "publish", lose_once)
    assert lab.train(sample(300, 1)).state == "SUCCEEDED"
    assert lab.pointer().champion.version == 1


def test_events_without_work_are_acknowledged() -> None:
    assert handler({"Records": []}, Context()) == DONE
    assert handler({}, Context()) == DONE


@pytest.mark.usefixtures("lab")
def test_a_message_of_another_format_is_loud() -> None:
    record = {"messageId": "1", "body": json.dumps({"format_version": 99, "model": "m", "run_id": "r"})}
    with pytest.raises(MalformedBodyError, match="format version 99"):
        handler({"Records": [record]}, Context())


def test_a_parameter_that_does_not_exist_is_told(lab: Lab) -> None:
    spec = Spec(estimators=("linear",), params={"linear": {"colour": 1}})
    run = lab.train(replace(sample(300, 1), spec=spec))
    assert run.state == "REJECTED"
    assert "'colour'" in str(run.reason)


def test_what_the_only_estimator_refuses_is_told(lab: Lab) -> None:
    spec = parse_spec("estimators: [linear]\nparams:\n  linear:\n    C: -1.0\n")
    run = lab.train(replace(sample(300, 1), spec=spec))
    assert run.state == "REJECTED"
    assert str(run.reason).startswith("model.yaml line 4: LogisticRegression cannot be fitted: The 'C' parameter")


def test_the_audit_log_says_once_what_was_registered(lab: Lab) -> None:
    run = lab.train(sample(300, 1), request_id="asked")
    entries = {entry.action: entry for entry in lab.registry.list_audit("m").items}
    listed = lab.registry.list_audit("m").items
    assert [entry.action for entry in listed] == ["release", "register"]
    assert [entry.time for entry in listed] == sorted((entry.time for entry in listed), reverse=True)
    assert all(clock.to_ms(entry.time) == uuid7_ms(entry.id) for entry in listed)
    assert {action: entry.detail["version"] for action, entry in entries.items()} == {"register": 1, "release": 1}
    assert entries["register"].detail["run_id"] == run.run_id
    assert entries["register"].detail["request_id"] == lab.manifest(run)["request_id"] == "asked"


def test_the_replay_is_asked_in_the_name_of_whoever_asked_for_the_run(
    lab: Lab, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[dict[str, Any]] = []
    real = ReplayFunction.replay

    def replayed(function: ReplayFunction, event: dict[str, Any]) -> dict[str, Any]:
        asked.append(event)
        return real(function, event)

    monkeypatch.setattr(ReplayFunction, "replay", replayed)
    run = lab.train(sample(300, 1), request_id="asked")
    assert [(event["run_id"], event["request_id"]) for event in asked] == [(run.run_id, "asked")]


def test_the_first_release_stands_in_the_audit_log_at_once(lab: Lab) -> None:
    lab.train(sample(300, 1))
    (entry,) = (entry for entry in lab.registry.list_audit("m").items if entry.action == "release")
    assert (entry.who, entry.detail["revision"], entry.detail["champion"]) == ("trainer", 1, 1)
    assert entry.why.startswith("gate: ")
