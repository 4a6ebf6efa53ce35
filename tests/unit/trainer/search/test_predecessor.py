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
    return FittedVersion(Predecessor(3, "r"), task, family, settings)


def table(task: str = "classification", **spec: Any) -> PreparedTable:
    part = Part(np.zeros((0, 1), np.float32), np.zeros(0))
    return prepared_table(table_facts(ENCODING, Spec(**spec), task=task), part, np.zeros(0, np.uint8))


def test_what_the_spec_fixes_stands_and_the_rest_is_the_predecessors() -> None:
    fixed = table(params={"linear": {"C": 2.0}})
    found = predecessor(C=0.1, max_iter=50).candidate(fixed)
    assert found == Candidate("linear", {"C": 2.0, "max_iter": 50})
    assert found.origin == "predecessor"


def test_settings_that_cannot_be_followed_any_more_are_left_out() -> None:
    assert predecessor("decision_tree").candidate(table()) is None
    assert predecessor("decision_tree").candidate(table(estimators=("decision_tree",))) is not None
    assert predecessor(task="regression").candidate(table()) is None
    assert predecessor(colour=1).candidate(table()) is None


def test_settings_for_another_loss_than_the_spec_asks_for_are_left_out() -> None:
    rows = table("regression")
    settings: dict[str, Any] = {"loss": "quantile", "quantile": 0.9, "max_iter": 50}
    known = predecessor("hist_gradient_boosting", "regression", **settings)
    assert known.candidate(rows) is None
    asked = table("regression", params={"hist_gradient_boosting": {"loss": "quantile", "quantile": 0.9}})
    assert known.candidate(asked) == Candidate("hist_gradient_boosting", settings)


def test_a_predecessor_like_the_spec_is_tried_once_and_first() -> None:
    known = predecessor("hist_gradient_boosting", max_iter=200).candidate(table())
    found = candidates.candidates(table(), known)
    assert [(one.family, one.origin) for one in found] == [
        ("hist_gradient_boosting", "predecessor"),
        ("linear", "spec"),
    ]
