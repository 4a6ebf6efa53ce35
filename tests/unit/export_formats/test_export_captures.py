from __future__ import annotations

import gzip
import json
from typing import Any

import orjson
import pytest

from modelloop import export_captures
from modelloop.capture import Prediction, error_line, feedback_line, join_lines, prediction_lines
from modelloop.ids import uuid7

ID = uuid7(1_790_000_000_000)
TIME = "2026-11-23T03:59:59.500Z"
COLUMNS: dict[str, list[Any]] = {
    "mass": [39.1, None, -1e-7], "male": [True, False, None], "seen": ["2026-01-31", None, "2026-02-01"],
    "island": ['Bisc"oe', "Ærø\n", None],
}  # fmt: skip


def prediction(**changes: Any) -> Prediction:
    facts = {"predict": ["Adelie", "Gentoo", "Adelie"], "proba": [[0.9, 0.1], [0.2, 0.8], [0.6, 0.4]]}
    return Prediction(ID, TIME, "m", 3, "run", "champion", columns=COLUMNS, **facts | changes)  # type: ignore[arg-type]


def exported(*lines: bytes, model: str = "m") -> list[export_captures.Line]:
    body = gzip.compress(b"".join(join_lines(list(lines))))
    return [line for record in export_captures.records(body, model) for line in export_captures.lines(record)]


def data(line: export_captures.Line, half: str) -> Any:
    return json.loads(line.document["captureData"][half]["data"])


@pytest.mark.parametrize("largest", [100_000, 450])
def test_rows_come_back_as_they_were_captured_whole_or_in_parts(largest: int) -> None:
    found = exported(*prediction_lines(prediction(), largest))

    rows = [data(line, "endpointInput") for line in found]
    assert rows == [{name: cells[row] for name, cells in COLUMNS.items()} for row in range(3)]
    answers = [data(line, "endpointOutput") for line in found]
    assert answers[1] == {"predict": "Gentoo", "proba_0": 0.2, "proba_1": 0.8}
    assert [line.document["eventMetadata"]["inferenceId"] for line in found] == [f"{ID}/{row}" for row in range(3)]


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
    label = feedback_line(prediction_id=ID, row=1, label="Gentoo", time=TIME, model="m")
    number = feedback_line(prediction_id=ID, row=2, label=2.5, time=TIME, model="m")

    *rows, told, other = exported(*prediction_lines(prediction()), label, number)

    assert told.folder == "_ground_truth/m/2026/11/23/03"
    assert told.document == {
        "groundTruthData": {"data": "Gentoo", "encoding": "CSV"},
        "eventMetadata": {"eventId": rows[1].document["eventMetadata"]["eventId"]},
        "eventVersion": "0",
    }
    assert other.document["groundTruthData"]["data"] == "2.5"
    assert len({row.document["eventMetadata"]["eventId"] for row in rows}) == 3


def test_regressions_have_no_probabilities() -> None:
    (line,) = exported(
        *prediction_lines(Prediction(ID, TIME, "m", 3, "run", "champion", [1.5], None, {"mass": [None]}))
    )
    assert (data(line, "endpointInput"), data(line, "endpointOutput")) == ({"mass": None}, {"predict": 1.5})


def test_what_is_not_the_models_or_no_record_is_passed_over() -> None:
    (good,) = prediction_lines(prediction())
    record = orjson.loads(good)
    faults: list[dict[str, Any]] = [
        {"format_version": 2}, {"kind": "other"}, {"time": "soon"}, {"id": "../../etc"}, {"version": "../3"},
        {"rows": 2}, {"columns": {"mass": 1}}, {"columns": {"mass": "abc"}}, {"predict": None}, {"proba": [[1.0]]},
        {"model": "other"},
    ]  # fmt: skip
    error = error_line(
        prediction_id=ID, time=TIME, model="m", version=3, variant="champion", status=422, error_code="X", latency_ms=1
    )
    bad = [orjson.dumps(record | fault) for fault in faults]

    assert exported(b"not json", b"[1]", error, *bad) == []
    assert len(exported(*bad, good)) == 3


def test_rows_whose_features_were_not_sampled_have_no_line() -> None:
    unsampled = Prediction(ID, TIME, "m", 3, "run", "champion", ["a"], None, None)
    assert exported(*prediction_lines(unsampled)) == []
