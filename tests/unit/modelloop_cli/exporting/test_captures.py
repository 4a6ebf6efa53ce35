from __future__ import annotations

import gzip
import json
from typing import TYPE_CHECKING, Any

import orjson
import pytest

from modelloop.captures.cells import ExpectedColumn, ExpectedColumns
from modelloop.contracts.capture_record import (
    ErrorRecord,
    FeedbackRecord,
    PredictionRecord,
    join_lines,
    prediction_lines,
)
from modelloop.ids import uuid7
from modelloop.tables.grammar import MISSING_TOKENS
from modelloop.tables.labels import LabelReader
from modelloop_cli.exporting import captures
from modelloop_cli.exporting.captures import ExportedVersion

if TYPE_CHECKING:
    from collections.abc import Callable

ID = uuid7(1_790_000_000_000)
TIME = "2026-11-23T03:59:59.500Z"
COLUMNS: dict[str, list[Any]] = {
    "mass": [39.1, None, -1e-7], "male": [True, False, None], "seen": ["2026-01-31", None, "2026-02-01"],
    "island": ['Bisc"oe', "Ærø\n", None],
}  # fmt: skip


KNOWN = ExpectedColumns(
    tuple(
        ExpectedColumn(*column)
        for column in (("mass", "number"), ("male", "boolean"), ("seen", "date"), ("island", "text"))
    ),
    ExpectedColumn("prediction", "label"),
    classes=2,
)
VERSIONS = {3: ExportedVersion("run", KNOWN)}


def prediction(**changes: Any) -> PredictionRecord:
    facts = {"predict": ["Adelie", "Gentoo", "Adelie"], "proba": [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]}
    return PredictionRecord(ID, TIME, "m", 3, "run", "champion", **{"columns": COLUMNS} | facts | changes)  # type: ignore[arg-type]


def packed(*lines: bytes) -> bytes:
    return gzip.compress(b"".join(join_lines(list(lines))), mtime=0)


def exported(*lines: bytes, model: str = "m", body: bytes | None = None, **how: Any) -> list[captures.Line]:
    found = captures.records(packed(*lines) if body is None else body, model, VERSIONS.get)
    return [line for record in found for line in captures.lines(record, **how)]


def data(line: captures.Line, half: str) -> Any:
    return json.loads(line.document["captureData"][half]["data"])


@pytest.mark.parametrize("largest", [100_000, 450])
def test_rows_come_back_as_they_were_captured_whole_or_in_parts(largest: int) -> None:
    found = exported(*prediction_lines(prediction(), largest))

    rows = [data(line, "endpointInput") for line in found]
    assert rows == [{name: cells[row] for name, cells in COLUMNS.items()} for row in range(3)]
    answers = [data(line, "endpointOutput") for line in found]
    assert answers[1] == {"predict": "Gentoo"}
    assert [line.document["eventMetadata"]["inferenceId"] for line in found] == [f"{ID}/{row}" for row in range(3)]


def test_probabilities_come_only_when_they_are_asked_for() -> None:
    line = exported(*prediction_lines(prediction()), scores=True)[1]
    assert data(line, "endpointOutput") == {"predict": "Gentoo", "proba_0": 0.2, "proba_1": 0.8}


def test_numbers_are_written_as_people_sent_them() -> None:
    columns = {"a": [7.0, 2.5, None], "b": [7.0, 41.099998474121094, 16777216.0], "c": [0.1, 3.4e38, 1e300]}
    made_by = ExportedVersion("run", KNOWN, frozenset({"a"}))
    found = exported(*prediction_lines(prediction(columns=columns)), made_by=made_by)
    texts = [line.document["captureData"]["endpointInput"]["data"] for line in found]
    assert texts == [
        '{"a":7,"b":7.0,"c":0.1}', '{"a":2.5,"b":41.1,"c":3.4e+38}', '{"a":null,"b":16777216.0,"c":1e+300}'
    ]  # fmt: skip


@pytest.mark.parametrize("damage", [lambda body: body[:-9], lambda body: body[:-40] + b"\xff" * 40])
def test_what_comes_before_the_damage_of_an_object_is_exported(damage: Callable[[bytes], bytes]) -> None:
    lines = [line for _ in range(3000) for line in prediction_lines(prediction())]
    whole, broken = packed(*lines), damage(packed(*lines))
    assert broken[: len(whole) - 40] == whole[:-40]
    assert len(exported(body=broken)) > 0
    assert exported(body=b"\x1f\x8bbroken") == []


def test_the_small_lines_really_are_several() -> None:
    assert len(prediction_lines(prediction(), 450)) > 1


def test_a_line_has_the_form_and_the_place_of_data_capture() -> None:
    line = exported(*prediction_lines(prediction()))[0]

    assert line.folder == "m/3/2026/11/23/03"
    assert set(line.document) == {"captureData", "eventMetadata", "eventVersion"}
    half = line.document["captureData"]["endpointInput"]
    assert (half["observedContentType"], half["mode"], half["encoding"]) == ("application/json", "INPUT", "JSON")
    assert line.document["captureData"]["endpointOutput"]["mode"] == "OUTPUT"
    metadata = line.document["eventMetadata"]
    assert (metadata["inferenceTime"], line.document["eventVersion"]) == ("2026-11-23T03:59:59Z", "0")


