"""The flat engine on models small enough to work out by hand."""

from __future__ import annotations

from math import exp, inf, nan
from typing import Any

import numpy as np
import pytest

from modelloop.errors import ArtifactRefusedError, InvalidValueError
from modelloop.flat import load
from modelloop.flat.links import _by_eights, expit, in_order, softmax
from modelloop.flat.links import exp as safe_exp
from modelloop.tables.encoding import Slot

LINEAR: dict[str, Any] = {
    "format_version": 1,
    "form": "linear",
    "task": "regression",
    "classes": 0,
    "slots": 3,
    "link": "identity",
    "inclusive": False,
    "by_eights": False,
    "intercept": [10.0],
    "numbers": [0, 2],
    "weights": [[2.0, -1.0]],
    "missing": [[0.5, 0.25]],
    "categories": [1],
    "tables": [[[100.0, 200.0, 300.0]]],
}
# Three stumps: slot 0 at 1.5 (missing right), slot 1 by category {0, missing}, slot 0 at 2.5 (missing left).
TREES: dict[str, Any] = {
    "format_version": 1,
    "form": "trees",
    "task": "regression",
    "classes": 0,
    "slots": 2,
    "link": "identity",
    "inclusive": False,
    "by_eights": False,
    "base": [1000.0],
    "divisor": 1.0,
    "values": None,
    "fill": None,
    "flags": [],
    "codes": {"1": 2},
    "feature": [0, -1, -1, 1, -1, -1, 0, -1, -1],
    "number": [1.5, 1.0, 2.0, 0.5, 10.0, 20.0, 2.5, 100.0, 200.0],
    "sizes": [2, 2, 2],
    "cover": [1.0, 3.0, 1.0, 1.0, 2.0, 2.0],
    "missing_left": [6],
    "tests": [[3, [0, 2]]],
}


def deep(document: dict[str, Any], leaves: int) -> dict[str, Any]:
    """The same model with one more tree, a chain too wide for a machine word, that always adds zero."""
    chain = [part for _ in range(leaves - 1) for part in (0, -1)] + [-1]
    return document | {
        "feature": [*document["feature"], *chain],
        "number": [*document["number"], *[0.0] * len(chain)],
        "sizes": [*document["sizes"], leaves],
        "cover": [*document["cover"], *[1.0] * leaves],
    }


@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ([1.0, 0.0, 1.0], 10 + 2 + 100 - 1),
        ([nan, 1.0, 1.0], 10 + 0.5 + 200 - 1),
        ([1.0, nan, nan], 10 + 2 + 300 + 0.25),
    ],
)
def test_linear_scores_add_weights_tables_and_missing_terms(vector: list[float], score: float) -> None:
    model = load(LINEAR)
    assert model.predict([vector]).predict == [score]
    why = model.explain(vector)
    assert why.base == 10.0
    assert why.base + sum(why.slots) == why.value == score


@pytest.mark.parametrize("document", [TREES, deep(TREES, 70)], ids=["leaf sets", "walked"])
@pytest.mark.parametrize(
    ("vector", "score"),
    [
        ([1.5, 0.0], 1000 + 1 + 10 + 100),
        ([1.5000001, 1.0], 1000 + 2 + 20 + 100),
        ([2.5, 0.0], 1000 + 2 + 10 + 100),
        ([3.0, 1.0], 1000 + 2 + 20 + 200),
        ([nan, nan], 1000 + 2 + 10 + 100),
        ([nan, 1.0], 1000 + 2 + 20 + 100),
        ([-1e30, nan], 1000 + 1 + 10 + 100),
    ],
)
def test_trees_go_left_at_the_threshold_and_where_missing_values_go(
    document: dict[str, Any], vector: list[float], score: float
) -> None:
    model = load(document)
    assert model.predict([vector]).predict == [score]
    why = model.explain(vector)
    assert why.base == 1000 + 1.75 + 15 + 150
    assert why.base + sum(why.slots) == pytest.approx(why.value) == score


def test_a_step_is_credited_to_the_slot_that_was_tested() -> None:
    why = load(TREES).explain([3.0, 0.0])
    assert why.slots == [pytest.approx(0.25 + 50.0), pytest.approx(-5.0)]
    columns = [Slot("day:days", "day", "number"), Slot("day:month", "day", "number")]
    assert why.by_column(columns) == {"day": pytest.approx(45.25)}


def test_filled_slots_and_flags_are_explained_by_the_slot_they_stand_for() -> None:
    document = TREES | {"fill": [9.0, 0.0], "flags": [0], "missing_left": [], "tests": [], "codes": {}}
    document["feature"] = [0, -1, -1, 2, -1, -1, 0, -1, -1]
    model = load(document)
    assert model.predict([[nan, 0.0], [9.0, 0.0]]).predict == [1000 + 2 + 20 + 200, 1000 + 2 + 10 + 200]
    assert model.explain([nan, 0.0]).slots == [pytest.approx(0.25 + 5.0 + 50.0), 0.0]


@pytest.mark.parametrize(("inclusive", "label"), [(False, 0), (True, 1)])
def test_a_score_of_zero_is_the_class_that_the_estimator_says(inclusive: bool, label: int) -> None:
    binary = LINEAR | {"task": "classification", "classes": 2, "link": "logit", "inclusive": inclusive}
    outputs = load(binary | {"intercept": [0.0]}).predict([[1.0, 0.0, 102.0]])
    assert outputs.predict == [label]
    assert outputs.proba == [[0.5, 0.5]]


