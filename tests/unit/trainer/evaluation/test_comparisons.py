"""The paired bootstrap behind the gate: how sure its bounds are, and on how many rows."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import norm

from trainer.evaluation import bootstrap
from trainer.evaluation.bootstrap import compare
from trainer.rows import Predictions


def of_errors(errors: np.ndarray) -> Predictions:
    return Predictions(np.zeros(len(errors)), errors, None)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_bounds_are_one_sided_95_percent_of_the_mean_difference(seed: int) -> None:
    generator = np.random.default_rng(seed)
    champion = generator.normal(2.0, 1.0, 4_000)
    candidate = champion + generator.normal(0.1, 0.3, 4_000)
    found = compare("x", "mae", of_errors(candidate), of_errors(champion), seed)
    differences = np.abs(candidate) - np.abs(champion)
    centre, error = differences.mean(), differences.std() / np.sqrt(4_000)
    assert found.candidate - found.reference == pytest.approx(centre)
    assert found.low == pytest.approx(norm.ppf(0.05, centre, error), abs=0.15 * error)
    assert found.high == pytest.approx(norm.ppf(0.95, centre, error), abs=0.15 * error)


def test_at_most_twenty_thousand_rows_are_compared_the_same_for_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bootstrap, "REPLICATES", 20)
    errors = np.arange(20_001.0)
    found = compare("x", "mae", of_errors(errors + 1.0), of_errors(errors), 5)
    assert found.rows == 20_000
    assert [found.low, found.high] == pytest.approx([1.0, 1.0])


def test_every_replicate_weighs_both_models_by_the_same_draws() -> None:
    errors = np.exp(np.random.default_rng(4).normal(0.0, 2.0, 500))  # a few rows are nearly the whole loss
    found = compare("x", "mae", of_errors(errors * 1.001), of_errors(errors), 4)
    assert found.low > 0.0
    assert found.high < 0.002 * errors.mean()
