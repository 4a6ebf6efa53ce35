"""Text of many values helps where it tells something, and does no harm beyond noise where it tells nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pytest
from threadpoolctl import threadpool_limits  # type: ignore[import-untyped]  # it has no stubs

from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation.losses import row_losses
from trainer.rows import Part
from trainer.search.candidates import Candidate
from trainer.search.estimation import estimate

if TYPE_CHECKING:
    from trainer.table import PreparedTable

FAMILIES = ("linear", "hist_gradient_boosting")


def table(rows: int, values: int, effect: float, task: str, seed: int, *, timed: bool = False) -> PreparedTable:
    """Return a table of three numbers and a text whose values move the target by `effect` standard deviations."""
    generator = np.random.default_rng(seed)
    numbers = generator.normal(size=(rows, 3))
    codes = generator.integers(0, values + 1, rows)
    moved = effect * np.append(generator.normal(size=values), 0.0)[codes]
    score = numbers[:, 0] + np.sin(2.0 * numbers[:, 1]) + moved + generator.normal(size=rows)
    target = (score > 0).astype(np.float64) if task == "classification" else score
    names = tuple(f"agent {place}" for place in range(values))
    encoding = Encoding([*(Column(name, "number") for name in "abc"), Column("agent", "text", names, by_target=True)])
    matrix = np.column_stack([numbers, codes]).astype(np.float32)
    sides = np.repeat(np.array([TRAIN, VALIDATION, HOLDOUT], np.uint8), [rows * 64 // 100, rows * 16 // 100, rows // 5])
    times = np.arange(float(rows)) if timed else None
    facts = table_facts(encoding, Spec(params={"hist_gradient_boosting": {"max_iter": 60}}), task=task)
    return prepared_table(facts, Part(matrix, target, times), sides)


def losses(rows: PreparedTable, family: str, *, without: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """Return the losses of validation and holdout rows of a family's default, with or without the text."""
    metric = "log_loss" if rows.task == "classification" else "rmse"
    if without:
        matrix = rows.rows.matrix.copy()
        matrix[:, 3] = 0.0
        encoding = Encoding([*rows.encoding.columns[:3], Column("agent", "number")])
        facts = table_facts(encoding, rows.spec, task=rows.task)
        rows = prepared_table(facts, Part(matrix, rows.rows.target), rows.membership)
    with threadpool_limits(1):
        model = estimate(rows, Candidate(family, dict(rows.spec.params.get(family, {}))), rows.train, 1)
        return tuple(row_losses(metric, model.predict(part)) for part in (rows.validation, rows.holdout))  # type: ignore[return-value]


def check_noise(rows: PreparedTable, family: str) -> None:
    """Assert that the text costs nothing beyond noise, and that validation and holdout agree about the model."""
    held, unseen = losses(rows, family)
    plain = losses(rows, family, without=True)[1]
    difference = unseen - plain
    error = difference.std() / np.sqrt(len(difference))
    assert difference.mean() < 3.0 * error + 0.002 * plain.mean(), (difference.mean(), error, plain.mean())
    spread = np.hypot(held.std() / np.sqrt(len(held)), unseen.std() / np.sqrt(len(unseen)))
    assert abs(held.mean() - unseen.mean()) < 4.0 * spread


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", ["regression", "classification"])
def test_noise_does_no_harm(task: str, family: str) -> None:
    check_noise(table(6_000, 300, 0.0, task, seed=1), family)


@pytest.mark.slow
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("task", "seed", "timed"), [
    ("regression", 1, False), ("classification", 2, False), ("regression", 3, True),
])  # fmt: skip
def test_five_thousand_values_of_noise_do_no_harm(task: str, seed: int, timed: bool, family: str) -> None:
    check_noise(table(80_000, 5_000, 0.0, task, seed, timed=timed), family)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize(("task", "timed"), [("regression", False), ("classification", True)])
def test_values_that_tell_something_help(task: str, timed: bool, family: str) -> None:
    rows = table(6_000, 300, 1.0, task, seed=4, timed=timed)
    held, unseen = losses(rows, family)
    assert unseen.mean() < 0.9 * losses(rows, family, without=True)[1].mean()
    assert held.mean() == pytest.approx(unseen.mean(), rel=0.15), "labels do not leak into what is validated on"