def test_a_decision_threshold_is_reached_by_equality() -> None:
    model = load(LINEAR | {"task": "classification", "classes": 2, "link": "logit", "intercept": [0.0]})
    vector = [1.0, 0.0, 102.0]
    assert model.predict([vector], threshold=0.5).predict == [1]
    assert model.predict([vector], threshold=0.50001).predict == [0]


def test_the_score_of_class_0_is_explained_with_opposite_sign() -> None:
    model = load(LINEAR | {"task": "classification", "classes": 2, "link": "logit"})
    yes, no = model.explain([1.0, 0.0, 1.0]), model.explain([1.0, 0.0, 1.0], label=0)
    assert yes.label == 1
    assert [no.base, *no.slots, no.value] == [-part for part in (yes.base, *yes.slots, yes.value)]


def test_a_class_that_does_not_exist_cannot_be_explained() -> None:
    with pytest.raises(InvalidValueError):
        load(LINEAR | {"task": "classification", "classes": 2, "link": "logit"}).explain([1.0, 0.0, 1.0], label=2)


def test_no_rows_have_no_answers() -> None:
    assert load(LINEAR).predict([]).predict == []
    binary = LINEAR | {"task": "classification", "classes": 2, "link": "logit"}
    assert load(binary).predict([]).proba == []


def test_links_hold_at_the_ends_of_the_number_line() -> None:
    assert expit(-1e6) == 0.0
    assert expit(1e6) == 1.0
    assert safe_exp(1e6) == inf
    assert safe_exp(1.0) == exp(1.0)
    assert softmax([1e6, 0.0, -1e6]) == [1.0, 0.0, 0.0]
    assert sum(softmax([0.1 * k for k in range(20)])) == pytest.approx(1.0)


BROKEN: list[dict[str, Any]] = [
    {},
    {"format_version": 2},
    LINEAR | {"form": "spline"},
    LINEAR | {"numbers": [0, 1]},
    LINEAR | {"weights": [[1.0]]},
    LINEAR | {"tables": [[]]},
    LINEAR | {"link": "cubic"},
    TREES | {"number": TREES["number"][:-1]},
    TREES | {"feature": [0, -1, -1, 1, -1, -1, 7, -1, -1]},
    TREES | {"feature": [-1, 0, -1, 1, -1, -1, 0, -1, -1]},
    TREES | {"sizes": []},
    TREES | {"sizes": [2, 2, 3]},
    TREES | {"cover": [1.0]},
    TREES | {"codes": {}},
    TREES | {"base": None},
    deep(TREES, 70) | {"feature": [-1, -1, *deep(TREES, 70)["feature"][2:-1], 0]},
]


@pytest.mark.parametrize("document", BROKEN)
def test_a_document_that_is_not_a_model_is_refused(document: dict[str, Any]) -> None:
    with pytest.raises(ArtifactRefusedError):
        load(document)


@pytest.mark.parametrize("many", [2, 7, 8, 9, 16, 23, 100])
def test_numbers_are_added_in_numpys_order(many: int) -> None:
    matrix = np.random.default_rng(many).random((50, many))
    assert [_by_eights(row) for row in matrix.tolist()] == matrix.sum(axis=1).tolist()
    assert [in_order(row) for row in matrix.tolist()] == np.asfortranarray(matrix).sum(axis=1).tolist()


@pytest.mark.parametrize("rows", [3, 40])
def test_no_number_is_below_the_floor_and_scores_are_explained_as_they_are(rows: int) -> None:
    vector = [-400.0, 0.0, 0.0]  # 10 - 800 + 100
    plain, bounded = load(LINEAR), load(LINEAR | {"floor": 0.0})
    assert plain.predict([vector] * rows).predict == [-690.0] * rows
    assert bounded.predict([vector] * rows).predict == [0.0] * rows
    assert bounded.predict([[1.0, 0.0, 0.0]]).predict == plain.predict([[1.0, 0.0, 0.0]]).predict == [112.0]
    explained = bounded.explain(vector)
    assert explained.base + sum(explained.slots) == explained.value == -690.0


MEANS = LINEAR | {"numbers": [0, 1, 2], "weights": [[2.0, 3.0, -1.0]], "missing": [[0.5, 7.0, 0.25]],
                  "categories": [], "tables": [[]], "means": {"1": [0.1, -4.0, 0.0]}}  # fmt: skip


@pytest.mark.parametrize(("code", "adds"), [(0.0, 3.0 * 0.10000000149011612), (1.0, -12.0), (2.0, 0.0), (nan, 7.0)])
def test_what_was_learned_of_a_value_takes_the_place_of_its_code(code: float, adds: float) -> None:
    model, vector = load(MEANS), [1.0, code, 4.0]
    wanted = pytest.approx(10.0 + 2.0 + adds - 4.0)
    assert model.raw(vector) == [wanted]
    assert all(answer == wanted for answer in model.predict([vector] * 40).predict)
    assert model.explain(vector).slots == [2.0, pytest.approx(adds), -4.0]
    assert model.rounding(vector)[0] > 0
    (shapley,) = load(MEANS | {"centres": [[1.0, 0.5, 0.0]]}).explain_shapley([vector])
    assert shapley.slots == [1.0, pytest.approx(adds - 0.5), -4.0]


@pytest.mark.parametrize("means", [{"3": [0.0]}, {"-1": [0.0]}, {"1": []}, {"1": ["x"]}, {"a": [0.0]}])
def test_tables_that_do_not_fit_are_refused(means: dict[str, Any]) -> None:
    with pytest.raises(ArtifactRefusedError):
        load(MEANS | {"means": means})
