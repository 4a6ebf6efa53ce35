from __future__ import annotations

from typing import Any

import pytest

from modelloop.errors import DatasetRejectedError, SpecError
from modelloop.spec.model import Spec, parse_spec
from training_trigger import profile, target
from training_trigger.profile import Facts


def facts(name: str = "x", **changes: Any) -> Facts:
    base: dict[str, Any] = {"rows": 100, "present": 100, "distinct": 40}
    return Facts(**{"name": name} | base | changes)


def number(name: str = "x", **changes: Any) -> Facts:
    return facts(name, **{"numbers": 100, "minimum": 0.0, "maximum": 9.5, "mean": 4.0} | changes)


@pytest.mark.parametrize(
    ("counts", "kind"),
    [
        ({"numbers": 100}, "number"),
        ({"booleans": 100}, "boolean"),
        ({"dates": 100}, "date"),
        ({"numbers": 99}, "text"),
        ({"present": 10, "numbers": 10}, "number"),
        ({"present": 0}, "text"),
        ({}, "text"),
    ],
)
def test_a_column_is_the_kind_that_all_its_present_cells_are(counts: dict[str, Any], kind: str) -> None:
    assert facts(**counts).kind == kind


@pytest.mark.parametrize(
    ("column", "reason"),
    [
        (number(), None),
        (facts(distinct=3), None),
        (facts(name=""), "it has no name"),
        (facts(nested=True), "it holds lists"),
        (facts(present=0, distinct=0), "it has no values"),
        (facts(distinct=1), "every row has the same value"),
        (facts(distinct=1, present=50), None),
        (facts(distinct=96), "nearly every value is different"),
        (number(distinct=100), None),
        (facts(rows=10, present=10, distinct=10), None),
    ],
)
def test_reasons_to_drop(column: Facts, reason: str | None) -> None:
    found = profile.drop_reason(column)
    assert found is None if reason is None else reason in str(found)


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (number("customer_id", whole=100, distinct=100, maximum=1e6), "row number or identifier"),
        (number("pos", whole=100, distinct=100, minimum=1, maximum=100), "row number or identifier"),
        (number(whole=100, maximum=2**24 + 2.0), "32-bit floats round"),
        (facts(foreign=90, number_format=1, odd=(("1,5", 90),)), "decimal commas such as '1,5': write 1.5"),
        (facts(numbers=95, odd=(("?", 5),)), "5 of 100 values are not a number: '?' (5)"),
        (number(present=10, numbers=10), "missing in 90%"),
    ],
)
def test_warnings_say_what_to_do(column: Facts, says: str) -> None:
    assert any(says in warning for warning in profile.warnings(column))


def test_an_ordinary_column_has_no_warning() -> None:
    assert profile.warnings(number(whole=100)) == []
    assert profile.warnings(facts(distinct=3)) == []


@pytest.mark.parametrize(
    ("column", "task", "reason"),
    [
        (facts(distinct=3), "classification", "is text"),
        (facts(booleans=100, distinct=2), "classification", "is true and false"),
        (number(whole=100, distinct=20), "classification", "has only 20 different whole numbers"),
        (number(whole=100, distinct=21), "regression", "has 21 different whole numbers"),
        (number(whole=99, distinct=5), "regression", "has numbers with decimals"),
    ],
)
def test_the_task_follows_from_the_target(column: Facts, task: str, reason: str) -> None:
    assert target.infer_task(column, Spec()) == (
        task,
        f"{task}, because x {reason} (the last column; name another as `target` in model.yaml)",
    )


@pytest.mark.parametrize(
    ("column", "says"),
    [
        (facts(present=0), "has no values"),
        (facts(distinct=1, first="a"), "the same value in every row"),
        (facts(dates=100), "holds dates"),
        (facts(distinct=99), "looks like an identifier or free text"),
        (facts(distinct=60, words=7.0), "looks like free text"),
        (number("row_id", whole=100, distinct=100, maximum=5000.0), "looks like a row number or identifier"),
        (number("n", whole=100, distinct=100, minimum=1, maximum=100), "looks like a row number or identifier"),
    ],
)
def test_targets_that_cannot_be_predicted_are_refused_with_the_guess_named(column: Facts, says: str) -> None:
    with pytest.raises(DatasetRejectedError, match=says) as caught:
        target.infer_task(column, Spec())
    assert "name another as `target`" in caught.value.message


def test_the_spec_decides_the_task_where_it_can() -> None:
    asked = parse_spec("target: x\ntask: classification\n")
    assert target.infer_task(number(distinct=30), asked)[0] == "classification"
    with pytest.raises(SpecError, match="line 2: regression needs numbers"):
        target.infer_task(facts(distinct=3), parse_spec("target: x\ntask: regression\n"))


def test_the_last_column_is_the_target_unless_ignored_or_named() -> None:
    assert target.choose_target(("a", "b"), Spec()) == "b"
    assert target.choose_target(("a", "b", ""), Spec()) == "b"
    assert target.choose_target(("a", "b"), Spec(ignore=("b",))) == "a"
    assert target.choose_target(("a", "b"), Spec(target="a")) == "a"
    with pytest.raises(SpecError, match="names column 'z', which is not in the table; its columns: 'a', 'b'"):
        target.choose_target(("a", "b"), Spec(target="z"))


def test_numbers_beyond_a_32_bit_float_are_refused() -> None:
    profile.check_range(number(maximum=3.4028234e38))
    with pytest.raises(DatasetRejectedError, match=r"beyond the range of a 32-bit float"):
        profile.check_range(number(minimum=-1e39))


def test_rare_values_and_masked_columns_are_not_shown() -> None:
    column = facts(distinct=3, top=(("a", 90), ("b", 10), ("secret", 9)))
    assert profile.describe(column, "feature", None, masked=False).top == [["a", 90], ["b", 10]]
    hidden = profile.describe(number(top=(("1", 50),)), "feature", None, masked=True)
    assert (hidden.min, hidden.max, hidden.mean, hidden.top) == (None, None, None, [])
