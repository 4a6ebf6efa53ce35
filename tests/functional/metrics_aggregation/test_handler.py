from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from metrics_aggregation.handler import MIN_MS, handler
from modelloop import clock
from modelloop.captures import object_lines, quarantine
from modelloop.contracts import capture_record as capture
from modelloop.contracts.counts import integers
from modelloop.ids import uuid7
from modelloop.monitoring import summary
from tests.support.bad_lines import BAD_LINES, ROW
from tests.support.capture_world import (
    CLASSES,
    HOUR,
    MODEL,
    NOON,
    RUN_ID,
    error,
    label,
    manifest,
    message,
    prediction,
    usual_rows,
)

if TYPE_CHECKING:
    from tests.support.capture_world import Record, World

NOTHING: dict[str, Any] = {"batchItemFailures": []}


def only(found: dict[str, bytes]) -> bytes:
    (body,) = found.values()
    return body


def counts(world: World) -> dict[str, Any]:
    """The one summary of what callers asked; what was put aside is counted in others."""
    found = [summary.from_bytes(body).counts for body in world.stored("summaries/").values()]
    (asked,) = [counts for counts in found if counts.keys() - {quarantine.COUNTED}]
    return asked


@pytest.mark.parametrize("packed", [False, True])
def test_a_capture_object_becomes_a_summary_and_an_index(world: World, context: Any, packed: bool) -> None:
    second = (None, None, None, "Torgersen")
    answer = handler(world.capture([prediction([ROW, second])], packed=packed), context)

    assert answer == NOTHING
    found = counts(world)
    assert (found["requests"], found["rows"], found["sampled"]) == (1, 2, 2)
    assert found["columns"]["mass"]["missing"] == 1
    assert found["columns"]["mass"]["millionths"] == 4_000_000_000
    assert found["columns"]["male"] == {"counts": [0, 1], "missing": 1, "unseen": 0}
    assert found["columns"]["island"] == {"counts": [1, 0], "missing": 0, "unseen": 1}
    assert sum(found["columns"]["seen"]["counts"]) == 1
    assert found["prediction"]["counts"] == [1, 1]
    assert found["confidence"][16] == 1
    assert found["confidence"][14] == 1
    head, line, _ = only(world.stored("index/")).split(b"\n")
    assert json.loads(head)["key"] == "captures/2026/11/23/10/1"
    assert json.loads(line)["proba"] == [[800_000, 200_000], [300_000, 700_000]]
    assert json.loads(line)["slices"] == {"male": [True, None]}


def test_the_same_object_in_any_number_of_deliveries_gives_the_same_bytes(world: World, context: Any) -> None:
    event = world.capture([prediction(usual_rows(50)), prediction([ROW]), error(), b"garbage"])
    handler(event, context)
    first = world.yielded()
    handler(event, context)

    assert world.yielded() == first
    assert len([key for key in first if key.startswith(f"summaries/{MODEL}/")]) == 1


def test_hours_versions_and_variants_have_summaries_of_their_own(world: World, context: Any) -> None:
    world.publish(manifest(2, "0199f0a0-0000-7000-8000-000000000002"))
    second: Record = {"version": 2, "run_id": "0199f0a0-0000-7000-8000-000000000002", "variant": "challenger"}
    handler(
        world.capture([prediction([ROW]), prediction([ROW], **second), prediction([ROW], NOON + 3_600_000)]), context
    )

    places = {tuple(key.split("/")[2:5]) for key in world.stored("summaries/")}
    assert places == {(HOUR, "1", "champion"), (HOUR, "2", "challenger"), ("2026-11-23T11", "1", "champion")}


