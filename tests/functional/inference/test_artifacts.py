"""A tampered, truncated, oversized or wrong artifact never replaces a good one."""

from __future__ import annotations

import json
import random
from typing import TYPE_CHECKING, Any

import pytest

from inference import models
from inference.model_cache import ModelCache
from modelloop import __version__
from modelloop.aws.dataplane.objects import Objects
from modelloop.contracts.pointer import VersionRef
from modelloop.errors import ArtifactRefusedError, NotFoundError
from tests.support.data_plane import LINEAR, make_bundle, regression_bundle, stumps_bundle

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

INVOKE = "POST /models/{model}/invocations"
P: dict[str, Any] = {"model": "penguins"}
BODY = {"instances": [[1.0, "Dream"]]}
ROW = {"mass": 0.0, "island": "elsewhere"}


def ask(plane: Plane) -> tuple[int, str | None]:
    answer = plane.call(INVOKE, BODY, **P)
    return answer.status, answer.headers.get("x-modelloop-version")


def spoil(store: Store, ref: dict[str, Any], damage: bytes) -> None:
    store.put(ref["file"], damage)


def body_of(store: Store, ref: dict[str, Any]) -> bytes:
    body: bytes = store.client.get_object(Bucket="artifacts", Key=ref["file"])["Body"].read()
    return body


