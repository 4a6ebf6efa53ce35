"""Erasing a prediction: whatever was stored of it goes, from every version; counts and everybody else's rows stay."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import keys
from modelloop.captures import erasure
from modelloop.contracts.capture_record import (
    prediction_lines,
)
from modelloop.ids import uuid7
from tests.support.erasing import CAPTURE, FEEDBACK, HOUR, NOON, SECRET, WORDS, Loop, Story

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.support.command_line import Api

HELD = ("rows", "labels", "entries", "quarantined", "labelled", "derived")

pytestmark = pytest.mark.usefixtures("stack_file")


def test_whatever_holds_a_prediction_loses_it_and_nothing_else(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    before = loop.everything()
    counts = {key: body for key, body in before.items() if "/summaries/" in key}

    rehearsed = modelloop("erase", "m", story.gone.id, "--dry-run", "--json").json
    assert loop.everything() == before
    assert loop.entries == []
    done = modelloop("erase", "m", story.gone.id, *WORDS).json

    assert {name: done[name] for name in HELD} == {
        "rows": 3, "labels": 3, "entries": 3, "quarantined": 1, "labelled": 3, "derived": 3,
    }  # fmt: skip
    assert done["versions"] == [4]
    assert rehearsed | {"dry_run": False} == done
    (entry,) = loop.entries
    assert (entry["why"], entry["detail"]["versions"]) == ("she asked for it", [4])
    assert story.gone.id not in json.dumps(loop.entries)
    after = loop.everything()
    assert [key for key, body in after.items() if story.gone.id.encode() in body] == []
    assert all(key.endswith("/") for key in after), "only newest versions are left"
    assert {key: body for key, body in after.items() if "/summaries/" in key} == counts
    assert set(before) - set(after) == {f"loop-artifacts/{keys.prepared('m', 'r1', 'matrix.npy')}/"}


def test_everybody_elses_rows_stay(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    modelloop("erase", "m", story.gone.id, *WORDS)

    records = {record["id"]: record for record in loop.captures()}
    assert records == {one.id: json.loads(prediction_lines(one)[0]) for one in (story.stays, story.other)}
    assert b"garbage" in loop.body("loop-capture", CAPTURE)
    assert {record["id"] for record in loop.captures(FEEDBACK)} == {story.stays.id}
    (newest,) = loop.s3.list_object_versions(Bucket="loop-capture", Prefix=CAPTURE)["Versions"]
    for model, name in (("m", story.stays.id), ("other", story.other.id)):
        head, entry = loop.index(model, story.digest)
        assert (head["key"], head["version_id"]) == (CAPTURE, newest["VersionId"])
        assert (entry["id"], entry["slices"]) == (name, {"b": [SECRET, "x", "y"]})
    rows = [json.loads(line)["id"] for line in loop.body("loop-artifacts", keys.labelled("m", HOUR)).splitlines()]
    assert rows == [story.stays.id] * 3
    table = loop.body("loop-artifacts", story.table)
    assert table == story.base + b"".join(f'{at}.5,"{SECRET}\n{at % 3}",no\n'.encode() for at in (3, 4, 5))
    assert [row[0] for row in json.loads(loop.body("loop-artifacts", keys.origins("m", "d1")))["rows"]] == rows


def test_one_row_is_erased_and_its_neighbours_stay(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)

    done = modelloop("erase", "m", story.gone.id, "--row", "1", *WORDS).json

    assert {name: done[name] for name in HELD} == {
        "rows": 1, "labels": 1, "entries": 1, "quarantined": 1, "labelled": 1, "derived": 1,
    }  # fmt: skip
    before, after = (record for record in loop.captures() if record["id"] == story.gone.id)
    assert (before["offset"], before["rows"], before["columns"]) == (0, 1, {"a": [0.0], "b": [SECRET]})
    assert (after["offset"], after["rows"], after["columns"]) == (2, 1, {"a": [2.0], "b": ["y"]})
    assert after["proba"] == [[0.75, 0.25]]
    entries = [entry for entry in loop.index("m", story.digest)[1:] if entry["id"] == story.gone.id]
    assert [(entry["offset"], entry["predict"], entry["slices"]) for entry in entries] == [
        (0, ["no"], {"b": [SECRET]}), (2, ["no"], {"b": ["y"]}),
    ]  # fmt: skip
    assert [record["row"] for record in loop.captures(FEEDBACK) if record["id"] == story.gone.id] == [0, 2]
    assert json.loads(loop.body("loop-artifacts", keys.origins("m", "d1")))["rows"][1][:2] == [story.gone.id, 2]


def test_repeating_finds_nothing_and_says_so(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    modelloop("erase", "m", story.gone.id, *WORDS)
    state = loop.everything()

    again = modelloop("erase", "m", story.gone.id, *WORDS)

    assert again.code == 0
    assert {again.json[name] for name in (*HELD, "objects", "old_versions", "removed")} == {0}
    assert again.json["versions"] == [4], "what learned from it is told again"
    assert len(loop.entries) == 1
    assert loop.everything() == state


def test_a_run_that_learns_from_it_now_is_named_and_left_its_rows(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    loop.runs[0] |= {"state": "RUNNING", "version": None}

    done = modelloop("erase", "m", story.gone.id, *WORDS).json
    assert (done["derived"], done["unfinished_runs"], done["versions"]) == (0, ["r1"], [])
    assert loop.body("loop-artifacts", story.table).count(SECRET.encode()) == 6

    loop.runs[0] |= {"state": "SUCCEEDED", "version": 4}
    again = modelloop("erase", "m", story.gone.id, *WORDS).json
    assert (again["derived"], again["unfinished_runs"], again["versions"]) == (3, [], [4])
    assert [key for key, body in loop.everything().items() if story.gone.id.encode() in body] == []


def test_nothing_is_erased_without_a_yes_a_reason_or_a_known_id(loop: Loop, modelloop: Callable[..., Any]) -> None:
    story = Story(loop)
    before = loop.everything()

    for words in (
        (story.gone.id, "--reason", "x"), (story.gone.id, "--json", "--reason", "x"), (story.gone.id, "--yes"),
        (uuid7(NOON), *WORDS), ("no-id", *WORDS), (uuid7(NOON), "--dry-run"),
    ):  # fmt: skip
        assert modelloop("erase", "m", *words, stdin="n\n").code == 1, words

    assert loop.everything() == before
    assert loop.entries == []


def test_an_erasure_that_cannot_be_put_on_record_does_not_begin(
    loop: Loop, api: Api, modelloop: Callable[..., Any]
) -> None:
    story = Story(loop)
    before = loop.everything()
    api.on("POST /models/m/erasures", (403, {"error": "no", "error_code": "FORBIDDEN", "message": "no"}))

    assert modelloop("erase", "m", story.gone.id, *WORDS).code != 0
    assert loop.everything() == before


def test_somebody_elses_write_is_not_overwritten(
    loop: Loop, modelloop: Callable[..., Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = Story(loop)
    real = erasure.erase_from_captures

    def slowly(*arguments: Any) -> Any:
        loop.s3.put_object(Bucket="loop-capture", Key=CAPTURE, Body=b"newer\n")
        return real(*arguments)

    def begin(*_: Any) -> tuple[int, dict[str, Any]]:
        monkeypatch.setattr(erasure, "erase_from_captures", slowly)
        return 200, {}

    monkeypatch.setattr(loop, "_record", begin)
    done = modelloop("erase", "m", story.gone.id, *WORDS)
    assert (done.code, "written by somebody else" in done.err) == (1, True)
    assert loop.body("loop-capture", CAPTURE) == b"newer\n"