def test_errors_with_odd_fields_count_and_stop_nothing(world: World, context: Any) -> None:
    odd = [error(offset=[1]), error(run_id={}), error(rows="many"), error(overhead_ms=[1])]
    short = error()
    del short["version"], short["variant"]
    handler(world.capture([prediction([ROW]), *odd, short]), context)

    found = {key.split("/")[4]: summary.from_bytes(body).counts for key, body in world.stored("summaries/").items()}
    assert found["champion"]["errors"] == {"INVALID_PARAMETER_VALUE": 4}
    assert found["none"]["errors"] == {"INVALID_PARAMETER_VALUE": 1}
    assert world.stored("quarantine/") == {}


def test_a_prediction_without_the_fields_that_may_be_null_counts(world: World, context: Any) -> None:
    short = prediction([ROW])
    for name in ("columns", "proba", "cold"):
        del short[name]
    handler(world.capture([prediction([ROW]), short]), context)

    found = counts(world)
    assert (found["rows"], found["sampled"], sum(found["confidence"])) == (2, 1, 1)
    entries = [json.loads(line) for line in only(world.stored("index/")).splitlines()[1:]]
    assert sorted(entry["proba"] is None for entry in entries) == [False, True]


def test_a_record_that_stands_twice_in_an_object_counts_once(world: World, context: Any) -> None:
    record, refused = prediction([ROW]), error()
    handler(world.capture([record, refused, record, refused]), context)

    found = counts(world)
    assert (found["rows"], found["errors"]) == (1, {"INVALID_PARAMETER_VALUE": 1})


def test_chunks_of_a_request_count_as_one_request(world: World, context: Any) -> None:
    record = prediction([ROW])
    handler(world.capture([record, record | {"offset": 1}]), context)

    found = counts(world)
    assert (found["requests"], found["rows"], sum(found["latency"]["warm"]["counts"])) == (1, 2, 1)


def test_unsampled_and_masked_features_are_absent_but_predictions_count(world: World, context: Any) -> None:
    masked = prediction([ROW])
    del masked["columns"]["mass"]
    handler(world.capture([prediction([ROW], columns=None), masked]), context)

    found = counts(world)
    assert (found["rows"], found["sampled"]) == (2, 1)
    assert "mass" not in found["columns"]


def test_requests_refused_before_a_version_was_chosen_count_for_the_model(world: World, context: Any) -> None:
    handler(world.capture([error(version=None, variant=""), error(version=None, variant=None)]), context)

    ((key, _),) = world.stored("summaries/").items()
    assert key.split("/")[2:5] == [HOUR, "0", "none"]
    assert counts(world)["errors"] == {"INVALID_PARAMETER_VALUE": 2}
    assert "requests" not in counts(world)


def test_what_the_data_plane_writes_is_what_is_read_here(world: World, context: Any) -> None:
    mass, male, seen, island = map(list, zip(ROW, ROW, strict=True))
    columns: dict[str, Any] = {"mass": mass, "male": male, "seen": seen, "island": island}
    written = capture.PredictionRecord(
        uuid7(NOON), clock.from_ms(NOON), MODEL, 1, RUN_ID, "champion", CLASSES, [[0.5, 0.5], [0.1, 0.9]], columns
    )
    written_lines = capture.prediction_lines(written, max_bytes=400)
    refused = capture.ErrorRecord(
        uuid7(NOON), clock.from_ms(NOON), MODEL, None, "", 422, "INVALID_PARAMETER_VALUE", latency_ms=1.0
    )
    answer = capture.FeedbackRecord(written.id, 0, label=True, time=clock.now(), model=MODEL)
    handler(world.capture([*written_lines, refused.to_line(), answer.to_line()]), context)

    assert len(written_lines) == 2
    assert world.stored("quarantine/") == {}
    assert {key.split("/")[0] for key in world.yielded()} == {"summaries", "index", "feedback", "unjoined"}


