"""Weights of a blend by greedy selection, and when a blend is worth keeping."""

from __future__ import annotations

from math import fsum
from typing import TYPE_CHECKING

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from trainer.rows import Contents
from trainer.search.blending import _score, choose_weights, is_better, predictions_of

if TYPE_CHECKING:
    from numpy.typing import NDArray


def guesses(truth: NDArray[np.float64], *errors: float, seed: int = 0) -> list[NDArray[np.float64]]:
    """Answers that differ from the truth by independent errors of these sizes."""
    generator = np.random.default_rng(seed)
    return [truth + error * generator.normal(size=len(truth)) for error in errors]


def mixed(weights: list[float], answers: list[NDArray[np.float64]]) -> NDArray[np.float64]:
    return np.sum([weight * one for weight, one in zip(weights, answers, strict=True)], axis=0)


def test_the_weights_are_those_that_cancel_errors_best() -> None:
    truth = np.random.default_rng(1).normal(size=4000)
    weights = choose_weights(guesses(truth, 1.0, 2.0), truth, "identity", "rmse")
    assert weights == pytest.approx([0.8, 0.2], abs=0.05)


def test_what_adds_nothing_is_left_out() -> None:
    truth = np.random.default_rng(1).normal(size=1000)
    assert choose_weights(guesses(truth, 0.1, 5.0), truth, "identity", "rmse") == [1.0, 0.0]
    good = guesses(truth, 0.1)[0]
    assert choose_weights([good, good], truth, "identity", "rmse") == [1.0, 0.0]


@pytest.mark.parametrize("metric", ["log_loss", "brier", "roc_auc", "accuracy"])
@pytest.mark.parametrize(("link", "classes"), [("logit", 2), ("softmax", 3), ("mean", 2), ("mean", 3)])
def test_probabilities_of_every_link_are_weighed_by_any_metric(link: str, classes: int, metric: str) -> None:
    generator = np.random.default_rng(2)
    target = generator.integers(0, classes, 600).astype(float)
    scores = np.eye(classes)[target.astype(int)] + generator.normal(size=(2, 600, classes))
    if link == "mean":
        scores = np.exp(scores) / np.exp(scores).sum(axis=2, keepdims=True)
    answers = [one[:, 1] - one[:, 0] if link == "logit" else one[:, 1] if classes == 2 else one for one in scores]
    weights = choose_weights(answers, target, link, metric)
    alone = min(_score(one, target, link, metric, None) for one in answers)
    assert all(weights)
    assert _score(mixed(weights, answers), target, link, metric, None) < alone


@settings(max_examples=30, deadline=None)
@given(
    errors=st.lists(st.floats(0.01, 3.0), min_size=1, max_size=7), seed=st.integers(0, 10**6),
    link=st.sampled_from(["identity", "log"]),
)  # fmt: skip
def test_weights_keep_to_their_rules(errors: list[float], seed: int, link: str) -> None:
    truth = np.random.default_rng(seed).normal(size=60)
    answers = guesses(truth, *errors, seed=seed)
    target = np.exp(truth) if link == "log" else truth
    weights = choose_weights(answers, target, link, "rmse")
    assert fsum(weights) == pytest.approx(1.0, abs=1e-12)
    kept = [weight for weight in weights if weight]
    assert len(kept) <= 4
    assert min(kept) >= 0.05
    assert [round(weight, 3) for weight in weights] == weights == choose_weights(answers, target, link, "rmse")
    alone = min(_score(one, target, link, "rmse", None) for one in answers)
    assert _score(mixed(weights, answers), target, link, "rmse", None) <= alone * 1.001


def test_a_blend_that_is_better_by_chance_alone_is_seldom_kept() -> None:
    """The second model is the first with noise: no weight of it is better in truth."""
    kept = 0
    for seed in range(200):
        generator = np.random.default_rng(seed)
        score = generator.normal(size=300)
        target = (score + generator.logistic(size=300) > 0).astype(float)
        answers = [score, score + 0.5 * generator.normal(size=300)]
        weights = choose_weights(answers, target, "logit", "log_loss")
        together, alone = (predictions_of(one, target, "logit") for one in (mixed(weights, answers), score))
        kept += is_better(together, alone, "log_loss")
    assert kept <= 50  # one standard error keeps a sixth of them


def test_a_blend_must_be_better_by_more_than_its_work_is_worth() -> None:
    truth = np.random.default_rng(1).normal(size=100_000)
    good, other = guesses(truth, 1.0, 1.0)
    slightly, clearly = 0.9995 * good + 0.0005 * other, 0.9 * good + 0.1 * other
    before, *after = (predictions_of(one, truth, "identity") for one in (good, slightly, clearly))
    assert [is_better(one, before, "rmse") for one in after] == [False, True]
    assert not is_better(before, before, "rmse")


def test_copies_of_a_row_share_a_vote() -> None:
    truth = np.zeros(203)
    often = np.concatenate([np.full(200, 0.5), np.full(3, -1.0)])
    seldom = np.concatenate([np.full(200, 2.0), np.full(3, 0.1)])
    contents = Contents(np.concatenate([np.zeros(200), [1, 2, 3]]).astype(np.int32), copies=True)
    assert choose_weights([often, seldom], truth, "identity", "mae")[0] > 0.7
    assert choose_weights([often, seldom], truth, "identity", "mae", contents)[0] < 0.7
