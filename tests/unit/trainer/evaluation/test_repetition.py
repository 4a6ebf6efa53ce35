"""Copied rows have one vote a content; the rows of a coarse table have one each, and are drawn by content."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation import bootstrap
from trainer.evaluation.bootstrap import compare, intervals
from trainer.evaluation.diagnostics import confusion, importance
from trainer.evaluation.metrics import plain_metrics
from trainer.evaluation.predictors import trivial
from trainer.rows import Contents, Part, Predictions, pack_anchor, unpack_anchor
from trainer.search.estimation import plain_metric

ENCODING = Encoding([Column("x", "number")])


def classified(rows: int, seed: int) -> Predictions:
    generator = np.random.default_rng(seed)
    score = generator.uniform(0.05, 0.95, rows)
    target = (generator.random(rows) < score).astype(float)
    return Predictions(target, (score > 0.5).astype(float), np.column_stack([1 - score, score]))


def copied(predictions: Predictions, seed: int, *, copies: bool) -> Predictions:
    """Return the predictions with each row there one to nine times, in any order."""
    generator = np.random.default_rng(seed)
    codes = np.repeat(np.arange(predictions.rows), generator.integers(1, 10, predictions.rows))
    codes = generator.permutation(codes)
    return replace(predictions.take(codes), contents=Contents(codes.astype(np.int32), copies))


def test_copies_change_no_metric() -> None:
    once = classified(200, 1)
    assert plain_metrics(copied(once, 2, copies=True)) == pytest.approx(plain_metrics(once))
    assert plain_metric(copied(once, 2, copies=True), "log_loss") == pytest.approx(plain_metric(once, "log_loss"))
    assert plain_metrics(copied(once, 2, copies=False))["log_loss"] != pytest.approx(plain_metrics(once)["log_loss"])


def test_copies_with_different_labels_vote_with_the_mean_of_these() -> None:
    proba = np.tile([0.25, 0.75], (5, 1))
    votes = Contents(np.array([0, 0, 0, 0, 1], np.int32), copies=True)
    predictions = Predictions(np.array([1.0, 1.0, 1.0, 0.0, 0.0]), np.ones(5), proba, votes)
    assert plain_metrics(predictions)["accuracy"] == pytest.approx((0.75 + 0.0) / 2)


def test_copies_narrow_no_interval() -> None:
    once = classified(300, 3)
    expected, found = intervals(once, 0)["log_loss"], intervals(copied(once, 4, copies=True), 0)["log_loss"]
    widths = [figure["high"] - figure["low"] for figure in (expected, found)]  # type: ignore[operator]
    assert widths[1] == pytest.approx(widths[0], rel=0.2)


def test_rows_of_one_content_are_drawn_together() -> None:
    generator = np.random.default_rng(5)
    codes = np.repeat(np.arange(50), 20)
    errors = generator.normal(size=50)[codes]  # rows of one content err alike
    alone = Predictions(np.zeros(1000), errors, None)
    together = replace(alone, contents=Contents(codes.astype(np.int32), copies=False))
    narrow, wide = (intervals(part, 1)["mae"] for part in (alone, together))
    assert narrow["value"] == wide["value"]
    ratio = (wide["high"] - wide["low"]) / (narrow["high"] - narrow["low"])  # type: ignore[operator]
    assert ratio == pytest.approx(np.sqrt(20), rel=0.25)
    rival = replace(together, predicted=errors * 1.05)
    assert compare("x", "mae", rival, together, 2) == compare("x", "mae", replace(rival, contents=None), alone, 2)


def test_a_comparison_counts_the_votes() -> None:
    once = classified(100, 6)
    rival = replace(once, proba=np.full((100, 2), 0.5))
    expected = compare("x", "log_loss", once, rival, 0)
    found = compare("x", "log_loss", copied(once, 7, copies=True), copied(rival, 7, copies=True), 0)
    assert (found.rows, found.candidate, found.reference) == pytest.approx(
        (100, expected.candidate, expected.reference)
    )
    assert found.high == pytest.approx(expected.high, abs=0.05)


def test_a_sample_of_copies_is_scaled_by_its_contents(monkeypatch: pytest.MonkeyPatch) -> None:
    codes = np.repeat(np.arange(400), 10).astype(np.int32)
    errors = np.random.default_rng(8).normal(size=400)[codes]
    predictions = Predictions(np.zeros(4000), errors, None, Contents(codes, copies=True))
    whole = intervals(predictions, 3)["mae"]
    monkeypatch.setattr(bootstrap, "MAX_ROWS", 1000)
    sampled = intervals(predictions, 3)["mae"]
    widths = [figure["high"] - figure["low"] for figure in (whole, sampled)]  # type: ignore[operator]
    assert widths[1] == pytest.approx(widths[0], rel=0.3)


def test_the_trivial_model_counts_copies_once() -> None:
    target = np.array([0.0] * 9 + [1.0] * 9)
    codes = np.array([*range(9), *[9] * 9], np.int32)
    part = Part(np.zeros((18, 1), np.float32), target, contents=Contents(codes, copies=True))
    assert trivial(part, 2, "log_loss").rates == pytest.approx([0.9, 0.1])
    assert trivial(part, None, "rmse").centre == pytest.approx(0.1)
    assert trivial(part, None, "pinball_0.85").centre == 0.0


def test_counts_of_the_report_count_copies_once() -> None:
    once = classified(60, 9)
    many = copied(once, 10, copies=True)
    assert confusion(many.counted_once(), [0, 1]) == confusion(once, [0, 1])


def test_importance_weighs_copies_once() -> None:
    class Line:
        max_rows = 1 << 40

        def predict(self, part: Part) -> Predictions:
            return Predictions(part.target, part.matrix[:, 0].astype(float), None, part.contents)

    cells = np.array([1.0, *[5.0] * 499], np.float32)[:, None]
    contents = Contents(np.array([0, *[1] * 499], np.int32), copies=True)
    part = Part(cells, cells[:, 0].astype(float), contents=contents)
    table = prepared_table(table_facts(ENCODING, Spec(), task="regression"), part, np.full(500, 2, np.uint8))
    (column,) = importance(table, Line(), "mae")
    assert column.mean > 1.0  # row by row it would be 4 / 500


@pytest.mark.parametrize("copies", [True, False])
def test_an_anchor_keeps_which_rows_are_equal(copies: bool) -> None:
    codes = np.array([3, 3, 8], np.int32)
    part = Part(np.zeros((3, 1), np.float32), np.zeros(3), contents=Contents(codes, copies))
    kept = unpack_anchor(pack_anchor(part, 1)).contents
    assert kept is not None
    assert (kept.codes.tolist(), kept.copies) == ([3, 3, 8], copies)
