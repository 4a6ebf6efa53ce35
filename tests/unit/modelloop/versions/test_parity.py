"""The rule that decides whether an export may serve."""

from __future__ import annotations

from math import inf, nan, nextafter
from typing import Any

import pytest

from modelloop.flat import Outputs, load
from modelloop.versions.parity import compare, flat_tolerance, onnx_tolerance

ROOM = [[1e-6, 1e-6]]


def classified(*rows: list[float], labels: list[int]) -> Outputs:
    return Outputs(labels, list(rows))


def test_answers_inside_the_tolerance_pass() -> None:
    parity = compare([[0.3, 0.7]], classified([0.3 + 5e-7, 0.7 - 5e-7], labels=[1]), ROOM)
    assert parity.ok
    assert parity.worst == pytest.approx(0.5)
    assert parity.reason is None


def test_a_number_outside_fails_and_the_row_is_named() -> None:
    room = ROOM * 2
    parity = compare([[0.5, 0.5], [0.3, 0.7]], classified([0.5, 0.5], [0.3, 0.7 - 2e-6], labels=[0, 1]), room)
    assert not parity.ok
    assert (parity.mismatches, parity.first, parity.rows) == (1, 1, 2)
    assert parity.reason is not None
    assert "row 1" in parity.reason


def test_another_label_fails_although_the_numbers_agree() -> None:
    assert not compare([[0.3, 0.7]], classified([0.3, 0.7], labels=[0]), ROOM).ok


def test_a_tie_may_have_either_label_and_is_counted() -> None:
    near = [[0.5 - 5e-7, 0.5 + 5e-7]]
    for label in (0, 1):
        parity = compare(near, classified(near[0], labels=[label]), ROOM)
        assert parity.ok
        assert parity.label_ties == 1


def test_labels_and_ties_follow_the_decision_threshold() -> None:
    assert compare([[0.3, 0.7]], classified([0.3, 0.7], labels=[0]), ROOM, threshold=0.8).ok
    assert not compare([[0.3, 0.7]], classified([0.3, 0.7], labels=[1]), ROOM, threshold=0.8).ok
    assert compare([[0.3, 0.7]], classified([0.3, 0.7], labels=[0]), ROOM, threshold=0.7).label_ties == 1


@pytest.mark.parametrize("answer", [nan, inf, -inf])
def test_no_number_passes_for_a_number_and_itself_does(answer: float) -> None:
    assert not compare([[1.0]], Outputs([answer], None), [[1e9]]).ok
    assert compare([[answer]], Outputs([answer], None), [[0.0]]).ok


def test_the_verdict_stays_a_finite_number() -> None:
    assert compare([[1.0]], Outputs([nan], None), [[1.0]]).worst < inf


def test_another_number_of_classes_fails() -> None:
    assert not compare([[0.3, 0.7]], classified([0.3, 0.6, 0.1], labels=[1]), ROOM).ok


def test_nothing_replayed_proves_nothing() -> None:
    parity = compare([], Outputs([], None), [])
    assert not parity.ok
    assert parity.reason == "no rows were replayed"


def linear(link: str, task: str = "regression", scores: int = 1) -> Any:
    return load(
        {
            "format_version": 1,
            "form": "linear",
            "task": task,
            "classes": 0 if task == "regression" else max(2, scores),
            "slots": 1,
            "link": link,
            "inclusive": False,
            "by_eights": False,
            "intercept": [1.0] * scores,
            "numbers": [0],
            "weights": [[float(score)] for score in range(1, scores + 1)],
            "missing": [[0.0]] * scores,
            "categories": [],
            "tables": [[]] * scores,
        }
    )


def test_linear_room_is_a_share_of_all_magnitudes() -> None:
    assert flat_tolerance(linear("identity"), [[-1e6]]) == [[pytest.approx(1e-12 * (1.0 + 1e6))]]


@pytest.mark.parametrize(("link", "vector"), [("log", 3.0), ("logit", 0.3), ("logit", 30.0), ("softmax", 0.3)])
def test_room_after_the_link_covers_scores_that_far_apart_and_little_more(link: str, vector: float) -> None:
    task, scores = ("regression", 1) if link == "log" else ("classification", 3 if link == "softmax" else 1)
    model = linear(link, task, scores)
    (room,) = flat_tolerance(model, [[vector]])
    step = 1e-12 * (1.0 + vector * scores) / scores
    here, there = (model.predict([[value]]) for value in (vector, vector + step))
    pairs = zip(here.proba[0], there.proba[0], strict=True) if here.proba else [(here.predict[0], there.predict[0])]
    for (one, other), most in zip(pairs, room, strict=True):
        assert abs(one - other) <= most <= 1e-9 * max(1.0, abs(one))


def test_trees_have_the_room_of_rounding_alone() -> None:
    stump: dict[str, Any] = {
        "format_version": 1, "form": "trees", "task": "regression", "classes": 0, "slots": 1, "link": "identity",
        "inclusive": False, "by_eights": False, "base": [0.0], "divisor": 1.0, "values": None, "fill": None,
        "flags": [], "codes": {}, "feature": [-1], "number": [3.0], "sizes": [1], "cover": [1.0],
        "missing_left": [], "tests": [],
    }  # fmt: skip
    (room,) = flat_tolerance(load(stump), [[0.0]])
    assert room == [4 * (nextafter(3.0, inf) - 3.0)]


def test_onnx_room_is_relative_above_one() -> None:
    assert onnx_tolerance([[0.5, -2000.0]]) == [[1e-5, pytest.approx(2e-2)]]
