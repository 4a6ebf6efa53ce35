"""SHAP values of generated models against their definition: every subset of slots, and nothing clever."""

from __future__ import annotations

from itertools import combinations
from math import factorial, nan
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from modelloop.flat import load
from modelloop.flat.blend import Blend
from modelloop.flat.shapley import tree_values
from modelloop.flat.trees import Trees
from tests.support.generated_models import blended, compiled, encoding, fitted, vectors

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    Known = frozenset[int]

FAMILIES = st.sampled_from(
    [
        ("hist_gradient_boosting", "regression", {"max_iter": 3, "max_leaf_nodes": 9, "min_samples_leaf": 3}),
        ("hist_gradient_boosting", "classification", {"max_iter": 3, "max_leaf_nodes": 12, "min_samples_leaf": 2}),
        ("gradient_boosting", "regression", {"n_estimators": 3, "max_depth": 4}),
        ("gradient_boosting", "classification", {"n_estimators": 2, "max_depth": 3}),
        ("random_forest", "classification", {"n_estimators": 3, "max_leaf_nodes": 20}),
        ("extra_trees", "regression", {"n_estimators": 2, "max_leaf_nodes": None, "min_samples_leaf": 4}),
        ("decision_tree", "classification", {"max_depth": 12}),
    ]
)
TABLES = st.builds(encoding, st.just(3), st.sampled_from([(), (2,), (7, 3), (40,)]))


def by_definition(worth: Mapping[Known, float], players: int) -> list[float]:
    """Shapley values of a game from the worth of every coalition."""
    values = []
    for player in range(players):
        others = [other for other in range(players) if other != player]
        coalitions = [frozenset(some) for size in range(players) for some in combinations(others, size)]
        values.append(
            sum(
                factorial(len(some)) * factorial(players - len(some) - 1) / factorial(players)
                * (worth[some | {player}] - worth[some])
                for some in coalitions
            )
        )  # fmt: skip
    return values


def coalitions_of(players: int) -> list[Known]:
    return [frozenset(some) for size in range(players + 1) for some in combinations(range(players), size)]


def expectation(trees: Trees, vector: Sequence[float], known: Known, output: int) -> float:
    """The score when the other slots are unknown: unknown tests go both ways, by the covers below them."""

    def walk(node: int) -> tuple[int, float, float]:
        """Return the node after a subtree, its cover and its expectation."""
        slot, number = trees.feature[node], trees.number[node]
        if slot < 0:
            value = number if trees.values is None else trees.values[int(number)][output]
            return node + 1, next(covers), value
        middle, left_cover, left = walk(node + 1)
        end, right_cover, right = walk(middle)
        if slot in known:
            return end, left_cover + right_cover, left if goes_left(node, vector[slot]) else right
        cover = left_cover + right_cover
        return end, cover, (left * left_cover + right * right_cover) / cover

    def goes_left(node: int, value: float) -> bool:
        if node in trees.tests:
            return (trees.codes[trees.feature[node]] if value != value else int(value)) in trees.tests[node]  # noqa: PLR0124
        return node in trees.missing_left if value != value else value <= trees.number[node]  # noqa: PLR0124

    covers, node, total = iter(trees.cover), 0, trees.base[output]
    for tree in range(len(trees.sizes)):
        node, _, mean = walk(node)
        if trees.values is not None or tree * len(trees.base) // len(trees.sizes) == output:
            total += mean
    return total / trees.divisor


def reference(trees: Trees, vector: Sequence[float], output: int) -> tuple[float, list[float]]:
    prepared = trees.prepare(vector)
    worth = {known: expectation(trees, prepared, known, output) for known in coalitions_of(len(prepared))}
    values = by_definition(worth, len(prepared))
    for flag, slot in enumerate(trees.flags):
        values[slot] += values[trees.slots + flag]
    return worth[frozenset()], values[: trees.slots]


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    family=FAMILIES,
    enc=TABLES,
    classes=st.sampled_from([2, 3]),
    missing=st.sampled_from([0.0, 0.2]),
    seed=st.integers(0, 2**31),
)
def test_values_of_trees_are_those_of_the_definition(
    family: tuple[str, str, dict[str, Any]], enc: Any, classes: int, missing: float, seed: int
) -> None:
    name, task, params = family
    _, model = fitted(name, task, params, classes=classes, enc=enc, missing=missing, seed=seed, rows=120)
    _, flat = compiled(model, enc)
    rows = vectors(enc, 2, seed + 1, 0.2, 2.0).astype(float).tolist()
    label = None if task == "regression" else seed % flat.classes
    for vector, why in zip(rows, flat.explain_shapley(rows, label), strict=True):
        several = flat._form.scores > 1
        base, values = reference(flat._form, vector, label if several and label else 0)  # type: ignore[arg-type]
        if label == 0 and not several:
            base, values = -base, [-value for value in values]
        room = 1e-9 * (1.0 + abs(base) + sum(map(abs, values)))
        assert [why.base, *why.slots] == pytest.approx([base, *values], abs=room)
        assert why.base + sum(why.slots) == pytest.approx(why.value, abs=room)


def worth_of_blend(blend: Blend, vector: Sequence[float], known: Known, output: int) -> float:
    total = 0.0
    for weight, member in zip(blend.weights, blend.members, strict=True):
        if isinstance(member, Trees):
            total += weight * expectation(member, vector, known, output)
            continue
        start, slots = member.contributions(vector, output)
        assert member.centres is not None
        mean = member.centres[output]
        total += weight * (start + sum(slots[slot] if slot in known else mean[slot] for slot in range(len(vector))))
    return total


