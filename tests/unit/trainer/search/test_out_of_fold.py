from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from scipy.special import expit, softmax

from modelloop.tables.encoding import Column, Encoding
from trainer.families.catalogue import build
from trainer.search.out_of_fold import link_of, raw_answers, statistic_of

if TYPE_CHECKING:
    from collections.abc import Callable

ENCODING = Encoding([Column("a", "number"), Column("b", "number"), Column("kind", "text", ("red", "blue"))])
BACK: dict[str, Callable[[Any], Any]] = {
    "identity": lambda raw: raw, "mean": lambda raw: raw, "log": np.exp, "logit": expit,
    "softmax": lambda raw: softmax(raw, axis=1),
}  # fmt: skip


def rows(count: int = 200) -> np.ndarray[Any, np.dtype[np.float32]]:
    generator = np.random.default_rng(1)
    numbers = generator.normal(size=(count, 2))
    return np.column_stack([numbers, generator.integers(0, 3, count)]).astype(np.float32)


@pytest.mark.parametrize("classes", [2, 3])
@pytest.mark.parametrize(("family", "params", "links"), [
    ("linear", {}, ("logit", "softmax")), ("hist_gradient_boosting", {"max_iter": 5}, ("logit", "softmax")),
    ("gradient_boosting", {"n_estimators": 5}, ("logit", "softmax")), ("decision_tree", {}, ("mean", "mean")),
    ("random_forest", {"n_estimators": 5}, ("mean", "mean")),
])  # fmt: skip
def test_the_link_makes_probabilities_of_the_answers(
    family: str, params: dict[str, Any], links: tuple[str, str], classes: int
) -> None:
    matrix = rows()
    model = build(family, "classification", ENCODING, params)
    model.fit(matrix, (np.abs(matrix[:, 0]) * 1.5).astype(np.int64).clip(0, classes - 1))
    raw = raw_answers(model, matrix)
    assert (link_of(model), statistic_of(model)) == (links[classes - 2], None)
    assert raw is not None
    assert raw.shape == ((200,) if classes == 2 else (200, 3))
    expected = model.predict_proba(matrix)
    np.testing.assert_allclose(BACK[links[classes - 2]](raw), expected[:, 1] if classes == 2 else expected, rtol=1e-9)


def test_boosting_by_the_exponential_loss_answers_in_whole_log_odds() -> None:
    matrix = rows()
    model = build("gradient_boosting", "classification", ENCODING, {"n_estimators": 5, "loss": "exponential"})
    model.fit(matrix, (matrix[:, 0] > 0).astype(np.int64))
    raw = raw_answers(model, matrix)
    assert raw is not None
    np.testing.assert_allclose(expit(raw), model.predict_proba(matrix)[:, 1])


@pytest.mark.parametrize(("family", "params", "link", "statistic"), [
    ("linear", {}, "identity", "the mean"), ("linear", {"kind": "poisson"}, "log", "the mean"),
    ("linear", {"kind": "quantile", "quantile": 0.9}, "identity", "the 0.9 quantile"),
    ("hist_gradient_boosting", {"max_iter": 5, "loss": "poisson"}, "log", "the mean"),
    ("hist_gradient_boosting", {"max_iter": 5, "loss": "absolute_error"}, "identity", "the median"),
    ("extra_trees", {"n_estimators": 5}, "identity", "the mean"),
])  # fmt: skip
def test_the_link_makes_numbers_of_the_answers(family: str, params: dict[str, Any], link: str, statistic: str) -> None:
    matrix = rows()
    model = build(family, "regression", ENCODING, params)
    model.fit(matrix, np.exp(matrix[:, 0]).astype(np.float64))
    raw = raw_answers(model, matrix)
    assert (link_of(model), statistic_of(model)) == (link, statistic)
    assert raw is not None
    np.testing.assert_allclose(BACK[link](raw), model.predict(matrix), rtol=1e-9)


def test_an_estimator_without_a_flat_form_has_no_such_answers() -> None:
    matrix = rows()
    model = build("knn", "classification", ENCODING)
    model.fit(matrix, (matrix[:, 0] > 0).astype(np.int64))
    assert raw_answers(model, matrix) is None
