from __future__ import annotations

from math import factorial

import numpy as np
import pytest
from sklearn import metrics as reference

from modelloop.spec import deviance
from trainer.evaluation import bootstrap
from trainer.evaluation.bootstrap import compare, intervals
from trainer.evaluation.calibration import conformal_quantiles
from trainer.evaluation.losses import row_losses
from trainer.evaluation.metrics import statistics
from trainer.evaluation.predictors import trivial
from trainer.rows import Part, Predictions

NUMBERS = np.random.default_rng(0)


def classified(rows: int, classes: int, *, digits: int = 2) -> Predictions:
    target = NUMBERS.integers(0, classes, rows)
    scores = NUMBERS.random((rows, classes)) + np.eye(classes)[target] * 0.5
    proba = np.round(scores / scores.sum(axis=1, keepdims=True), digits) + 0.01
    proba /= proba.sum(axis=1, keepdims=True)
    return Predictions(target.astype(float), proba.argmax(axis=1).astype(float), proba)


def weighted(outcome: Predictions, name: str, weights: np.ndarray) -> float:
    return float(statistics(outcome)[name](weights[None, :].astype(float))[0])


@pytest.mark.parametrize("weight", ["ones", "draws"])
def test_binary_metrics_equal_scikit_learns(weight: str) -> None:
    outcome = classified(500, 2)
    assert outcome.proba is not None
    weights = np.ones(500) if weight == "ones" else NUMBERS.poisson(1.0, 500)
    truth, label, score = outcome.target, outcome.predicted, outcome.proba[:, 1]
    wanted = {
        "log_loss": reference.log_loss(truth, outcome.proba, sample_weight=weights),
        "accuracy": reference.accuracy_score(truth, label, sample_weight=weights),
        "f1": reference.f1_score(truth, label, sample_weight=weights),
        "roc_auc": reference.roc_auc_score(truth, score, sample_weight=weights),
        "pr_auc": reference.average_precision_score(truth, score, sample_weight=weights),
        "brier": reference.brier_score_loss(truth, score, sample_weight=weights),
    }
    assert {name: weighted(outcome, name, weights) for name in wanted} == pytest.approx(wanted, abs=1e-12)


def test_multiclass_metrics_equal_scikit_learns() -> None:
    outcome = classified(600, 4)
    truth, proba, weights = outcome.target, outcome.proba, NUMBERS.poisson(1.0, 600)
    assert proba is not None
    binarised = np.eye(4)[truth.astype(int)]
    wanted = {
        "log_loss": reference.log_loss(truth, proba, sample_weight=weights),
        "f1": reference.f1_score(truth, outcome.predicted, average="macro", sample_weight=weights),
        "roc_auc": np.mean(
            [reference.roc_auc_score(binarised[:, k], proba[:, k], sample_weight=weights) for k in range(4)]
        ),
        "pr_auc": reference.average_precision_score(binarised, proba, sample_weight=weights),
        "brier": reference.brier_score_loss(truth, proba, sample_weight=weights),
    }
    assert {name: weighted(outcome, name, weights) for name in wanted} == pytest.approx(wanted, abs=1e-12)


def test_regression_metrics_equal_scikit_learns() -> None:
    truth = NUMBERS.gamma(2.0, size=400)
    said = truth * NUMBERS.gamma(20.0, 1 / 20, size=400)
    outcome = Predictions(truth, said, None)
    found = intervals(outcome, 0, ("poisson_deviance", "gamma_deviance"))
    wanted = {
        "rmse": reference.root_mean_squared_error(truth, said),
        "mae": reference.mean_absolute_error(truth, said),
        "r2": reference.r2_score(truth, said),
        "poisson_deviance": reference.mean_poisson_deviance(truth, said),
        "gamma_deviance": reference.mean_gamma_deviance(truth, said),
    }
    assert {name: figure["value"] for name, figure in found.items()} == pytest.approx(wanted, rel=1e-9)