def test_a_flipped_byte_is_refused_and_the_old_version_serves_on(store: Store, plane: Plane) -> None:
    good, bad = store.version(1), store.version(2)
    store.pointer(good)
    assert ask(plane) == (200, "1")
    body = bytearray(body_of(store, bad))
    body[len(body) // 2] ^= 1
    spoil(store, bad, bytes(body))
    store.pointer(bad, previous=good, revision=2)
    assert ask(plane) == (200, "1")


def test_without_an_older_version_it_is_503_and_recovers(store: Store, plane: Plane) -> None:
    ref = store.version(1)
    body = body_of(store, ref)
    spoil(store, ref, body[:-1])
    store.pointer(ref)
    assert ask(plane) == (503, "1")
    spoil(store, ref, body)
    plane.service.model_cache._refused.clear()
    assert ask(plane) == (200, "1")


def test_a_version_that_was_named_is_never_replaced(store: Store, plane: Plane) -> None:
    good, bad = store.version(1), store.version(2)
    spoil(store, bad, b"{}")
    store.pointer(bad, previous=good)
    assert ask(plane) == (200, "1")
    route = "POST /v2/models/{model}/versions/{version}/infer"
    assert plane.call(route, {"inputs": []}, version="2", **P).status == 503
    assert plane.call("GET /v2/models/{model}/versions/{version}/ready", version="2", **P).status == 503
    assert plane.call("GET /v2/models/{model}/ready", **P).status == 200


def test_explanations_have_a_row_cap(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    rows = {"inputs": {"mass": [1.0] * 1_001, "island": ["x"] * 1_001}}
    assert plane.json(INVOKE, rows, **P)[0] == 200
    assert plane.json(INVOKE, rows | {"params": {"explain": True}}, **P)[0] == 413


def test_a_broken_challenger_leaves_its_share_to_the_champion(store: Store, plane: Plane) -> None:
    bad = store.version(2)
    spoil(store, bad, b"{}")
    store.pointer(store.version(1), challenger=bad, weight=100)
    assert ask(plane) == (200, "1")
    assert plane.captures.lines[0]["variant"] == "champion"


@pytest.mark.usefixtures("plane")
def test_every_byte_flip_is_refused_before_it_is_parsed(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    ref = store.version(1)
    body = body_of(store, ref)
    parsed: list[bytes] = []
    monkeypatch.setattr(models, "Model", lambda *_: parsed.append(b""))
    chooser = random.Random(7)
    for _ in range(40):
        flipped = bytearray(body)
        flipped[chooser.randrange(len(body))] ^= 1 << chooser.randrange(8)
        spoil(store, ref, bytes(flipped))
        with pytest.raises(ArtifactRefusedError, match="digest"):
            models.load(Objects("artifacts"), VersionRef(**ref))
    assert not parsed


@pytest.mark.usefixtures("plane")
def test_an_object_that_grew_is_not_read(store: Store) -> None:
    ref = store.version(1)
    spoil(store, ref, b" " * (ref["bytes"] + 1_000_000))
    with pytest.raises(ArtifactRefusedError, match="at most"):
        models.load(Objects("artifacts"), VersionRef(**ref))
    with pytest.raises(ArtifactRefusedError, match="the most is"):
        models.load(Objects("artifacts"), VersionRef(**ref | {"bytes": 10**9}))


@pytest.mark.parametrize(
    "changes",
    [
        {"format_version": 2},
        {"engine": "pickle"},
        {"flat": LINEAR | {"slots": 3}},
        {"flat": {"format_version": 1}},
        {"flat": None},
        {"encoding": {"format_version": 7}},
        {"encoding": None},
        {"golden": {"rows": [ROW], "outputs": [{"predict": "Gentoo", "predict_proba": [0.5, 0.5]}]}},
        {"golden": {"rows": [ROW], "outputs": [{"predict": "Adelie", "predict_proba": [0.5]}]}},
        {"golden": {"rows": [ROW | {"mass": "heavy"}], "outputs": [{}]}},
        {"golden": None},
        {"classes": ["Adelie"]},
    ],
)  # fmt: skip
@pytest.mark.usefixtures("plane")
def test_a_bundle_that_cannot_answer_is_refused(store: Store, changes: dict[str, Any]) -> None:
    ref = VersionRef(**store.bundle(make_bundle(**changes), 1))
    with pytest.raises(ArtifactRefusedError):
        models.load(Objects("artifacts"), ref)


@pytest.mark.usefixtures("plane")
def test_a_refused_version_is_not_fetched_at_every_request(store: Store) -> None:
    ref = store.version(1)
    spoil(store, ref, b"{}")
    now = [0.0]
    cache = ModelCache(Objects("artifacts"), 10**9, lambda: now[0])
    told: list[VersionRef] = []
    cache.on_refusal = lambda refused, _: told.append(refused)
    for _ in range(3):
        with pytest.raises(ArtifactRefusedError):
            cache.get(VersionRef(**ref))
    assert len(told) == 1
    now[0] = 61
    store.clear()
    with pytest.raises(NotFoundError):
        cache.get(VersionRef(**ref))
    assert len(told) == 2


@pytest.mark.usefixtures("plane")
def test_the_least_recently_used_version_goes(store: Store) -> None:
    refs = [VersionRef(**store.version(number)) for number in (1, 2, 3)]
    cache = ModelCache(Objects("artifacts"), cap=2 * 7 * refs[0].bytes + 100)
    first, second, third = refs
    cache.get(first)
    cache.get(second)
    cache.get(first)
    cache.get(third)
    assert [model.ref.version for model in cache._held.values()] == [1, 3]


@pytest.mark.usefixtures("plane")
def test_one_version_larger_than_the_cap_still_serves(store: Store) -> None:
    cache = ModelCache(Objects("artifacts"), cap=1)
    assert cache.get(VersionRef(**store.version(1))).ref.version == 1


def test_versions_that_nobody_reaches_are_dropped_after_an_answer(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    ask(plane)
    store.pointer(store.version(2), revision=2)
    ask(plane)
    plane.service.after_answer()
    assert [model.ref.version for model in plane.service.model_cache._held.values()] == [2]


def test_several_models_share_an_environment(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    other = store.bundle(regression_bundle(model="mass", run_id="0190c000-0000-7000-8000-000000000009"), 9)
    store.pointer(other, model="mass")
    assert ask(plane) == (200, "1")
    status, body = plane.json(INVOKE, BODY, model="mass")
    assert (status, body["predictions"]) == (200, [3.0])
    assert len(plane.service.model_cache._held) == 2
    entries = plane.json("POST /v2/repository/index")[1]
    assert [(entry["name"], entry["version"]) for entry in entries] == [("mass", "9"), ("penguins", "1")]


def test_answers_explain_themselves(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    body = {"instances": [[1.0, "Dream"], [None, "Biscoe"]], "params": {"explain": True}}
    explanations = plane.json(INVOKE, body, **P)[1]["explanations"]
    assert [row["class"] for row in explanations] == ["Gentoo", "Gentoo"]
    assert explanations[0]["link"] == "logit"
    for row, score in zip(explanations, (3.0, -1.5), strict=True):
        assert row["base"] + sum(row["contributions"].values()) == pytest.approx(score)
    oip = {
        "inputs": [
            {"name": "mass", "shape": [1], "datatype": "FP64", "data": [1.0]},
            {"name": "island", "shape": [1], "datatype": "BYTES", "data": ["Dream"]},
        ],
        "parameters": {"explain": True},
    }
    outputs = {o["name"]: o for o in plane.json("POST /v2/models/{model}/infer", oip, **P)[1]["outputs"]}
    assert outputs["contributions"]["shape"] == [1, 2]
    assert outputs["contributions"]["parameters"]["columns"] == ["mass", "island"]
    assert sum(outputs["contributions"]["data"]) + outputs["contributions_base"]["data"][0] == pytest.approx(3.0)
    assert outputs["contributions_class"]["data"] == ["Gentoo"]


def test_intervals_follow_the_expected_residual_and_end_with_the_target(store: Store, plane: Plane) -> None:
    half_the_prediction = LINEAR | {
        "task": "regression", "classes": 0, "slots": 3, "link": "identity", "numbers": [0, 1, 2],
        "weights": [[0.0, 0.0, 0.5]], "missing": [[0.0, 0.0, 0.0]], "categories": [], "tables": [[]],
    }  # fmt: skip
    rule = {"quantiles": {"0.9": 1.25}, "scale": half_the_prediction, "floor": 0.4, "low": 2.0}
    store.pointer(store.bundle(regression_bundle() | {"interval": rule}, 1))
    body = {"instances": [[1.0, "Dream"], [6.0, "Dream"], [-2.0, "Dream"]], "params": {"interval": 0.9}}
    said = plane.json(INVOKE, body, **P)[1]
    assert said["predictions"] == [3.0, 8.0, 0.0]
    assert said["intervals"] == [[2.0, 4.875], [3.0, 13.0], [0.0, 0.5]]


def test_a_model_of_a_quantile_offers_no_interval(store: Store, plane: Plane) -> None:
    store.pointer(store.bundle(regression_bundle() | {"interval": {"quantiles": {}}}, 1))
    status, error = plane.json(INVOKE, BODY | {"params": {"interval": 0.9}}, **P)
    assert (status, error["message"]) == (422, "interval 0.9 is not offered; there is: none")


SHAP = {"params": {"explain": "shap"}}


def test_shap_values_are_answered_in_both_protocols(store: Store, plane: Plane) -> None:
    store.pointer(store.bundle(stumps_bundle(), 1))
    said = plane.json(INVOKE, {"instances": [[1.0, "Dream"], [None, "Biscoe"]]} | SHAP, **P)[1]
    first, second = said["explanations"]
    assert first == {
        "method": "tree_path_dependent", "base": 15.0, "class": None, "link": "identity",
        "contributions": {"mass": -5.0, "island": 0.0},
    }  # fmt: skip
    assert second["contributions"] == {"mass": 5.0, "island": 0.0}
    infer = {
        "inputs": [
            {"name": "mass", "shape": [1], "datatype": "FP64", "data": [1.0]},
            {"name": "island", "shape": [1], "datatype": "BYTES", "data": ["Dream"]},
        ],
        "parameters": {"explain": "shap"},
    }
    outputs = {o["name"]: o for o in plane.json("POST /v2/models/{model}/infer", infer, **P)[1]["outputs"]}
    assert outputs["contributions"]["data"] == [-5.0, 0.0]
    assert outputs["contributions"]["parameters"]["method"] == "tree_path_dependent"


def test_shap_values_that_take_too_long_are_refused_with_the_rows_that_would_fit(
    store: Store, plane: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.pointer(store.bundle(stumps_bundle(), 1))
    rows = {"instances": [[1.0, "Dream"]] * 10}
    assert plane.json(INVOKE, rows | SHAP, **P)[0] == 200
    monkeypatch.setattr("modelloop.flat.shapley.cost.SECONDS_A_STEP", 0.5)  # two leaves of depth 1: a second a row
    plane.service.model_cache._held.clear()
    status, error = plane.json(INVOKE, rows | SHAP, **P)
    assert (status, error["error_code"]) == (413, "REQUEST_TOO_LARGE")
    assert "at most 4 rows" in error["message"]
    assert plane.json(INVOKE, {"instances": rows["instances"][:4]} | SHAP, **P)[0] == 200
    assert plane.json(INVOKE, rows | {"params": {"explain": True}}, **P)[0] == 200


def test_a_linear_version_without_means_says_why_it_has_no_shap_values(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    status, error = plane.json(INVOKE, {"instances": [[1.0, "Dream"]]} | SHAP, **P)
    assert (status, error["field"]) == (422, "explain")
    assert "train it again" in error["message"]


def test_regressions_offer_intervals(store: Store, plane: Plane) -> None:
    store.pointer(store.bundle(regression_bundle(), 1))
    body = BODY | {"params": {"interval": 0.9}}
    assert plane.json(INVOKE, body, **P)[1]["intervals"] == [[1.75, 4.25]]
    status, error = plane.json(INVOKE, BODY | {"params": {"interval": 0.5}}, **P)
    assert (status, error["field"]) == (422, "interval")
    assert "0.9" in error["message"]
    status, error = plane.json(INVOKE, BODY | {"params": {"predict_method": "predict_proba"}}, **P)
    assert status == 422


def test_the_decision_threshold_of_the_version_holds(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1, threshold=0.99, golden={"rows": [], "outputs": []}))
    assert plane.json(INVOKE, BODY, **P)[1]["predictions"] == ["Adelie"]


def test_openapi_documents_are_served(store: Store, plane: Plane) -> None:
    store.pointer(store.version(1))
    whole = plane.json("GET /openapi.json")[1]
    assert (whole["openapi"], whole["info"]["version"]) == ("3.1.0", __version__)
    document = plane.json("GET /v2/models/{model}/openapi.json", **P)[1]
    assert document["components"]["schemas"]["Label"] == {"enum": ["Adelie", "Gentoo"]}
    assert json.dumps(document).count("/v2/models/penguins/infer") == 1
