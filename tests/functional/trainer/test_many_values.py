"""Text that is encoded by the target through the whole trainer: served, watched by category, and asked of no caller."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.trainer_lab import Data

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


def test_a_version_serves_what_it_learned_of_values_and_the_next_asks_no_caller_for_them(lab: Lab) -> None:
    first = lab.train(data(NARROW))
    assert first.state == "SUCCEEDED", first.reason
    lab.promote(first)
    run = lab.train(data(WIDE, ROWS + 500))
    assert run.state == "SUCCEEDED", run.reason
    assert run.gate is not None
    assert not any("town" in reason for reason in run.gate.reasons), "callers need not send it"
    manifest, bundle = lab.manifest(run), lab.bundle(run)
    assert manifest["replay"]["ok"]
    town = manifest["encoding"]["columns"][2]
    assert (town["by_target"], town["required"]) == (True, False)
    assert len(bundle["flat"]["means"]["2"]) == VALUES + 1
    before = lab.manifest(first)["metrics"]["holdout"]["rmse"]["value"]
    assert manifest["metrics"]["holdout"]["rmse"]["value"] < 0.8 * before
    watched = next(column for column in manifest["baseline"]["columns"] if column["name"] == "town")
    assert watched["categories"] == list(TOWNS[:254])
    assert watched["unseen"] > 0, "the other values are counted together"
    assert manifest["importance"][0]["column"] == "town"
    lab.promote(run)
    again = lab.train(data(WIDE, ROWS + 1_000))
    assert again.gate is not None
    (anchored,) = (found for found in again.gate.comparisons if found.name == "champion_on_anchor")
    assert anchored.candidate == pytest.approx(anchored.reference, rel=0.1), (
        "the champion's stored rows are read by category"
    )
