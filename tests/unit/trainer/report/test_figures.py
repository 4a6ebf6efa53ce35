"""The tables beside the charts have the charts' figures."""

from __future__ import annotations

import re
from html import unescape

import numpy as np
import pytest
from sklearn import metrics

from modelloop.contracts.evaluation import ColumnImportance, RankingCurve, Reliability, ReliabilityBin, Residuals
from modelloop.versions.evidence import LossComparison
from trainer.evaluation.curves import curves
from trainer.report import figures
from trainer.rows import Predictions

GENERATOR = np.random.default_rng(1)


def cells(table: str) -> list[list[str]]:
    rows = re.findall(r"<tr>(.*?)</tr>", table, re.DOTALL)
    return [[unescape(cell) for cell in re.findall(r"<t[hd][^>]*>(.*?)</t[hd]>", row)] for row in rows]


def compared(name: str, reference: float = 0.4) -> LossComparison:
    return LossComparison(name, "log_loss", 1200, 0.42, reference, -0.01, 0.05)


def test_a_comparison_is_shown_with_estimate_interval_and_margin() -> None:
    found = cells(figures.comparisons([compared("champion_on_anchor"), compared("trivial")], 0.05))
    assert found[1] == ["champion on anchor", "0.42", "0.4", "0.02", "-0.01 to 0.05", "0.02", "1,200"]
    assert found[2][-2] == "0"  # better than the trivial model, by whatever margin


def test_the_margin_of_a_negative_loss_is_not_negative() -> None:
    assert figures.allowed(compared("champion_on_holdout", reference=-2.0), 0.01) == pytest.approx(0.02)


def test_curves_are_read_where_scikit_learn_reads_them() -> None:
    target = GENERATOR.integers(0, 2, 400)
    score = target * 0.3 + GENERATOR.random(400)
    proba = np.column_stack([1 - score, score]) / 2 + 0.25
    ranking = curves(Predictions(target.astype(float), target.astype(float), proba), ["no", "yes"], 0).ranking
    assert ranking is not None
    false, true, _ = metrics.roc_curve(target, score, drop_intermediate=False)
    shown = [float(cell) for cell in cells(figures.roc(ranking))[1][1:]]
    assert shown == pytest.approx(np.interp(figures.RATES, false, true), abs=0.03)
    precision, recall, _ = metrics.precision_recall_curve(target, score)
    best = [precision[recall >= least].max() for least in figures.RECALLS]
    assert [float(cell) for cell in cells(figures.pr(ranking))[1][1:]] == pytest.approx(best, abs=0.03)
    assert cells(figures.roc(ranking))[1][0] == "yes"


def test_a_curve_of_a_single_step_has_figures() -> None:
    ranking = [RankingCurve("<b>", ((0.0, 0.0), (1.0, 1.0)), ((1.0, 0.25),), 0.5)]
    assert cells(figures.roc(ranking))[1] == ["<b>", "0.01", "0.05", "0.1", "0.2", "0.5"]
    assert cells(figures.pr(ranking))[1] == ["<b>", *["0.25"] * 5]


def test_residuals_are_shown_from_low_to_high_predictions() -> None:
    points = tuple((float(place), float(place % 2)) for place in range(100))
    found = cells(figures.residuals(Residuals(points[::-1], (), ())))
    assert found[1:] == [[f"{start} to {start + 19}", "0.5", "0.5", "20"] for start in range(0, 100, 20)]
    assert len(cells(figures.residuals(Residuals(points[:2], (), ())))) == 3


def test_counts_stand_beside_their_bins_and_columns_beside_their_growth() -> None:
    found = cells(figures.errors(Residuals((), (3, 1400), (-1.0, 0.0, 2.5))))
    assert found[1:] == [["-1 to 0", "3"], ["0 to 2.5", "1,400"]]
    grown = cells(figures.importance([ColumnImportance("a&b", 0.25, 0.0123)]))
    assert grown[1] == ["a&b", "0.25", "0.0123"]
    bins = (ReliabilityBin(0.0, 0.1, 30, 0.05, 0.1),)
    assert cells(figures.calibration(Reliability(bins, 0.0, 30)))[1] == ["0.05", "0.1", "30"]
