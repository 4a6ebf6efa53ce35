from __future__ import annotations

from typing import Any

import numpy as np

from modelloop.contracts.manifest_parts import Predecessor
from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.rows import Part
from trainer.search import candidates
from trainer.search.candidates import Candidate
from trainer.search.predecessor import FittedVersion
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number")])


def predecessor(family: str = "linear", task: str = "classification", **settings: Any) -> FittedVersion:
    return FittedVersion(Predecessor(3, "r"), task, ((family, settings),))


def table(task: str = "classification", **spec: Any) -> PreparedTable:
    part = Part(np.zeros((0, 1), np.float32), np.zeros(0))
    return prepared_table(table_facts(ENCODING, Spec(**spec), task=task), part, np.zeros(0, np.uint8))


def test_what_the_spec_fixes_stands_and_the_rest_is_the_predecessors() -> None:
    fixed = table(params={"linear": {"C": 2.0}})
    (found,) = predecessor(C=0.1, max_iter=50).candidates(fixed)
    assert found == Candidate("linear", {"C": 2.0, "max_iter": 50})
    assert found.origin == "predecessor"


def test_settings_that_cannot_be_followed_any_more_are_left_out() -> None:
    assert predecessor("decision_tree").candidates(table()) == []
    assert predecessor("decision_tree").candidates(table(estimators=("decision_tree",)))
    assert predecessor(task="regression").candidates(table()) == []
    assert predecessor(colour=1).candidates(table()) == []


def test_settings_for_another_loss_than_the_spec_asks_for_are_left_out() -> None:
    rows = table("regression")
    settings: dict[str, Any] = {"loss": "quantile", "quantile": 0.9, "max_iter": 50}
    known = predecessor("hist_gradient_boosting", "regression", **settings)
    assert known.candidates(rows) == []
    asked = table("regression", params={"hist_gradient_boosting": {"loss": "quantile", "quantile": 0.9}})
    assert known.candidates(asked) == [Candidate("hist_gradient_boosting", settings)]


def test_a_predecessor_like_the_spec_is_tried_once_and_first() -> None:
    known = predecessor("hist_gradient_boosting", max_iter=200).candidates(table())
    found = candidates.candidates(table(), known)
    assert [(one.family, one.origin) for one in found] == [
        ("hist_gradient_boosting", "predecessor"),
        ("linear", "spec"),
    ]


def test_every_member_of_a_blend_is_tried_once_where_the_spec_allows_it() -> None:
    parts: tuple[tuple[str, dict[str, Any]], ...] = (
        ("linear", {"C": 0.1}), ("decision_tree", {}), ("hist_gradient_boosting", {}), ("linear", {"C": 0.1}),
    )  # fmt: skip
    blend = FittedVersion(Predecessor(3, "r"), "classification", parts)
    found = candidates.candidates(table(), blend.candidates(table()))
    assert [(one.origin, one.family, one.params) for one in found] == [
        ("predecessor", "linear", {"C": 0.1}), ("predecessor", "hist_gradient_boosting", {}), ("spec", "linear", {})
    ]  # fmt: skip
