"""A search is never worse than the defaults, and a refit never makes its figures and alarms untrue."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from modelloop.spec.fields import HIGHER_IS_BETTER
from modelloop.spec.sections import Search
from tests.support.real_tables import TABLES, real_table
from trainer.evaluation.bootstrap import compare
from trainer.search import choice, fitting
from trainer.search.candidates import DRAWN
from trainer.search.fitting import Fitted

SECONDS = 120.0
SMALL = [("wine", 0), ("plane", 1)]
QUICK: dict[str, Any] = {"estimators": ("linear", "decision_tree")}
TRIALS = 12
BY_CHANCE = 6  # of 50 comparisons with 95 % bounds, one-sided, more fall short by chance in less than 2 % of cases


def fitted(name: str, seed: int, **spec: Any) -> Fitted:
    return fitting.fit(real_table(name, seed, **spec), SECONDS, lambda _: None, [])


def check_own_figure(found: Fitted) -> None:
    """Raise AssertionError when a named setting is better than what was chosen, by what chose."""
    assert found.selection is not None
    by, metric = found.selection.by, found.objective.chosen_by
    whole = max(trial.rows for trial in found.trials)
    named = [
        choice.figure(trial, by)
        for trial in found.trials
        if trial.origin != DRAWN and trial.error is None and trial.rows == whole
    ]
    own = choice.figure(found.chosen, by)
    assert len(named) == 2
    assert own >= max(named) if metric in HIGHER_IS_BETTER else own <= min(named)


def surely_worse(name: str, seed: int, trials: int = TRIALS, **spec: Any) -> tuple[bool, float]:
    """Return whether a search is surely worse than the defaults on the holdout, and by which share of their loss."""
    table = real_table(name, seed)
    default, searched = fitted(name, seed, **spec), fitted(name, seed, search=Search(trials=trials), **spec)
    check_own_figure(searched)
    own, other = (one.estimator.predict(table.holdout) for one in (searched, default))
    compared = compare("x", default.objective.compared_by, own, other, table.seed)
    return compared.low > 0.0, compared.candidate / compared.reference - 1.0


@pytest.mark.parametrize(("name", "seed"), SMALL)
def test_a_search_is_not_worse_than_the_defaults(name: str, seed: int) -> None:
    worse, _ = surely_worse(name, seed, 5, **QUICK)
    assert not worse


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_search_is_not_worse_than_the_defaults_on_ten_tables() -> None:
    found = [surely_worse(name, seed) for name in TABLES for seed in range(5)]
    assert sum(worse for worse, _ in found) <= BY_CHANCE
    assert np.mean([share for _, share in found]) <= 0.01