@pytest.mark.parametrize(("task", "classes"), [("regression", 2), ("classification", 3)])
def test_values_of_a_blend_are_those_of_the_definition_around_one_base(task: str, classes: int) -> None:
    members: list[tuple[str, dict[str, Any]]] = [
        ("linear", {}), ("hist_gradient_boosting", {"max_iter": 4, "max_leaf_nodes": 9, "min_samples_leaf": 3})
    ]  # fmt: skip
    enc, model = blended(members, task, [0.3, 0.7], classes=classes, enc=encoding(3, (5,)), missing=0.2, rows=150)
    _, flat = compiled(model, enc)
    blend = flat._form
    assert isinstance(blend, Blend)
    assert flat.shapley_method == "interventional+tree_path_dependent"
    output = 0 if task == "regression" else 2
    rows = vectors(enc, 3, 1, 0.2).astype(float).tolist()
    for vector, why in zip(rows, flat.explain_shapley(rows, None if task == "regression" else output), strict=True):
        worth = {known: worth_of_blend(blend, vector, known, output) for known in coalitions_of(len(vector))}
        values = by_definition(worth, len(vector))
        assert [why.base, *why.slots] == pytest.approx([worth[frozenset()], *values], rel=1e-9, abs=1e-9)
        assert why.base + sum(why.slots) == pytest.approx(why.value)


@pytest.mark.parametrize(
    ("task", "params", "classes"),
    [("regression", {"kind": "poisson"}, 2), ("classification", {}, 2), ("classification", {}, 4)],
)
def test_values_of_linear_models_are_taken_around_the_training_part(
    task: str, params: dict[str, Any], classes: int
) -> None:
    enc, model = fitted("linear", task, params, classes=classes, missing=0.3)
    _, flat = compiled(model, enc)
    training = vectors(enc, 300, 0, 0.3).astype(float).tolist()
    label = None if task == "regression" else classes - 1
    output = label if label and flat._form.scores > 1 else 0
    background = np.array([flat._form.contributions(vector, output)[1] for vector in training])
    for vector, why in zip(training[:20], flat.explain_shapley(training[:20], label), strict=True):
        expected = np.array(flat._form.contributions(vector, output)[1]) - background.mean(axis=0)
        assert why.slots == pytest.approx(expected.tolist(), abs=1e-9)
        assert why.base == pytest.approx(np.mean([flat.raw(row)[output] for row in training]))
        assert why.base + sum(why.slots) == pytest.approx(why.value)


def test_deep_trees_stay_additive() -> None:
    enc, model = fitted(
        "random_forest", "regression", {"n_estimators": 3, "max_leaf_nodes": None, "min_samples_leaf": 1},
        enc=encoding(30, ()), rows=1_500,
    )  # fmt: skip
    _, flat = compiled(model, enc)
    rows = vectors(enc, 30, 5, 0.1).astype(float).tolist()
    for why in flat.explain_shapley(rows):
        assert why.base + sum(why.slots) == pytest.approx(why.value, rel=1e-11)


def test_rows_are_explained_for_the_class_that_each_is_answered_with() -> None:
    enc, model = fitted("hist_gradient_boosting", "classification", {"max_iter": 4}, classes=3)
    _, flat = compiled(model, enc)
    rows = vectors(enc, 40, 3, 0.1).astype(float).tolist()
    every = [flat.explain_shapley(rows, label) for label in range(3)]
    labels = flat.predict(rows).predict
    assert set(labels) == {0, 1, 2}
    assert flat.explain_shapley(rows) == [every[int(label)][row] for row, label in enumerate(labels)]


def test_rows_in_parts_and_trees_in_parts_have_the_same_values(monkeypatch: pytest.MonkeyPatch) -> None:
    enc, model = fitted("hist_gradient_boosting", "regression", {"max_iter": 9})
    document, flat = compiled(model, enc)
    rows = vectors(enc, 30, 5, 0.1).astype(float).tolist()
    whole = [why.slots for why in flat.explain_shapley(rows)]
    monkeypatch.setattr(tree_values, "_PAIRS", 1)
    monkeypatch.setattr(tree_values, "MAX_KEPT_LEAVES", 1)
    monkeypatch.setattr("modelloop.flat.shapley.leaf_paths.MAX_LEAVES", 1)
    parts = [why.slots for why in load(document).explain_shapley(rows)]
    assert np.allclose(parts, whole, rtol=0.0, atol=1e-12)


def test_a_tree_of_one_leaf_belongs_to_the_base() -> None:
    document: dict[str, Any] = {
        "format_version": 1, "form": "trees", "task": "regression", "classes": 0, "slots": 1, "link": "identity",
        "inclusive": False, "by_eights": False, "base": [1.0], "divisor": 1.0, "values": None, "fill": None,
        "flags": [], "codes": {}, "feature": [-1, 0, -1, -1], "number": [5.0, 0.0, 2.0, 4.0], "sizes": [1, 2],
        "cover": [4.0, 3.0, 1.0], "missing_left": [1], "tests": [],
    }  # fmt: skip
    low, high, missing = load(document).explain_shapley([[-1.0], [1.0], [nan]])
    assert (low.base, low.slots, low.value) == (8.5, [-0.5], 8.0)
    assert (high.base, high.slots) == (8.5, [1.5])
    assert missing.slots == low.slots