@pytest.mark.parametrize("power", [-1.3, 0, 1, 1.3, 1.9, 2, 2.5, 3])
def test_deviances_equal_scikit_learns(power: float) -> None:
    said, truth = NUMBERS.gamma(2.0, size=300) + 0.1, NUMBERS.gamma(1.0, size=300)
    if power < 0:
        truth = NUMBERS.normal(size=300)
    elif 1 <= power < 2:
        truth = np.where(NUMBERS.random(300) < 0.3, 0.0, truth)
    name, weights = deviance.tweedie(power), NUMBERS.poisson(1.0, 300)
    assert deviance.power(name) == power
    losses = row_losses(name, Predictions(truth, said, None))
    wanted = reference.mean_tweedie_deviance(truth, said, power=power, sample_weight=weights)
    assert np.average(losses, weights=weights) == pytest.approx(wanted, rel=1e-12)
    assert (losses >= -1e-12).all()


@pytest.mark.parametrize("level", [0.05, 0.5, 0.9])
def test_pinball_losses_equal_scikit_learns(level: float) -> None:
    truth, said = NUMBERS.normal(size=300), NUMBERS.normal(size=300)
    found = row_losses(f"pinball_{level}", Predictions(truth, said, None)).mean()
    assert found == pytest.approx(reference.mean_pinball_loss(truth, said, alpha=level))
    if level == 0.5:  # half the absolute error, so it goes by that name
        assert deviance.pinball(level) == "mae"
        assert row_losses("mae", Predictions(truth, said, None)).mean() == pytest.approx(2 * found)


@pytest.mark.parametrize("offset", [0.0, 1e6, 1e9])
def test_r2_keeps_its_digits_far_from_zero(offset: float) -> None:
    truth = NUMBERS.normal(size=500) + offset
    said = truth + 0.5 * NUMBERS.normal(size=500)
    found = intervals(Predictions(truth, said, None), 0)["r2"]["value"]
    assert found == pytest.approx(reference.r2_score(truth, said), abs=1e-6)


@pytest.mark.parametrize("value", [0.1, 1e9 + 0.3])
def test_a_constant_target_has_no_share_explained(value: float) -> None:
    found = intervals(Predictions(np.full(50, value), np.full(50, value) + NUMBERS.normal(size=50), None), 0)
    assert found["r2"] == {"value": None, "low": None, "high": None}
    assert found["rmse"]["low"] is not None


@pytest.mark.parametrize("metric", ["rmse", "mae", "pinball_0.2", "pinball_0.9", "poisson_deviance",
                                    "gamma_deviance", "tweedie_deviance_1.5", "tweedie_deviance_3"])  # fmt: skip
def test_the_trivial_model_says_the_best_constant(metric: str) -> None:
    target = NUMBERS.gamma(1.0, 3.0, size=501)
    part = Part(np.zeros((501, 1), np.float32), target)
    said = trivial(part, None, metric).predict(part).predicted[0]
    best = row_losses(metric, Predictions(target, np.full(501, said), None)).mean()
    for other in np.quantile(target, np.linspace(0.01, 0.99, 99)):
        assert best <= row_losses(metric, Predictions(target, np.full(501, other), None)).mean() + 1e-12


def test_a_class_without_rows_leaves_finite_or_absent_figures() -> None:
    outcome = classified(30, 3)
    only = Predictions(np.zeros(30), outcome.predicted, outcome.proba)
    found = intervals(only, 0)
    assert found["roc_auc"] == {"value": None, "low": None, "high": None}
    assert found["log_loss"]["low"] is not None


def test_intervals_cover_the_truth_as_often_as_they_say() -> None:
    covered = 0
    for seed in range(200):
        errors = np.random.default_rng(seed).normal(size=300)
        found = intervals(Predictions(np.zeros(300), errors, None), seed)["rmse"]
        assert found["low"] is not None
        assert found["high"] is not None
        covered += found["low"] <= 1.0 <= found["high"]
    assert 0.90 <= covered / 200 <= 0.99


def test_intervals_of_a_sample_are_as_wide_as_those_of_all_rows() -> None:
    errors = np.random.default_rng(1).normal(size=50_000)
    found = intervals(Predictions(np.zeros(50_000), errors, None), 1)["rmse"]
    assert found["low"] is not None
    assert found["high"] is not None
    assert found["high"] - found["low"] == pytest.approx(2 * 1.96 / np.sqrt(2 * 50_000), rel=0.2)
    assert found["value"] == pytest.approx(np.sqrt(np.mean(errors**2)))


