from __future__ import annotations

import re
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn.calibration import calibration_curve
from sklearn.metrics import confusion_matrix

from modelloop.contracts.evaluation import Confusion
from modelloop.monitoring.quality import estimate
from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from modelloop.versions.prepared_table import SliceLabels
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation import diagnostics
from trainer.evaluation.calibration import calibration, confidence_table
from trainer.evaluation.slices import slices
from trainer.rows import Part, Predictions
from trainer.table import PreparedTable

if TYPE_CHECKING:
    from numpy.typing import NDArray

NUMBERS = np.random.default_rng(0)
ENCODING = Encoding(
    [
        Column("strong", "number"),
        Column("born", "date", origin="2000-01-01"),
        Column("kind", "text", ("red", "green")),
        Column("noise", "number"),
        Column("member", "boolean"),
    ]
)


class Follows:
    """A model that looks at the first slot and a little at the kind."""

    max_rows = 1 << 20

    def predict(self, part: Part) -> Predictions:
        score = 1 / (1 + np.exp(-2 * part.matrix[:, 0] - 0.5 * (part.matrix[:, 4] == 1)))
        proba = np.column_stack([1 - score, score]).astype(np.float64)
        return Predictions(part.target, (score > 0.5).astype(float), proba)


def table(rows: int = 3000, **spec: Any) -> PreparedTable:
    matrix = np.column_stack([
        NUMBERS.normal(size=rows), NUMBERS.integers(0, 9000, rows), NUMBERS.integers(1, 13, rows),
        NUMBERS.integers(0, 7, rows), NUMBERS.integers(0, 3, rows), NUMBERS.normal(size=rows),
        NUMBERS.integers(0, 2, rows),
    ]).astype(np.float32)  # fmt: skip
    matrix[::50, 0] = np.nan
    outcome = Follows().predict(Part(np.nan_to_num(matrix), np.zeros(rows)))
    assert outcome.proba is not None
    target = (NUMBERS.random(rows) < outcome.proba[:, 1]).astype(np.float64)
    part = Part(np.nan_to_num(matrix), target)
    facts = table_facts(ENCODING, Spec(**spec), slices=[SliceLabels("region", ["north", "south", "rare"])])
    return prepared_table(facts, part, np.full(rows, split.HOLDOUT, np.uint8))


def test_a_calibrated_model_has_a_small_error_and_the_reference_curve() -> None:
    rows = table(6000)
    outcome = Follows().predict(rows.rows)
    document = calibration(outcome)
    assert document is not None
    assert outcome.proba is not None
    assert document.predicted.ece < 0.02
    assert sum(entry.rows for entry in document.predicted.bins) == 6000
    inside = ~np.isclose(outcome.proba[:, 1] * 10 % 1, 0)  # the reference closes its bins at the other end
    document = calibration(outcome.take(np.flatnonzero(inside)))
    assert document is not None
    rate, mean = calibration_curve(outcome.target[inside], outcome.proba[inside, 1], n_bins=10)
    assert document.positive is not None
    assert [entry.rate for entry in document.positive.bins] == pytest.approx(rate.tolist())
    assert [entry.mean for entry in document.positive.bins] == pytest.approx(mean.tolist())


def test_overconfidence_is_seen() -> None:
    proba: NDArray[np.float64] = np.tile([0.05, 0.95], (1000, 1))
    outcome = Predictions((np.arange(1000) % 2).astype(float), np.ones(1000), proba)
    document = calibration(outcome)
    assert document is not None
    assert document.predicted.ece == pytest.approx(0.45)


def test_calibration_carries_what_the_label_free_estimate_reads() -> None:
    outcome = Follows().predict(table(6000).rows)
    document = calibration(outcome)
    assert document is not None
    assert outcome.proba is not None
    known = document.confidence
    assert sum(known["rows"]) == 6000
    assert sum(known["correct"]) == int((outcome.predicted == outcome.target).sum())
    live = confidence_table(outcome.proba, outcome.target)["rows"]
    found = estimate.accuracy(known, live, "ok")
    assert found.value == pytest.approx(float((outcome.predicted == outcome.target).mean()), abs=0.005)


def test_a_threshold_decides_what_was_right() -> None:
    proba: NDArray[np.float64] = np.tile([0.6, 0.4], (1000, 1))
    outcome = Predictions(np.ones(1000), np.ones(1000), proba)
    document = calibration(outcome)
    assert document is not None
    assert sum(document.confidence["correct"]) == 1000


def test_confusion_counts_truth_by_prediction() -> None:
    truth, said = NUMBERS.integers(0, 3, 200), NUMBERS.integers(0, 3, 200)
    outcome = Predictions(truth.astype(float), said.astype(float), np.eye(3)[said])
    document = diagnostics.confusion(outcome, ["a", "b", "c"])
    counts = tuple(map(tuple, confusion_matrix(truth, said).tolist()))
    assert document == Confusion(("a", "b", "c"), counts)


def test_importance_finds_what_the_model_looks_at() -> None:
    found = diagnostics.importance(table(), Follows(), "log_loss")
    assert [entry.column for entry in found[:2]] == ["strong", "kind"]
    assert {entry.column: entry.mean for entry in found}["noise"] == 0.0
    assert found[0].mean > 0.3


def test_slices_cover_every_protected_row_once() -> None:
    rows = table(protected=("kind", "born", "member"))
    found = slices(rows, Follows().predict(rows.rows), "log_loss")
    assert [entry.column for entry in found] == ["kind", "born", "member"]
    for entry in found:
        assert sum(part.rows for part in entry.values) == 3000
    assert [part.value for part in found[0].values] == ["red", "green", "rare"]
    assert len(found[1].values) == 4
    assert re.fullmatch(r"up to 20\d\d-\d\d-\d\d", found[1].values[0].value)
    assert all(part.metrics["accuracy"]["low"] is not None for part in found[2].values)


def test_masked_and_unknown_columns_are_not_sliced_and_say_why() -> None:
    rows = table(protected=("kind", "other"), mask=("kind",))
    found = slices(rows, Follows().predict(rows.rows), "log_loss")
    assert [(entry.reason, entry.values) for entry in found] == [
        ("masked", ()),
        ("not a feature of the model", ()),
    ]


def test_a_protected_column_that_the_model_does_not_see_is_sliced_by_what_intake_wrote() -> None:
    rows = table(600, protected=("region",))
    codes = (np.arange(600) % 4 - 1).astype(np.int16)
    sides = np.where(np.arange(600) < 300, split.TRAIN, split.HOLDOUT).astype(np.uint8)
    rows = replace(rows, slices=codes[:, None], membership=sides)
    outcome = Follows().predict(rows.holdout)
    (found,) = slices(rows, outcome, "log_loss")
    assert [(part.value, part.rows) for part in found.values] == [
        ("north", 75), ("south", 75), ("rare", 75), ("missing", 75)
    ]  # fmt: skip
    south = np.flatnonzero(codes[300:] == 1)
    right = (outcome.predicted[south] == outcome.target[south]).mean()
    assert found.values[1].metrics["accuracy"]["value"] == pytest.approx(right)


def test_regression_has_neither_calibration_nor_confusion() -> None:
    outcome = Predictions(np.zeros(5), np.zeros(5), None)
    assert calibration(outcome) is None
    assert diagnostics.confusion(outcome, None) is None
    assert replace(outcome).rows == 5
