"""What the door says of labels: read with the versions in memory, without a request to anybody for them."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.ids import uuid7
from tests.support.data_plane import regression_bundle

if TYPE_CHECKING:
    from tests.support.data_plane import Plane, Store

FEEDBACK = "POST /models/{model}/feedback"
INVOKE = "POST /models/{model}/invocations"
P: dict[str, Any] = {"model": "penguins"}
ROW = {"dataframe_records": [{"mass": 1.0, "island": "Dream"}]}
CSV = {"content-type": "text/csv"}
MINUTE = 60_000
DAY = 24 * 60 * MINUTE


def now() -> int:
    return time.time_ns() // 1_000_000


def one(label: Any, identifier: str | None = None) -> dict[str, Any]:
    return {"feedback": [{"id": identifier or uuid7(), "row": 0, "label": label}]}


@pytest.fixture
def penguins(store: Store, plane: Plane) -> Plane:
    """A model of two species, not in memory."""
    store.pointer(store.version(3))
    return plane


@pytest.fixture
def truths(store: Store, plane: Plane) -> Plane:
    """A model whose target was true or false, in memory."""
    golden = {
        "rows": [{"mass": 0.0, "island": "elsewhere"}],
        "outputs": [{"predict": False, "predict_proba": [0.5, 0.5]}],
    }
    store.pointer(store.version(1, classes=[False, True], golden=golden))
    plane.call(INVOKE, ROW, **P)
    return plane


@pytest.fixture
def numbers(store: Store, plane: Plane) -> Plane:
    """A regression, in memory."""
    store.pointer(store.version(1, **regression_bundle()))
    plane.call(INVOKE, ROW, **P)
    return plane


@pytest.mark.parametrize("label", [True, "True", "TRUE", " true ", 1, "1.0"])
def test_every_spelling_of_a_class_is_that_class(truths: Plane, label: Any) -> None:
    answer = {"accepted": 1, "unreadable": 0, "new_class": 0, "examples": []}
    assert truths.json(FEEDBACK, one(label), **P) == (202, answer)
    if isinstance(label, str):
        assert truths.json(FEEDBACK, f"id,label\n{uuid7()},{label}\n".encode(), headers=CSV, **P) == (202, answer)


def test_an_unknown_class_is_accepted_and_told(truths: Plane) -> None:
    identifier = uuid7()
    status, answer = truths.json(FEEDBACK, one("maybe", identifier), **P)
    example = {"entry": 0, "id": identifier, "row": 0, "label": "maybe", "outcome": "new_class"}
    assert (status, answer) == (202, {"accepted": 1, "unreadable": 0, "new_class": 1, "examples": [example]})
    assert [line["label"] for line in truths.labels.lines] == ["maybe"]


def test_a_missing_label_is_unreadable_and_not_stored(truths: Plane) -> None:
    status, answer = truths.json(FEEDBACK, one("NaN"), **P)
    assert (status, answer["accepted"], answer["unreadable"]) == (202, 0, 1)
    assert not truths.labels.lines


def test_numbers_that_are_none_are_refused_and_counted_and_the_others_stored(numbers: Plane) -> None:
    labels = ["2", "many", 3.5, "3,5", True, "NA", "1e999", "-", "x"]
    body = {"feedback": [{"id": uuid7(), "row": 0, "label": label} for label in labels]}
    status, answer = numbers.json(FEEDBACK, body, **P)

    assert (status, answer["accepted"], answer["unreadable"], answer["new_class"]) == (202, 2, 7, 0)
    told = [(example["entry"], example["label"], example["outcome"]) for example in answer["examples"]]
    assert told == [(1, "many", "unreadable"), (3, "3,5", "unreadable"), (4, True, "unreadable"),
                    (5, "NA", "unreadable"), (6, "1e999", "unreadable")]  # fmt: skip
    assert [line["label"] for line in numbers.labels.lines] == ["2", 3.5]


def test_a_label_that_a_former_version_knows_is_read(store: Store, plane: Plane) -> None:
    first, second = (
        store.version(1),
        store.version(2, classes=["Adelie", "Chinstrap"], golden={"rows": [], "outputs": []}),
    )
    store.pointer(second, challenger=first, weight=100.0, bake_until="2099-01-01T00:00:00.000Z")
    plane.call(INVOKE, ROW, **P)
    plane.call("GET /v2/models/{model}/versions/{version}", version="2", **P)
    for label in ("Gentoo", "Chinstrap"):
        assert plane.json(FEEDBACK, one(label), **P)[1]["new_class"] == 0, label


def test_without_a_version_in_memory_nothing_is_fetched_and_nothing_is_claimed(
    penguins: Plane, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(penguins.service, "after_answer", lambda *_: None)  # which makes the champion ready
    status, answer = penguins.json(FEEDBACK, one("anything"), **P)
    assert (status, answer) == (202, {"accepted": 1, "unreadable": 0, "new_class": None, "examples": []})
    assert not penguins.service.model_cache.held(penguins.service.pointers.get("penguins").pointer)


@pytest.mark.parametrize(
    "label", ["x" * 1_001, "a\x00b", "a\x1b[2Jb", "a" + "\u0300\u0316" * 16], ids=["long", "nul", "escape", "marks"]
)
def test_a_label_that_no_table_could_hold_is_refused(penguins: Plane, label: str) -> None:
    status, error = penguins.json(FEEDBACK, one(label), **P)
    assert (status, error["field"], error["row"]) == (422, "label", 0)
    assert not penguins.labels.lines


@pytest.mark.parametrize("shift", [-90 * DAY - MINUTE, 6 * MINUTE, 400 * DAY], ids=["expired", "ahead", "far ahead"])
def test_ids_of_predictions_that_cannot_be_kept_are_refused(penguins: Plane, shift: int) -> None:
    body = {"feedback": [one("x")["feedback"][0], one("x", uuid7(now() + shift))["feedback"][0]]}
    status, error = penguins.json(FEEDBACK, body, **P)
    assert (status, error["field"], error["row"]) == (422, "id", 1)
    assert not penguins.labels.lines


@pytest.mark.parametrize("shift", [-90 * DAY + MINUTE, 4 * MINUTE])
def test_ids_at_the_edge_of_what_is_kept_are_accepted(penguins: Plane, shift: int) -> None:
    assert penguins.json(FEEDBACK, one("x", uuid7(now() + shift)), **P)[0] == 202


@pytest.mark.parametrize(("hours", "status"), [(200, 202), (201, 413)])
def test_the_hours_of_a_request_are_bounded(penguins: Plane, hours: int, status: int) -> None:
    body = {"feedback": [one("x", uuid7(now() - hour * 60 * MINUTE))["feedback"][0] for hour in range(hours)]}
    assert penguins.json(FEEDBACK, body, **P)[0] == status