def test_the_same_seed_gives_the_same_intervals() -> None:
    outcome = classified(200, 2)
    assert intervals(outcome, 5) == intervals(outcome, 5)
    assert intervals(outcome, 5) != intervals(outcome, 6)


def test_bootstrap_weights_are_poisson_draws() -> None:
    counts = np.bincount(bootstrap._POISSON.astype(int)) / len(bootstrap._POISSON)
    wanted = [np.exp(-1) / factorial(count) for count in range(len(counts))]
    assert counts == pytest.approx(wanted, abs=2 / len(bootstrap._POISSON))


def test_a_model_is_not_better_than_itself() -> None:
    outcome = classified(200, 2)
    found = compare("x", "log_loss", outcome, outcome, 0)
    assert (found.low, found.high) == (0.0, 0.0)
    assert found.high >= 0.0
    assert found.not_worse(0.0)


def test_pairing_sees_small_steady_differences() -> None:
    truth = NUMBERS.normal(size=1000)
    noise = NUMBERS.normal(size=1000)
    better, worse = Predictions(truth, truth + noise, None), Predictions(truth, truth + 1.02 * noise, None)
    assert compare("x", "rmse", better, worse, 0).high < 0.0
    assert not compare("x", "rmse", worse, better, 0).not_worse(0.01)


def test_a_worse_model_rarely_passes_for_not_worse() -> None:
    passed = 0
    for seed in range(100):
        generator = np.random.default_rng(seed)
        truth = np.zeros(300)
        champion = Predictions(truth, generator.normal(size=300), None)
        candidate = Predictions(truth, generator.normal(size=300) * 1.01, None)
        passed += compare("x", "rmse", candidate, champion, seed).not_worse(0.01)
    assert passed / 100 <= 0.09


def test_each_bound_of_a_difference_is_one_sided_at_95_percent() -> None:
    """So far from the difference as a normal distribution's 95 % quantile, 1.645 standard errors."""
    found = []
    for seed in range(20):
        generator = np.random.default_rng(seed)
        first, second = generator.normal(size=(2, 2_000))
        candidate, champion = (Predictions(np.zeros(2_000), errors, None) for errors in (first, second))
        bounds = compare("x", "mae", candidate, champion, seed)
        difference = np.abs(first) - np.abs(second)
        error = difference.std() / np.sqrt(len(difference))
        found.append([(difference.mean() - bounds.low) / error, (bounds.high - difference.mean()) / error])
    assert np.mean(found, axis=0) == pytest.approx([1.645, 1.645], abs=0.06)


def test_two_models_are_compared_on_a_capped_number_of_the_same_rows() -> None:
    errors = np.random.default_rng(2).normal(size=bootstrap.MAX_ROWS + 5_000)
    first, second = (Predictions(np.zeros(len(errors)), scale * errors, None) for scale in (1.0, 2.0))
    found = compare("x", "mae", first, second, 0)
    assert found.rows == bootstrap.MAX_ROWS == 20_000
    assert 2 * found.candidate == found.reference


def test_conformal_quantiles_cover_new_rows() -> None:
    generator = np.random.default_rng(3)
    quantiles = conformal_quantiles(np.abs(generator.normal(size=999)))
    fresh = np.abs(generator.normal(size=20_000))
    for level, width in quantiles.items():
        assert (fresh <= width).mean() == pytest.approx(float(level), abs=0.03)


def test_conformal_levels_that_few_rows_cannot_promise_are_absent() -> None:
    assert conformal_quantiles(np.arange(9.0)) == {"0.5": 4.0, "0.8": 7.0, "0.9": 8.0}


def test_weights_count_in_conformal_quantiles_as_rows_do() -> None:
    scores = np.random.default_rng(1).exponential(size=400)
    assert conformal_quantiles(scores, np.full(400, 3.0)) == conformal_quantiles(scores)
    weights = np.where(scores > 1.0, 9.0, 1.0)
    heavy = np.append(np.repeat(scores, weights.astype(int)), np.full(8, np.inf))  # a new row may weigh 9, not 1
    assert conformal_quantiles(scores, weights)["0.5"] == conformal_quantiles(heavy)["0.5"]
    assert "0.99" not in conformal_quantiles(np.arange(50.0), np.ones(50))
