"""A fit on logarithms answers with what its loss asks for: the mean by a factor of unseen rows, a quantile as it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from modelloop.errors import FitRefusedError
from tests.support.generated_models import encoding, vectors
from trainer.families.catalogue import build
from trainer.families.log_target import LogRidge

SPREAD = 0.8  # of the logarithms around their mean: the mean of the target is exp(0.32) times its median
ENCODING = encoding(2, ())


def table(rows: int = 4000, seed: int = 1) -> tuple[np.ndarray, np.ndarray]:
    matrix = vectors(ENCODING, rows, seed, missing=0.0)
    noise = SPREAD * np.random.default_rng(1000 + seed).normal(size=rows)
    return matrix, np.exp(1.0 + 0.5 * matrix[:, 0].astype(np.float64) + noise)


MATRIX, TARGET = table()
FRESH, TRUTH = table(4000, 2)
LINEAR: tuple[str, dict[str, Any]] = ("linear", {})
BOOSTING: tuple[str, dict[str, Any]] = ("hist_gradient_boosting", {"max_iter": 30, "max_leaf_nodes": 7})


@pytest.mark.parametrize(("name", "params"), [LINEAR, BOOSTING])
@pytest.mark.parametrize("validated", [True, False])
def test_squared_error_answers_with_the_mean(name: str, params: dict[str, Any], validated: bool) -> None:
    model = build(name, "regression", ENCODING, {**params, "kind": "log"}, 3)
    model.fit(MATRIX, TARGET, validation=table(1500, 3) if validated else None)
    answers = model.predict(FRESH)
    assert answers.min() > 0
    wanted = np.exp(1.0 + 0.5 * FRESH[:, 0] + SPREAD**2 / 2)
    assert answers.mean() == pytest.approx(wanted.mean(), rel=0.08), "exponentials alone would be 27 % too low"
    assert np.corrcoef(answers, wanted)[0, 1] > 0.95


@pytest.mark.parametrize(
    ("loss", "share"), [({"loss": "absolute_error"}, 0.5), ({"loss": "quantile", "quantile": 0.8}, 0.8)]
)
def test_other_losses_answer_with_their_quantile(loss: dict[str, Any], share: float) -> None:
    name, params = BOOSTING
    model = build(name, "regression", ENCODING, {**params, **loss, "kind": "log"}, 3).fit(MATRIX, TARGET)
    assert (model.predict(FRESH) > TRUTH).mean() == pytest.approx(share, abs=0.03)


def test_the_factor_of_boosting_is_that_of_the_validation_rows() -> None:
    name, params = BOOSTING
    answers = []
    for times in (1.0, 2.0):
        model = build(name, "regression", ENCODING, {**params, "kind": "log", "n_iter_no_change": 1000}, 1)
        answers.append(model.fit(MATRIX, TARGET, validation=(FRESH, times * TRUTH)).predict(FRESH))
    np.testing.assert_allclose(2.0 * answers[0], answers[1], rtol=1e-9)


def test_without_them_the_factor_is_that_of_rows_which_a_fit_has_not_seen() -> None:
    """With more columns than rows ridge learns its rows by heart: residuals of its own rows would give the factor 1."""
    generator = np.random.default_rng(1)
    matrix, target = generator.normal(size=(60, 80)), np.exp(generator.normal(size=60))
    by_heart = Ridge(alpha=1e-8).fit(matrix, np.log(target)).predict(matrix)
    np.testing.assert_allclose(np.exp(by_heart), target, rtol=1e-5)
    factors = LogRidge(alpha=1e-8, random_state=1).fit(matrix, target).predict(matrix) / target
    assert factors.std() < 1e-5
    assert abs(np.log(factors.mean())) > 0.01


def test_weighted_rows_count_by_their_weight() -> None:
    """Rows of weight zero are as good as absent, in the fit and in the factor."""
    noisy = np.arange(len(TARGET)) % 2 == 0
    target = np.where(noisy, TARGET * 50.0, TARGET)
    weights = np.where(noisy, 0.0, 1.0)
    model = LogRidge(random_state=1).fit(MATRIX, target, sample_weight=weights)
    assert model.predict(FRESH).mean() == pytest.approx(TRUTH.mean(), rel=0.1)


@pytest.mark.parametrize(("name", "params"), [LINEAR, BOOSTING])
def test_targets_without_a_logarithm_are_refused_with_the_reason(name: str, params: dict[str, Any]) -> None:
    target = TARGET.copy()
    target[7] = 0.0
    with pytest.raises(FitRefusedError, match="needs targets above zero"):
        build(name, "regression", ENCODING, {**params, "kind": "log"}).fit(MATRIX, target)


def test_one_fit_is_one_model_whatever_was_fitted_before() -> None:
    models = [build("linear", "regression", ENCODING, {"kind": "log"}, 3).fit(MATRIX, TARGET) for _ in range(2)]
    models[1].fit(MATRIX, TARGET)
    assert models[0].estimator.intercept_ == models[1].estimator.intercept_