@pytest.mark.parametrize("position", [0, 1, 2])
def test_lines_that_cannot_be_read_are_kept_apart_and_the_rest_counts(
    world: World, context: Any, position: int
) -> None:
    good: list[Any] = [prediction([ROW]), prediction([ROW])]
    records = [*good[:position], *BAD_LINES, *good[position:]]

    assert handler(world.capture(records), context) == NOTHING

    assert counts(world)["rows"] == 2
    head, *quotes = [json.loads(line) for line in only(world.stored("quarantine/")).splitlines()]
    assert head["refused"] == len(BAD_LINES) == len(quotes)
    assert [quote["line"] for quote in quotes] == [position + 1 + at for at in range(len(BAD_LINES))]
    assert all(quote["reason"] for quote in quotes)


def put_aside(world: World, owner: str) -> dict[str, int]:
    """What is counted as put aside for a model, or for nobody."""
    found = world.stored(f"summaries/{owner}/{HOUR}/0/none/").values()
    counts = summary.total(summary.from_bytes(body).counts for body in found)
    return integers(counts, quarantine.COUNTED)


def test_what_is_put_aside_is_counted_once_by_reason_for_the_model_that_it_names(world: World, context: Any) -> None:
    elsewhere = "0199f0a0-0000-7000-8000-00000000ffff"
    event = world.capture([
        b"garbage", {"format_version": 9, "model": MODEL}, prediction([ROW], format_version=2, model="unheard-of"),
        prediction([ROW], rows=-1), prediction([ROW], run_id=elsewhere), prediction([ROW], model="unheard-of"),
        prediction([ROW], columns={"mass": [1.0, 2.0]}), error(model="unheard-of"), label("no-id", 1.0), error(),
        label(prediction([ROW])["id"], 1.0, model="unheard-of"),
    ])  # fmt: skip
    for _ in range(3):
        handler(event, context)

    assert put_aside(world, MODEL) == {"other_format": 1, "malformed": 2, "unknown_version": 1, "unfit_values": 1}
    assert put_aside(world, quarantine.UNKNOWN_MODEL) == {"not_json": 1, "other_format": 1, "unknown_model": 3}
    _, *quotes = [json.loads(line) for line in only(world.stored("quarantine/")).splitlines()]
    assert {(quote["kind"], quote["model"]) for quote in quotes if quote["line"] < 4} == {
        ("not_json", ""), ("other_format", MODEL), ("other_format", "")
    }  # fmt: skip


def test_what_an_object_held_is_told_as_metrics(world: World, context: Any, capsys: pytest.CaptureFixture[str]) -> None:
    twice = prediction([ROW, ROW])
    labels = [label(twice["id"], "Adelie", row=row) for row in (0, 1)]
    garbage = [b"{not json"] * 3
    handler(world.capture([twice, twice, *labels, *garbage, *(error() for _ in range(4))]), context)
    (told,) = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"_aws"' in line]
    named = ("RowsAggregated", "LabelsReceived", "ErrorsAggregated", "DuplicateRecords", "LinesQuarantined")
    assert [told[name] for name in named] == [[2.0], [2.0], [4.0], [1.0], [3.0]]


