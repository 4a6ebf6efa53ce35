from __future__ import annotations

import json
import math
from base64 import b64decode
from typing import TYPE_CHECKING, Any

import pytest

from modelloop import __version__
from modelloop.errors import TransientError

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

INFER = "POST /v2/models/{model}/infer"
INVOKE = "POST /models/{model}/invocations"
FEEDBACK = "POST /models/{model}/feedback"
P: dict[str, Any] = {"model": "penguins"}


def oip(mass: list[Any], island: list[Any], **extra: Any) -> dict[str, Any]:
    rows = len(mass)
    return {
        "inputs": [
            {"name": "mass", "shape": [rows, 1], "datatype": "FP64", "data": mass},
            {"name": "island", "shape": [rows], "datatype": "BYTES", "data": island},
        ]
    } | extra


@pytest.fixture
def penguins(store: Store, plane: Plane) -> Plane:
    store.pointer(store.version(3))
    return plane


def test_infer_answers_labels_and_probabilities(penguins: Plane) -> None:
    status, body = penguins.json(INFER, oip([1.0, None], ["Dream", "Biscoe"], id="42"), **P)
    assert status == 200
    assert body["model_name"] == "penguins"
    assert body["model_version"] == "3"
    assert body["id"] == "42"
    predict, proba = body["outputs"]
    assert predict == {"name": "predict", "shape": [2], "datatype": "BYTES", "data": ["Gentoo", "Adelie"]}
    assert proba["shape"] == [2, 2]
    assert proba["data"][1] == pytest.approx(1 / (1 + math.exp(-3.0)))
    assert proba["data"][3] == pytest.approx(1 / (1 + math.exp(1.5)))
    assert proba["parameters"] == {"classes": ["Adelie", "Gentoo"]}


def test_answers_carry_prediction_id_and_version(penguins: Plane) -> None:
    answer = penguins.call(INFER, oip([1.0], ["Dream"]), **P)
    assert answer.headers["x-modelloop-version"] == "3"
    assert answer.headers["x-modelloop-prediction-id"] == penguins.captures.lines[0]["id"]
    assert f'"{answer.headers["x-modelloop-prediction-id"]}"' in answer.raw["body"]


def test_requested_outputs_select(penguins: Plane) -> None:
    _, body = penguins.json(INFER, oip([1.0], ["Dream"], outputs=[{"name": "predict"}]), **P)
    assert [output["name"] for output in body["outputs"]] == ["predict"]


@pytest.mark.parametrize(
    "body",
    [
        {"dataframe_split": {"columns": ["island", "mass"], "data": [["Dream", 1.0], ["Biscoe", None]]}},
        {"dataframe_records": [{"island": "Dream", "mass": 1.0}, {"island": "Biscoe", "mass": None}]},
        {"instances": [[1.0, "Dream"], [None, "Biscoe"]]},
        {"instances": [{"island": "Dream", "mass": 1.0}, {"island": "Biscoe", "mass": None}]},
        {"inputs": {"mass": [1.0, None], "island": ["Dream", "Biscoe"]}},
    ],
)
def test_invocations_take_every_form(penguins: Plane, body: dict[str, Any]) -> None:
    status, answer = penguins.json(INVOKE, body, **P)
    assert (status, answer["predictions"]) == (200, ["Gentoo", "Adelie"])
    assert answer["prediction_id"]


def test_invocations_take_csv(penguins: Plane) -> None:
    body = b"island,mass,note\nDream,1.0,x\nBiscoe,,y\n"
    status, answer = penguins.json(INVOKE, body, headers={"Content-Type": "text/csv; charset=utf-8"}, **P)
    assert (status, answer["predictions"]) == (200, ["Gentoo", "Adelie"])


def test_invocations_answer_probabilities_on_request(penguins: Plane) -> None:
    body = {"instances": [[0.0, "x"]], "params": {"predict_method": "predict_proba"}}
    _, answer = penguins.json(INVOKE, body, **P)
    assert answer["predictions"] == [[0.5, 0.5]]
    assert answer["classes"] == ["Adelie", "Gentoo"]


