"""Text that is encoded by the target through the whole trainer: served, watched by category, and asked of no caller."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.prepared_table import ColumnProfile
from tests.support.prepared_tables import prepared_table, table_facts
from tests.support.trainer_lab import Data
from trainer.comparison.schema_compatibility import without_new_values
from trainer.rows import Part

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab

ROWS, VALUES = 4_000, 300
NUMBERS = [Column("a", "number"), Column("b", "number")]
TOWNS = tuple(f"town {place}" for place in range(VALUES))
NARROW, WIDE = Encoding(NUMBERS), Encoding([*NUMBERS, Column("town", "text", TOWNS, by_target=True)])


def data(encoding: Encoding, rows: int = ROWS) -> Data:
    generator = np.random.default_rng(1)
    matrix = np.column_stack([generator.normal(size=(rows, 2)), generator.integers(0, VALUES + 1, rows)])
    effects = np.append(np.random.default_rng(2).normal(size=VALUES), 0.0)
    target = matrix[:, 0] + 2.0 * effects[matrix[:, 2].astype(int)] + generator.normal(size=rows)
    matrix = matrix.astype(np.float32)[:, : len(encoding.slots)]
    spec = Spec(estimators=("hist_gradient_boosting",), params={"hist_gradient_boosting": {"max_iter": 40}})
    return Data(matrix, target, "regression", None, encoding, spec)


def test_a_version_serves_what_it_learned_of_values_and_is_watched_by_category(lab: Lab) -> None:
    plain = lab.train(data(NARROW))
    run = lab.train(data(WIDE))
    assert run.state == "SUCCEEDED", run.reason
    manifest, bundle = lab.manifest(run), lab.bundle(run)
    assert manifest["replay"]["ok"]
    town = manifest["encoding"]["columns"][2]
    assert (town["by_target"], town["required"]) == (True, False), "callers need not send what is used newly"
    assert len(bundle["flat"]["means"]["2"]) == VALUES + 1
    before = lab.manifest(plain)["metrics"]["holdout"]["rmse"]["value"]
    assert manifest["metrics"]["holdout"]["rmse"]["value"] < 0.8 * before
    watched = next(column for column in manifest["baseline"]["columns"] if column["name"] == "town")
    assert watched["categories"] == list(TOWNS[:254])
    assert watched["unseen"] > 0, "the other values are counted together"
    assert manifest["importance"][0]["column"] == "town"
    lab.promote(run)
    again = lab.train(data(WIDE, ROWS + 1_000))
    assert again.gate is not None
    (anchored,) = (found for found in again.gate.comparisons if found.name == "champion_on_anchor")
    assert anchored.candidate == pytest.approx(anchored.reference, rel=0.1), "stored rows are read by category"


def test_a_champion_that_learned_without_a_text_has_successors_without_it() -> None:
    """Its stored rows do not hold the text: a version that learned from it would look far worse on them."""
    wide = data(WIDE)
    facts = replace(table_facts(WIDE, wide.spec, task="regression"), profile=[profile("a"), profile("town")])
    table = prepared_table(facts, Part(wide.matrix, wide.target), np.zeros(ROWS, np.uint8))
    kept = without_new_values(table, NARROW, ["a", "b", "town", "y"])
    assert [column.name for column in kept.encoding.columns] == ["a", "b"]
    assert kept.facts.encoding.to_json() == kept.encoding.to_json()
    np.testing.assert_array_equal(kept.rows.matrix, wide.matrix[:, :2])
    assert [(column.role, column.reason is None) for column in kept.facts.profile] == [
        ("feature", True), ("dropped", False),
    ]  # fmt: skip
    for encoding, known in ((None, []), (WIDE, ["a", "b", "town"]), (NARROW, ["a", "b", "y"])):
        assert without_new_values(table, encoding, known) is table, "what is new in the table is learned from"


def profile(name: str) -> ColumnProfile:
    return ColumnProfile(
        name, "text", "feature", None, 0, 300, None, None, None, None, None, [], constant=False,
        identifier_like=False, masked=False,
    )  # fmt: skip