def test_a_cut_off_gzip_object_yields_what_was_readable(world: World, context: Any) -> None:
    event = world.capture([prediction([ROW]) for _ in range(2_000)], packed=True)
    key = "captures/2026/11/23/10/1"
    whole = world.stored_capture(key)
    event = world.event(key, world.store(key, whole[: len(whole) // 2], "capture"))

    assert handler(event, context) == NOTHING
    assert 0 < counts(world)["rows"] < 2_000
    assert b"cut off" in only(world.stored("quarantine/"))


@pytest.mark.parametrize("packed", [False, True])
def test_what_swells_past_the_limit_is_read_up_to_it(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch, packed: bool
) -> None:
    monkeypatch.setattr(object_lines, "MAX_BYTES", 20_000)
    handler(world.capture([prediction([ROW]) for _ in range(200)], packed=packed), context)

    read = counts(world)["rows"]
    assert 20 < read < 100
    head, quote = [json.loads(line) for line in only(world.stored("quarantine/")).splitlines()]
    assert (head["refused"], quote["line"]) == (1, read + 1)
    assert "the rest was not read" in quote["reason"]


def test_one_endless_line_counts_as_much_as_many(world: World, context: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(object_lines, "MAX_BYTES", 20_000)
    monkeypatch.setattr(object_lines, "MAX_LINE_BYTES", 1_000)
    handler(world.capture([prediction([ROW]), b"x" * 30_000, prediction([ROW])], packed=True), context)

    assert counts(world)["rows"] == 1
    reasons = [json.loads(line)["reason"] for line in only(world.stored("quarantine/")).splitlines()[1:]]
    assert reasons[0] == "not JSON"
    assert "the rest was not read" in reasons[1]


def test_an_object_over_the_limit_is_refused_unread(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch, capsys: Any
) -> None:
    monkeypatch.setattr("metrics_aggregation.handler.MAX_BYTES", 1_000)

    assert handler(world.capture([prediction([ROW]) for _ in range(20)]), context) == NOTHING
    head, quote = [json.loads(line) for line in only(world.stored("quarantine/")).splitlines()]
    assert (head["refused"], quote["line"]) == (1, 0)
    assert "more than 1000" in quote["reason"]
    assert '"LinesQuarantined":[1.0]' in capsys.readouterr().out


def test_near_the_timeout_messages_are_left_for_the_next_invocation(
    world: World, context: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [world.capture([prediction([ROW])], str(at)) for at in range(2)]
    (first,), (second,) = (event["Records"] for event in events)
    left = iter([60_000, MIN_MS - 1])
    monkeypatch.setattr(context, "get_remaining_time_in_millis", lambda: next(left))

    answer = handler({"Records": [first, second | {"messageId": "m2"}]}, context)

    assert answer == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert len(world.stored("summaries/")) == 1


def test_the_version_that_the_event_names_is_read(world: World, context: Any) -> None:
    event = world.capture([prediction([ROW])], "same key+ü %2B")
    world.capture([prediction([ROW, ROW])], "same key+ü %2B")
    handler(event, context)

    assert counts(world)["rows"] == 1


def test_an_object_that_is_gone_is_reported_and_acknowledged(world: World, context: Any, capsys: Any) -> None:
    event = world.event("captures/2026/11/23/10/gone", None)

    assert handler(event, context) == NOTHING
    assert "ObjectsGone" in capsys.readouterr().out
    assert world.yielded() == {}


@pytest.mark.parametrize(
    "event",
    [
        {},
        {"Records": []},
        {"Records": [message(json.dumps({"Event": "s3:TestEvent"}))]},
        {"Records": [message(json.dumps({"Records": []}))]},
        {"Records": [message(json.dumps({"Records": [{"eventSource": "aws:other"}]}))]},
    ],
)
def test_events_that_announce_nothing_are_acknowledged(world: World, context: Any, event: dict[str, Any]) -> None:
    assert handler(event, context) == NOTHING
    assert world.yielded() == {}


def test_a_message_that_is_not_json_alone_is_delivered_again(world: World, context: Any) -> None:
    event = world.capture([prediction([ROW])])
    event["Records"].append(message("{broken", "m2"))

    assert handler(event, context) == {"batchItemFailures": [{"itemIdentifier": "m2"}]}
    assert counts(world)["rows"] == 1


def test_feedback_is_kept_by_the_hour_of_its_prediction(world: World, context: Any) -> None:
    record = prediction([ROW])
    late = label(record["id"], "Gentoo", NOON + 50 * 3_600_000)
    handler(world.capture([late]), context)

    ((key, body),) = world.stored("feedback/").items()
    assert key.startswith(f"feedback/{MODEL}/{HOUR}/")
    head, kept = map(json.loads, body.splitlines())
    assert (head["key"], kept["label"]) == ("captures/2026/11/23/10/1", "Gentoo")
    assert len(world.stored(f"unjoined/{MODEL}/{HOUR}/")) == 1