def test_a_label_carries_the_event_id_of_its_row() -> None:
    label = FeedbackRecord(ID, 1, "Gentoo", TIME, "m").to_line()
    number = FeedbackRecord(ID, 2, 2.5, TIME, "m").to_line()

    *rows, told, other = exported(*prediction_lines(prediction()), label, number)

    assert told.folder == "_ground_truth/m/2026/11/23/03"
    assert told.document == {
        "groundTruthData": {"data": "Gentoo", "encoding": "CSV"},
        "eventMetadata": {"eventId": rows[1].document["eventMetadata"]["eventId"]},
        "eventVersion": "0",
    }
    assert other.document["groundTruthData"]["data"] == "2.5"
    assert len({row.document["eventMetadata"]["eventId"] for row in rows}) == 3


@pytest.mark.parametrize(
    ("classes", "sent", "written"),
    [
        ((False, True), "TRUE", "true"),
        ((False, True), 1.0, "true"),
        ((0, 1), True, "1"),
        ((1, 2), "1.0", "1"),
        (("NO", "yes"), " yes ", "yes"),
        (("NO", "yes"), "no", "no"),
        (("NO", "yes"), 3, "3"),
        (None, "3.50", "3.5"),
        (None, 2.0, "2"),
        (None, "many", "many"),
    ],
)
def test_a_label_is_written_as_the_version_reads_it_or_as_it_was_sent(
    classes: tuple[Any, ...] | None, sent: Any, written: str
) -> None:
    made_by = ExportedVersion("run", KNOWN, labels=LabelReader(classes, MISSING_TOKENS))
    (told,) = exported(FeedbackRecord(ID, 1, sent, TIME, "m").to_line(), made_by=made_by)
    assert told.document["groundTruthData"]["data"] == written


def test_regressions_have_no_probabilities() -> None:
    (line,) = exported(
        *prediction_lines(PredictionRecord(ID, TIME, "m", 3, "run", "champion", [1.5], None, {"mass": [None]}))
    )
    assert (data(line, "endpointInput"), data(line, "endpointOutput")) == ({"mass": None}, {"predict": 1.5})


def test_what_is_not_the_models_or_no_record_is_passed_over() -> None:
    (good,) = prediction_lines(prediction())
    record = orjson.loads(good)
    faults: list[dict[str, Any]] = [
        {"format_version": 2}, {"kind": "other"}, {"id": "../../etc"}, {"version": "../3"},
        {"version": 4}, {"version": [3]}, {"run_id": "another"}, {"variant": "nobody"},
        {"rows": 2}, {"columns": {"mass": 1}}, {"columns": {"mass": "abc"}}, {"predict": None}, {"proba": [[1.0]]},
        {"model": "other"},
    ]  # fmt: skip
    error = ErrorRecord(ID, TIME, "m", 3, "champion", 422, "X", latency_ms=1).to_line()
    bad = [orjson.dumps(record | {"id": uuid7(1_790_000_000_000)} | fault) for fault in faults]

    assert exported(b"not json", b"[1]", error, *bad) == []
    assert len(exported(*bad, good)) == 3


def test_a_prediction_without_a_moment_happened_when_its_id_was_made() -> None:
    (good,) = prediction_lines(prediction())
    found = exported(orjson.dumps(orjson.loads(good) | {"time": "soon"}))
    assert [line.time for line in found] == ["2026-09-21T14:13:20.000Z"] * 3


def test_a_column_that_the_version_does_not_watch_never_refuses_a_row() -> None:
    (good,) = prediction_lines(prediction())
    odd = orjson.loads(good)
    odd["columns"] |= {"short": [1], "none": 3}
    assert exported(orjson.dumps(odd)) == exported(good)


@pytest.mark.parametrize("columns", [{"mass": ["heavy", 1, 2]}, {"seen": ["soon", None, None]}, {"male": [1, 0, 1]}])
def test_a_cell_that_counting_refuses_is_not_exported(columns: dict[str, Any]) -> None:
    assert exported(*prediction_lines(prediction(columns=COLUMNS | columns))) == []


def test_of_a_repeated_record_the_first_one_stands_as_it_does_for_the_summaries() -> None:
    (good,) = prediction_lines(prediction())
    bad = orjson.dumps(orjson.loads(good) | {"predict": ["short"]})
    assert exported(bad, good) == []
    assert exported(good, bad) == exported(good)


def test_rows_whose_features_were_not_sampled_have_no_line() -> None:
    unsampled = PredictionRecord(ID, TIME, "m", 3, "run", "champion", ["a"], None, None)
    assert exported(*prediction_lines(unsampled)) == []
