"""Every loss through the whole trainer: chosen, compared, explained and served by the deviance of its family."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import metrics as reference

from modelloop.spec.model import Spec
from tests.support.trainer_lab import regression_sample

if TYPE_CHECKING:
    from modelloop.versions.run import Run
    from tests.support.trainer_lab import Data, Lab

HGB = "hist_gradient_boosting"
BOOSTED = "sklearn.ensemble.HistGradientBoostingRegressor"


def data(kind: str, seed: int, rows: int = 1500, **spec: Any) -> Data:
    """Return counts, claims (mostly none), amounts above zero, or skewed numbers, each with a mean that varies."""
    table = regression_sample(rows, seed)
    generator = np.random.default_rng(seed)
    mean = np.exp(0.15 * table.target)
    target = {
        "counts": generator.poisson(mean),
        "claims": generator.poisson(mean) * generator.gamma(2.0, 1.0, rows),
        "amounts": mean * generator.gamma(3.0, 1 / 3, rows),
        "skewed": table.target + 3.0 * generator.exponential(size=rows),
    }[kind]
    return replace(table, target=target.astype(np.float64), spec=Spec(**spec))


def linear(**params: Any) -> dict[str, Any]:
    return {"estimators": ("linear",), "params": {"linear": params}}


def boosted(name: str = HGB, **params: Any) -> dict[str, Any]:
    return {"estimators": (name,), "params": {name: {"max_iter": 30, **params}}}


def comparisons(run: Run) -> dict[str, Any]:
    assert run.gate is not None
    return {found.name: found.metric for found in run.gate.comparisons}


LOSSES = [
    ("counts", linear(kind="poisson"), "poisson_deviance"),
    ("counts", boosted(loss="poisson"), "poisson_deviance"),
    ("amounts", linear(kind="gamma"), "gamma_deviance"),
    ("amounts", boosted(BOOSTED, loss="gamma"), "gamma_deviance"),
    ("claims", linear(kind="tweedie", power=1.5), "tweedie_deviance_1.5"),
    ("skewed", linear(kind="quantile", quantile=0.9, alpha=0.001), "pinball_0.9"),
    ("skewed", boosted(loss="quantile", quantile=0.2), "pinball_0.2"),
    ("skewed", boosted(loss="absolute_error"), "mae"),
    ("skewed", linear(kind="huber"), "mae"),
]


@pytest.mark.parametrize(("kind", "spec", "metric"), LOSSES)
def test_a_model_is_compared_by_its_familys_deviance(lab: Lab, kind: str, spec: dict[str, Any], metric: str) -> None:
    table = data(kind, 1, metric="deviance", **spec)
    run = lab.train(table)
    assert (run.state, run.reason) == ("SUCCEEDED", "version 1 serves")
    assert comparisons(run) == {"trivial": metric}
    manifest = lab.manifest(run)
    assert manifest["replay"]["engine"] == "flat"
    assert next(iter(manifest["metrics"]["holdout"])) == metric
    figure, trivial = manifest["metrics"]["holdout"][metric], manifest["metrics"]["trivial"][metric]
    assert figure["low"] < figure["value"] < figure["high"]
    assert figure["value"] < trivial["value"]
    assert manifest["importance"][0]["mean"] > 0


def test_the_trivial_model_of_a_quantile_is_that_quantile(lab: Lab) -> None:
    table = data("skewed", 2, **boosted(loss="quantile", quantile=0.9))
    manifest = lab.manifest(lab.train(table))
    sides = table.membership()
    level = np.quantile(table.target[sides == 0], 0.9, method="inverted_cdf")
    held = table.target[sides == 2]
    wanted = reference.mean_pinball_loss(held, np.full(len(held), level), alpha=0.9)
    assert manifest["metrics"]["trivial"]["pinball_0.9"]["value"] == pytest.approx(wanted)


def test_negative_targets_are_refused_before_a_poisson_fit(lab: Lab) -> None:
    run = lab.train(data("skewed", 3, **linear(kind="poisson")))
    assert run.state == "REJECTED"
    assert "that is not zero or more, as poisson deviance needs it" in str(run.reason)
    assert run.version is None


def test_a_successor_of_the_same_loss_is_compared_by_it(lab: Lab) -> None:
    lab.train(data("counts", 4, **boosted(loss="poisson")))
    run = lab.train(data("counts", 4, rows=3000, **boosted(loss="poisson")))
    assert set(comparisons(run).values()) == {"poisson_deviance"}
    assert "champion_on_holdout" in comparisons(run)
    assert run.gate is not None
    assert run.gate.decision == "release", run.reason


def test_another_loss_of_the_mean_is_compared_by_squared_error(lab: Lab) -> None:
    """A champion of squared error may answer below zero, where Poisson's deviance would be without end."""
    lab.train(data("counts", 5, metric="rmse", **linear()))
    run = lab.train(data("counts", 5, rows=3000, **boosted(loss="poisson")))
    found = comparisons(run)
    assert (found["trivial"], found["champion_on_holdout"]) == ("poisson_deviance", "rmse")
    assert found["champion_against_trivial"] == "rmse"
    assert run.state == "SUCCEEDED", run.reason
    assert {"rmse", "poisson_deviance"} <= set(lab.manifest(run)["metrics"]["champion"])


def test_a_quantile_in_place_of_the_mean_waits_for_approval(lab: Lab) -> None:
    lab.train(data("skewed", 6, **linear()))
    run = lab.train(data("skewed", 6, rows=3000, **boosted(loss="quantile", quantile=0.9)))
    assert run.gate is not None
    assert run.gate.decision == "approve"
    assert list(run.gate.reasons) == [
        "the 0.9 quantile is predicted, and the mean by the champion: the loss that compares them favours the newer one"
    ]
    assert comparisons(run)["champion_against_trivial"] == "rmse"
    assert comparisons(run)["champion_on_holdout"] == "pinball_0.9"


def test_rows_of_an_older_version_outside_of_a_losss_domain_are_not_compared_on(lab: Lab) -> None:
    lab.train(data("skewed", 7, **boosted(loss="absolute_error")))
    run = lab.train(data("amounts", 7, rows=3000, **boosted(loss="gamma")))
    assert run.gate is not None
    assert run.gate.decision == "approve", run.reason
    assert "champion_on_anchor" not in comparisons(run)
    assert comparisons(run)["champion_on_holdout"] == "gamma_deviance"