@pytest.mark.parametrize(
    ("body", "status", "field", "row"),
    [
        (b"{", 400, None, None),
        (b"[]", 400, None, None),
        (b"\xff", 400, None, None),
        ({"inputs": []}, 400, "inputs", None),
        (oip([1.0, "heavy"], ["Dream", "Dream"]), 422, "mass", 1),
        (oip([1e39], ["Dream"]), 422, "mass", 0),
        ({"inputs": oip([1.0], ["Dream"])["inputs"][:1]}, 422, "island", None),
        (oip([1.0], [["a", "b"]]), 400, "island", None),
        (oip([1.0, 2.0], ["Dream"]), 400, "island", None),
        (oip([1.0], ["Dream"], outputs=[{"name": "species"}]), 422, "outputs", None),
        (oip([1.0], ["Dream"], id=7), 400, "id", None),
        (oip([], []), 422, None, None),
        (oip([1.0], ["Dream"], parameters={"interval": 0.9}), 422, "interval", None),
    ],
)
def test_bad_requests_are_typed(penguins: Plane, body: Any, status: int, field: str | None, row: int | None) -> None:
    got, error = penguins.json(INFER, body, **P)
    assert got == status
    assert set(error) == {"error", "error_code", "message", "field", "row"}
    assert (error["field"], error["row"]) == (field, row)
    assert "\n" not in error["error"]


def test_a_body_that_is_not_base64_is_400(penguins: Plane) -> None:
    penguins.call(INFER, oip([1.0], ["Dream"]), **P)
    from inference.handler import handler  # noqa: PLC0415

    event = {"resource": "/v2/models/{model}/infer", "httpMethod": "POST", "pathParameters": P, "body": "§", "isBase64Encoded": True}  # fmt: skip  # noqa: E501
    assert handler(event, None)["statusCode"] == 400


def test_unknown_models_versions_and_paths_are_404(penguins: Plane) -> None:
    assert penguins.json(INFER, oip([1.0], ["Dream"]), model="walruses")[0] == 404
    assert penguins.json(INFER, oip([1.0], ["Dream"]), model="../secrets")[0] == 404
    route = "POST /v2/models/{model}/versions/{version}/infer"
    assert penguins.json(route, oip([1.0], ["Dream"]), model="penguins", version="9")[0] == 404
    assert penguins.json("GET /nothing")[0] == 404


def test_other_content_types_are_415(penguins: Plane) -> None:
    status, error = penguins.json(INVOKE, b"<a/>", headers={"Content-Type": "application/xml"}, **P)
    assert (status, error["error_code"]) == (415, "UNSUPPORTED_MEDIA_TYPE")


def test_bodies_over_the_cap_are_413(penguins: Plane) -> None:
    status, error = penguins.json(INVOKE, b" " * 4_000_001, **P)
    assert (status, error["error_code"]) == (413, "REQUEST_TOO_LARGE")
    rows = {"inputs": {"mass": [1] * 10_001, "island": ["Dream"] * 10_001}}
    assert penguins.json(INVOKE, rows, **P)[0] == 413


def test_captures_hold_typed_columns(penguins: Plane) -> None:
    penguins.call(INFER, oip([1, None], [" Dream ", "Mars"]), **P)
    (line,) = penguins.captures.lines
    assert line["columns"] == {"mass": [1.0, None], "island": ["Dream", "Mars"]}
    assert line["unseen"] == {"island": 1}
    assert line["predict"] == ["Gentoo", "Gentoo"]
    assert (line["kind"], line["rows"], line["version"], line["variant"]) == ("prediction", 2, 3, "champion")
    assert line["status"] == 200
    assert line["time"].endswith("Z")


def test_refused_requests_are_captured_without_their_body(penguins: Plane) -> None:
    penguins.call(INFER, oip(["heavy"], ["Dream"]), **P)
    (line,) = penguins.captures.lines
    assert (line["kind"], line["status"], line["error_code"]) == ("error", 422, "INVALID_PARAMETER_VALUE")
    assert "heavy" not in str(line)


def test_masked_columns_are_never_captured(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1, capture={"percent": 100, "mask": ["mass"]}))
    plane.call(INFER, oip([1.0], ["Dream"]), **P)
    assert plane.captures.lines[0]["columns"] == {"island": ["Dream"]}


def test_features_are_sampled_and_predictions_are_not(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1, capture={"percent": 0, "mask": []}))
    plane.call(INFER, oip([1.0], ["Dream"]), **P)
    assert plane.captures.lines[0]["columns"] is None
    assert plane.captures.lines[0]["predict"] == ["Gentoo"]


def test_a_stream_that_is_down_costs_no_prediction_and_no_capture(penguins: Plane) -> None:
    penguins.captures.error = TransientError("throttled")
    assert penguins.call(INFER, oip([1.0], ["Dream"]), **P).status == 200
    penguins.captures.error = None
    assert penguins.call(INFER, oip([2.0], ["Dream"]), **P).status == 200
    assert [line["columns"]["mass"] for line in penguins.captures.lines] == [[1.0], [2.0]]


