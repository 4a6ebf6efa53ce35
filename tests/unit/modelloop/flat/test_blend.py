"""Blends small enough to work out by hand, and what one row of them costs."""

from __future__ import annotations

import subprocess
import sys
from functools import partial
from math import nan
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from modelloop.errors import ArtifactRefusedError
from modelloop.flat import load
from modelloop.flat.blend import Blend
from tests.support.generated_models import blended, compiled, fitted, vectors

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

FUNCTIONS = Path(__file__).parents[4] / "functions"
LINEAR: dict[str, Any] = {
    "form": "linear", "intercept": [10.0], "numbers": [0], "weights": [[2.0]], "missing": [[0.5]],
    "categories": [1], "tables": [[[100.0, 200.0]]],
}  # fmt: skip
STUMP: dict[str, Any] = {
    "form": "trees", "base": [1000.0], "divisor": 1.0, "values": None, "fill": None, "flags": [], "codes": {},
    "feature": [0, -1, -1], "number": [1.5, 1.0, 3.0], "sizes": [2], "cover": [1.0, 1.0], "missing_left": [],
    "tests": [],
}  # fmt: skip
BLEND: dict[str, Any] = {
    "format_version": 1, "form": "blend", "task": "regression", "classes": 0, "slots": 2, "link": "identity",
    "inclusive": True, "by_eights": False, "weights": [0.75, 0.25], "members": [LINEAR, STUMP],
}  # fmt: skip
BINARY = BLEND | {"task": "classification", "classes": 2, "link": "logit", "weights": [1.0, 0.5]}


@pytest.mark.parametrize(("vector", "score"), [
    ([1.0, 0.0], 0.75 * (10 + 2 + 100) + 0.25 * 1001),
    ([2.0, nan], 0.75 * (10 + 4 + 200) + 0.25 * 1003),
    ([nan, 1.0], 0.75 * (10 + 0.5 + 200) + 0.25 * 1003),
])  # fmt: skip
def test_scores_and_contributions_are_weighted_sums(vector: list[float], score: float) -> None:
    model = load(BLEND)
    assert model.predict([vector]).predict == [score]
    why = model.explain(vector)
    assert why.base == 0.75 * 10 + 0.25 * 1002
    assert why.base + sum(why.slots) == why.value == score


@pytest.mark.parametrize(("intercept", "label"), [(-602.5, 1), (-602.5000001, 0), (-602.0, 1)])
def test_of_two_classes_the_second_is_answered_from_one_half_on(intercept: float, label: int) -> None:
    model = load(BINARY | {"members": [LINEAR | {"intercept": [intercept]}, STUMP]})
    outputs = model.predict([[1.0, 0.0]])
    assert outputs.predict == [label]
    assert outputs.proba is not None
    assert (outputs.proba[0][1] >= 0.5) == bool(label)


def test_a_threshold_stands_before_the_even_one() -> None:
    model = load(BINARY | {"members": [LINEAR | {"intercept": [-602.0]}, STUMP]})
    assert model.predict([[1.0, 0.0]], threshold=0.9).predict == [0]


def test_of_more_classes_the_most_probable_is_answered() -> None:
    shares = STUMP | {"base": [0.0] * 3, "values": [[0.2, 0.5, 0.3], [0.6, 0.3, 0.1]], "number": [1.5, 0, 1]}
    document = BLEND | {"task": "classification", "classes": 3, "link": "mean", "members": [shares, shares]}
    outputs = load(document).predict([[1.0, 0.0], [2.0, 0.0]])
    assert outputs.predict == [1, 0]
    assert outputs.proba is not None
    assert outputs.proba[0] == pytest.approx([0.2, 0.5, 0.3])
    assert outputs.proba[1] == pytest.approx([0.6, 0.3, 0.1])


@pytest.mark.parametrize("change", [
    {"members": []}, {"weights": [1.0]}, {"members": [LINEAR, BLEND]},
    {"members": [LINEAR, STUMP | {"base": [0.0, 0.0]}]}, {"link": "mean", "task": "classification", "classes": 2},
])  # fmt: skip
def test_malformed_blends_are_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ArtifactRefusedError):
        load(BLEND | change)


def test_a_linear_member_carries_its_rounding_with_its_weight() -> None:
    vector = [1.0, 0.0]
    rooms = {weight: load(BLEND | {"weights": [weight, 1e-9]}).rounding(vector)[0] for weight in (0.25, 0.75)}
    assert rooms[0.75] == pytest.approx(3 * rooms[0.25], rel=0.01)
    assert rooms[0.75] > 0.75 * 1e-12 * 112
    assert load(BLEND | {"members": [STUMP, STUMP]}).rounding(vector) == [0.0]


def test_a_model_that_is_no_blend_does_not_load_their_module() -> None:
    program = (
        "import sys; from modelloop.flat import load\n"
        f"load({BLEND | {'form': 'linear', **LINEAR}!r}).predict([[1.0, 0.0]] * 20)\n"
        "print('modelloop.flat.blend' in sys.modules)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", program], capture_output=True, text=True, check=True, cwd=FUNCTIONS
    )
    assert ran.stdout.strip() == "False"


def test_one_row_costs_at_most_its_members_and_a_tenth() -> None:
    """By the instructions that the interpreter runs, which no load of the machine changes."""
    members: list[tuple[str, dict[str, Any]]] = [("linear", {}), ("hist_gradient_boosting", {"max_iter": 60})]
    enc, blend = blended(members, "classification", [0.4, 0.6])
    flat = compiled(blend, enc)[1]
    alone = [compiled(fitted(name, "classification", params)[1], enc)[1] for name, params in members]
    for vector in vectors(enc, 6, 3).astype(float).tolist():
        parts = sum(instructions(lambda model=model: model.predict([vector])) for model in alone)  # type: ignore[misc]  # noqa: B023
        assert instructions(lambda: flat.predict([vector])) <= 1.1 * parts  # noqa: B023


def test_one_row_asks_every_member_once(monkeypatch: pytest.MonkeyPatch) -> None:
    model = load(BLEND)
    asked: list[int] = []
    form = model._form
    assert isinstance(form, Blend)
    for place, member in enumerate(form.members):
        monkeypatch.setattr(member, "raw", partial(noted, asked, place, member.raw))
    model.predict([[1.0, 0.0]])
    assert asked == [0, 1]


def noted(asked: list[int], place: int, raw: Callable[[list[float]], list[float]], vector: list[float]) -> list[float]:
    asked.append(place)
    return raw(vector)


def instructions(call: Callable[[], object]) -> int:
    """How many bytecode instructions a call runs."""
    count = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal count
        frame.f_trace_opcodes = True
        count += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return count
