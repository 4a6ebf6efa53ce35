"""A short model.yaml stays a small one: nothing in it is repeated, endless or beyond what is stored."""

from __future__ import annotations

import pytest

from modelloop.errors import SpecError
from modelloop.spec import fields
from modelloop.spec.model import parse_spec
from modelloop.spec.plain_yaml import MAX_NODES


def bomb(levels: int) -> str:
    """Return parameters whose aliases multiply by ten with each level."""
    lines = ["params:", "  linear:", "    a0: &a0 {x: 1}"]
    lines += [f"    a{n}: &a{n} {{{', '.join(f'k{k}: *a{n - 1}' for k in range(10))}}}" for n in range(1, levels)]
    return "\n".join(lines) + "\n"


BOOSTED = "sklearn.ensemble.HistGradientBoostingRegressor"


@pytest.mark.parametrize(("text", "line", "says"), [
    (bomb(12), 3, "aliases (*name) or anchors (&name)"),
    ("target: &t y\n", 1, "aliases (*name) or anchors (&name)"),
    ("target: y\nignore: [*t]\n", 2, "aliases (*name) or anchors (&name)"),
    ("params:\n  linear:\n    <<: {C: 1}\n", 3, "merge keys (<<)"),
    ("<<: {target: y}\n", 1, "merge keys (<<)"),
    (f"features: [{'a,' * MAX_NODES}]\n", 1, "more than 20,000 values"),
    ("features: " + "[" * 30 + "]" * 30 + "\n", 1, "nested too deeply"),
    (f"missing: [{', '.join(f't{number}' for number in range(fields.MAX_TOKENS + 1))}]\n", 1, "at most 100 texts"),
    ("params: {linear: {C: .inf}}\n", 1, "not of infinity or NaN"),
    ("params: {linear: {C: -.inf}}\n", 1, "not of infinity or NaN"),
    ("params:\n  linear: {C: .nan}\n", 2, "not of infinity or NaN"),
    ("params: {linear: {C: 1.0e+999}}\n", 1, "not of infinity or NaN"),
    (f"params: {{linear: {{max_iter: 0x{'f' * 5000}}}}}\n", 1, "at most 64 bits"),
    ("params: {linear: {max_iter: 9223372036854775808}}\n", 1, "at most 64 bits"),
    (
        "estimators: [random_forest]\nparams: {random_forest: {n_estimators: 10001}}\n",
        2,
        "`params` must be sizes that a fit can end with: n_estimators of random_forest is at most 10,000",
    ),
    ("params: {hist_gradient_boosting: {max_iter: 10001}}\n", 1, "of hist_gradient_boosting is at most 10,000"),
    ("params: {linear: {max_iter: 1000001}}\n", 1, "max_iter of linear is at most 1,000,000"),
    (
        f"estimators: [{BOOSTED}]\nparams: {{{BOOSTED}: {{max_iter: 1.0e+9}}}}\n",
        2,
        f"max_iter of {BOOSTED} is at most 10,000",
    ),
    ("classes: [1, .inf]\n", 1, "`classes`"),
])  # fmt: skip
def test_what_has_no_bound_is_refused_with_its_line(text: str, line: int, says: str) -> None:
    with pytest.raises(SpecError) as caught:
        parse_spec(text)
    assert says in caught.value.message
    assert caught.value.row == line


def test_the_largest_numbers_and_lists_are_read() -> None:
    spec = parse_spec(f"params: {{linear: {{a: {2**63 - 1}, b: {-(2**63)}, c: 1.0e+300}}}}\n")
    assert spec.params["linear"]["a"] == 2**63 - 1
    tokens = [f"t{number}" for number in range(fields.MAX_TOKENS)]
    assert len(parse_spec(f"missing: [{', '.join(tokens)}]\n").missing) >= fields.MAX_TOKENS
    names = [f"c{number}" for number in range(5_000)]
    assert len(parse_spec(f"features: [{', '.join(names)}]\n").features) == 5_000


def test_a_text_with_the_signs_of_aliases_is_text() -> None:
    assert parse_spec('target: "*y"\nignore: ["&a", "<<"]\n').ignore == ("&a", "<<")
