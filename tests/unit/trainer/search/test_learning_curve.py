"""Whether more rows would help is asked of the chosen model, and only while there is time."""

from __future__ import annotations

import time
from functools import partial

import numpy as np
import pytest

from modelloop.errors import FitRefusedError
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation.predictors import Estimator
from trainer.rows import Part
from trainer.search.candidates import Candidate
from trainer.search.clock import Clock
from trainer.search.estimation import estimate_alone
from trainer.search.learning_curve import learning_curve
from trainer.table import PreparedTable

ENCODING = Encoding([Column("a", "number"), Column("b", "number")])
LINEAR = Candidate("linear", {})
TREE = Candidate("decision_tree", {"min_samples_leaf": 1, "max_leaf_nodes": 512})


def table(rows: int = 1_500) -> PreparedTable:
    generator = np.random.default_rng(4)
    matrix = generator.normal(size=(rows, 2)).astype(np.float32)
    target = np.sin(3.0 * matrix[:, 0]) + matrix[:, 1] + 0.05 * generator.normal(size=rows)
    sides = np.sort(generator.choice([TRAIN, VALIDATION, HOLDOUT], rows, p=[0.6, 0.2, 0.2]).astype(np.uint8))
    return prepared_table(table_facts(ENCODING, task="regression"), Part(matrix, target), sides)


def clock(seconds: float = 60.0) -> Clock:
    return Clock(time.monotonic() + seconds, lambda _: None)


def test_rows_help_a_model_that_has_not_seen_enough_of_them() -> None:
    rows = table()
    fit = partial(estimate_alone, rows, TREE)
    curve = learning_curve(rows, fit, None, "rmse", clock())
    assert curve is not None
    whole = rows.train.rows
    assert [point.rows for point in curve.points] == [round(whole / 4), round(whole / 2), whole]
    losses = [point.loss for point in curve.points]
    assert losses == sorted(losses, reverse=True)
    assert curve.low <= losses[2] - losses[1] <= curve.high < 0.0
    answers = fit(rows.train).predict(rows.validation)
    assert losses[2] == pytest.approx(np.sqrt(np.mean((answers.target - answers.predicted) ** 2)))
    assert learning_curve(rows, fit, fit(rows.train), "rmse", clock()) == curve


def test_rows_do_not_help_a_model_that_can_learn_no_more() -> None:
    rows = table(4_000)
    curve = learning_curve(rows, partial(estimate_alone, rows, LINEAR), None, "rmse", clock())
    assert curve is not None
    assert curve.high > 0.0


def test_no_fit_begins_that_would_not_end_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, fits, now = table(), [], [0.0]
    monkeypatch.setattr("time.monotonic", lambda: now[0])

    def fit(part: Part) -> Estimator:
        fits.append(part.rows)
        now[0] += 10.0
        return estimate_alone(rows, LINEAR, part)

    assert learning_curve(rows, fit, None, "rmse", Clock(35.0, lambda _: None)) is None
    assert fits == [round(rows.train.rows / 4), round(rows.train.rows / 2)]


def test_tables_of_few_rows_and_models_that_refuse_a_part_have_no_curve() -> None:
    few = table(300)
    assert learning_curve(few, partial(estimate_alone, few, LINEAR), None, "rmse", clock()) is None

    def refuse(part: Part) -> Estimator:
        raise FitRefusedError(f"{part.rows} rows are too few")

    assert learning_curve(table(), refuse, None, "rmse", clock()) is None
