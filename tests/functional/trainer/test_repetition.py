"""Versions made of copied rows: judged by one vote a content, and never released without a person."""

from __future__ import annotations

import csv
import io
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
import pytest

from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, OCCURRENCE
from tests.support.repeated_tables import five_contents, fourteen_contents, rare_class_copied
from tests.support.trainer_lab import Data, decision, outcomes, sample

if TYPE_CHECKING:
    from tests.support.trainer_lab import Lab


def copied(data: Data, times: int) -> Data:
    """Return every row so many times, in another order."""
    order = np.random.default_rng(0).permutation(np.repeat(np.arange(len(data.target)), times))
    made = {"matrix": data.matrix[order], "target": data.target[order], "contents": order.astype(np.int32)}
    return replace(data, **made, copies=True)


def encoded(text: str) -> Data:
    """Return a table with the codes of its contents; texts become numbers."""
    head, *rows = csv.reader(io.StringIO(text))
    columns = [
        np.unique(cells, return_inverse=True)[1] if cells[0].isalpha() else cells for cells in zip(*rows, strict=True)
    ]
    cells = np.array(columns, np.float64).T
    contents = np.unique(cells[:, :-1], axis=0, return_inverse=True)[1].astype(np.int32)
    encoding = Encoding([Column(name, "number") for name in head[:-1]])
    return Data(cells[:, :-1].astype(np.float32), cells[:, -1].astype(np.int32), encoding=encoding, contents=contents)


def test_copies_wait_for_approval_and_are_counted_once(lab: Lab) -> None:
    data = copied(sample(600, 31), 5)
    run = lab.train(data)
    assert decision(run) == "approve", run.reason
    assert outcomes(run)["copies"] == "approval"
    assert "3,000 rows, 600 different: rows were copied" in str(run.reason)
    assert run.gate is not None
    assert data.contents is not None
    held = np.unique(data.contents[data.membership() == HOLDOUT])
    assert run.gate.comparisons[0].rows == len(held)
    manifest = lab.manifest(run)
    assert (manifest["split"]["different"], manifest["split"]["copies"]) == (600, True)
    assert sum(map(sum, manifest["confusion"]["counts"])) == len(held)


def test_a_successor_of_copies_that_a_person_let_serve_does_not_ask_again(lab: Lab) -> None:
    first = lab.train(copied(sample(1500, 32), 4))
    lab.promote(first)
    run = lab.train(copied(sample(1600, 32), 4))
    assert "copies" not in outcomes(run)
    anchor = next(found for found in run.gate.comparisons if found.name == "champion_on_anchor")  # type: ignore[union-attr]
    assert anchor.rows < 400


def test_a_rare_class_that_was_copied_shows_no_false_quality(lab: Lab) -> None:
    run = lab.train(replace(encoded(rare_class_copied()), copies=True))
    assert decision(run) != "release"
    assert run.metrics is not None
    assert float(run.metrics.holdout["log_loss"]["value"] or 0) > 0.1


@pytest.mark.parametrize("text", [fourteen_contents(), five_contents(4000)])
def test_coarse_tables_train_as_before(lab: Lab, text: str) -> None:
    data = replace(encoded(text), kind=OCCURRENCE)
    sides = np.random.default_rng(33).choice(3, len(data.target), p=[0.64, 0.16, 0.2]).astype(np.uint8)
    run = lab.train(replace(data, sides=sides))
    assert decision(run) == "release", run.reason
    assert "copies" not in outcomes(run)
    assert run.gate is not None
    assert run.gate.comparisons[0].rows == (sides == HOLDOUT).sum()
    split = lab.manifest(run)["split"]
    assert data.contents is not None
    assert (split["different"], split["copies"]) == (data.contents.max() + 1, False)