def test_feedback_is_accepted_once_it_is_on_its_stream(penguins: Plane) -> None:
    prediction = penguins.call(INFER, oip([1.0], ["Dream"]), **P).headers["x-modelloop-prediction-id"]
    body = {"feedback": [{"id": prediction, "row": 0, "label": "Adelie"}]}
    answer = {"accepted": 1, "unreadable": 0, "new_class": 0, "examples": []}
    assert penguins.json(FEEDBACK, body, **P) == (202, answer)
    (line,) = penguins.labels.lines
    assert (line["id"], line["row"], line["label"], line["model"]) == (prediction, 0, "Adelie", "penguins")
    penguins.labels.error = TransientError("down")
    assert penguins.json(FEEDBACK, body, **P)[0] == 503


def test_feedback_in_csv(penguins: Plane) -> None:
    prediction = penguins.call(INFER, oip([1.0], ["Dream"]), **P).headers["x-modelloop-prediction-id"]
    body = f"id,label\n{prediction},Adelie\n".encode()
    answer = {"accepted": 1, "unreadable": 0, "new_class": 0, "examples": []}
    assert penguins.json(FEEDBACK, body, headers={"content-type": "text/csv"}, **P) == (202, answer)


@pytest.mark.parametrize(
    ("entry", "status", "field"),
    [
        ({"id": "no", "row": 0, "label": "x"}, 422, "id"),
        ({"id": "0190c000-0000-7000-8000-000000000001", "row": -1, "label": "x"}, 422, "row"),
        ({"id": "0190c000-0000-7000-8000-000000000001", "row": 0, "label": None}, 422, "label"),
        ({"id": "0190c000-0000-7000-8000-000000000001", "row": True, "label": 1}, 422, "row"),
        ("label", 400, "feedback"),
    ],
)
def test_bad_feedback_names_its_entry(penguins: Plane, entry: Any, status: int, field: str) -> None:
    got, error = penguins.json(FEEDBACK, {"feedback": [entry]}, **P)
    assert (got, error["field"], error["row"]) == (status, field, 0)
    assert not penguins.labels.lines


def test_feedback_for_an_unknown_model_is_404(penguins: Plane) -> None:
    entry = {"id": "0190c000-0000-7000-8000-000000000001", "row": 0, "label": "x"}
    assert penguins.json(FEEDBACK, {"feedback": [entry]}, model="walruses")[0] == 404


def test_health_metadata_and_index(penguins: Plane) -> None:
    for route in ("GET /ping", "GET /health", "GET /v2/health/live", "GET /v2/health/ready"):
        assert penguins.json(route) == (200, {"live": True, "ready": True})
    server = penguins.json("GET /v2")[1]
    assert (server["version"], server["extensions"][0]) == (__version__, "binary_tensor_data")
    assert penguins.json("GET /v2/models")[1] == {"models": [{"name": "penguins"}]}
    assert penguins.json("GET /v2/models/{model}/ready", **P)[1] == {"name": "penguins", "ready": True, "version": "3"}
    (entry,) = penguins.json("POST /v2/repository/index", {"ready": True})[1]
    assert entry == {"name": "penguins", "version": "3", "state": "READY", "reason": ""}
    metadata = penguins.json("GET /v2/models/{model}", **P)[1]
    assert metadata["versions"] == ["3"]
    assert [(tensor["name"], tensor["datatype"]) for tensor in metadata["inputs"]] == [
        ("mass", "FP64"),
        ("island", "BYTES"),
    ]
    assert metadata["outputs"][0]["datatype"] == "BYTES"
    assert metadata["parameters"]["classes"] == ["Adelie", "Gentoo"]


def test_a_model_without_a_champion_is_not_ready(store: Store, plane: Plane) -> None:
    store.pointer(None)
    assert plane.json(INFER, oip([1.0], ["Dream"]), **P)[0] == 503
    assert plane.json("GET /v2/models/{model}/ready", **P)[0] == 503


def test_bytes_are_answered_to_clients_that_say_what_they_accept(penguins: Plane) -> None:
    body = oip([1.0], ["Dream"], parameters={"binary_data_output": True})
    plain = penguins.call(INFER, body, **P)
    assert plain.headers["Content-Type"] == "application/json"
    answer = penguins.call(INFER, body, headers={"Accept": "*/*"}, **P)
    assert answer.raw["isBase64Encoded"]
    raw = b64decode(answer.raw["body"])
    at = int(answer.headers["Inference-Header-Content-Length"])
    assert json.loads(raw[:at])["model_name"] == "penguins"
    assert raw[at:].startswith(b"\6\0\0\0Gentoo")
