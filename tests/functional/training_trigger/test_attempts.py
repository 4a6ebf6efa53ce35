"""A preparation that fails for reasons unknown is tried again, and its run does not wait for ever."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import clock, keys
from modelloop.errors import TransientError
from modelloop.ids import uuid7_ms
from modelloop_cli import dead_letters
from training_trigger import intake
from training_trigger.preparation import prepare

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.intake_stage import Stage

TABLE = "x,kind,y\n" + "".join(f"{i * 0.5},{'ab'[i % 2]},{'yes' if i % 3 else 'no'}\n" for i in range(60))


class PowerCutError(BaseException):
    """The process dies here: nothing may catch it."""


def failing(monkeypatch: pytest.MonkeyPatch, *failures: BaseException | None) -> None:
    """Let the preparations fail in turn; None is one that works."""
    left = list(failures)

    def fail(*given: Any, **named: Any) -> Any:
        if failure := left.pop(0):
            raise failure
        return prepare(*given, **named)

    monkeypatch.setattr(intake, "prepare", fail)


def deliver_failing(stage: Stage, event: dict[str, Any], kind: type[BaseException]) -> Run:
    with pytest.raises(kind):
        stage.deliver(event)
    (run,) = stage.registry.list_runs("m").items
    return run  # type: ignore[no-any-return]


def test_the_last_unknown_failure_ends_the_run_and_is_raised_all_the_same(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, KeyError("one"), KeyError("two"), KeyError("three"))
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    for attempt in ("1", "2"):
        run = deliver_failing(stage, event, KeyError)
        assert run.state == "QUEUED"
        assert f"preparation attempt {attempt} failed: KeyError" in str(run.reason)
    run = deliver_failing(stage, event, KeyError)
    assert (run.state, run.reason) == ("FAILED", "preparation attempt 3 failed: KeyError: 'three'")
    assert [outcome["outcome"] for outcome in stage.deliver(event)] == ["repeated"]
    assert stage.registry.get_run("m", run.run_id) == run
    assert stage.messages() == []


def test_a_table_whose_run_failed_may_be_uploaded_again_and_its_old_event_changes_nothing(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, *[KeyError("bug")] * intake.MAX_ATTEMPTS, None)
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    for _ in range(intake.MAX_ATTEMPTS):
        failed = deliver_failing(stage, event, KeyError)
    mended = stage.upload("copy.csv", TABLE)
    assert (mended.state, mended.stage, mended.run_id > failed.run_id) == ("QUEUED", "queued", True)
    assert [outcome["run_id"] for outcome in stage.deliver(event)] == [mended.run_id]
    states = {run.run_id: run.state for run in stage.registry.list_runs("m").items}
    assert states == {failed.run_id: "FAILED", mended.run_id: "QUEUED"}


def test_an_upload_that_is_redriven_after_its_run_failed_gets_one_new_run_at_its_place_in_time(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    failing(monkeypatch, *[KeyError("bug")] * intake.MAX_ATTEMPTS, None, None)
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    for _ in range(intake.MAX_ATTEMPTS):
        failed = deliver_failing(stage, event, KeyError)
    given_up = clock.to_ms(event["Records"][0]["eventTime"]) + 200_000
    record = {"requestContext": {"condition": "RetriesExhausted"}, "requestPayload": event}
    letter = dead_letters.read_letter(
        "uploads", {"Body": json.dumps(record), "Attributes": {"SentTimestamp": str(given_up)}}
    )
    assert letter.payload is not None

    for _ in range(2):
        (outcome,) = stage.deliver(letter.payload)

    states = {run.run_id: run.state for run in stage.registry.list_runs("m").items}
    assert states == {failed.run_id: "FAILED", outcome["run_id"]: "QUEUED"}
    assert uuid7_ms(outcome["run_id"]) == given_up


def test_a_failure_that_does_not_come_again_leaves_no_trace(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, KeyError("one"), PowerCutError(), None)
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    deliver_failing(stage, event, KeyError)
    deliver_failing(stage, event, PowerCutError)
    stage.deliver(event)
    (run,) = stage.registry.list_runs("m").items
    assert (run.state, run.stage, run.reason, run.intake_attempts) == ("QUEUED", "queued", None, 3)


def test_a_run_whose_attempts_were_all_killed_ends_with_advice(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, PowerCutError(), PowerCutError())
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    deliver_failing(stage, event, PowerCutError)
    deliver_failing(stage, event, PowerCutError)
    assert [outcome["outcome"] for outcome in stage.deliver(event)] == ["failed"]
    (run,) = stage.registry.list_runs("m").items
    assert (run.state, run.reason) == ("FAILED", intake.KILLED)


def test_no_run_ends_for_want_of_an_answer(stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
    failing(monkeypatch, *[TransientError("throttled")] * intake.MAX_ATTEMPTS, None)
    event = stage.event(keys.dataset("m", "t.csv"), TABLE.encode())
    for _ in range(intake.MAX_ATTEMPTS):
        assert deliver_failing(stage, event, TransientError).state == "QUEUED"
    assert [outcome["outcome"] for outcome in stage.deliver(event)] == ["queued"]
