"""What is promised of unseen rows holds after a refit: intervals cover them, and they are no drift."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pytest
from sklearn import datasets

from modelloop.monitoring.drift import baseline, comparison
from modelloop.monitoring.windows import Window
from modelloop.spec.model import Spec
from modelloop.tables.encoding import Column, Encoding
from modelloop.tables.split import HOLDOUT, TRAIN, VALIDATION
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation.calibration import conformal_quantiles
from trainer.release.version import unseen_answers
from trainer.rows import Part
from trainer.search import fitting, refitting

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    from modelloop.contracts.counts import Counts
    from trainer.search.fitting import Fitted
    from trainer.table import PreparedTable

ROWS, FRESH = 750, 1_000
LEVEL = 0.9
BOOSTED: dict[str, Any] = {"hist_gradient_boosting": {"max_iter": 40, "max_leaf_nodes": 8}}
WORLDS: dict[str, tuple[str, Callable[[int, int], tuple[Any, Any]]]] = {
    "boosted waves": (
        "hist_gradient_boosting",
        lambda rows, seed: datasets.make_friedman1(rows, noise=1.0, random_state=seed),
    ),
    "linear waves": ("linear", lambda rows, seed: datasets.make_friedman1(rows, noise=1.0, random_state=seed)),
    "boosted currents": (
        "hist_gradient_boosting",
        lambda rows, seed: datasets.make_friedman2(rows, noise=100.0, random_state=seed),
    ),
    "a tree on waves": (
        "decision_tree",
        lambda rows, seed: datasets.make_friedman1(rows, noise=1.0, random_state=seed),
    ),
}


@dataclass(frozen=True, slots=True)
class Held:
    """Of one refit: the share of fresh rows that its intervals cover, and whether their predictions drift."""

    covered: float
    drifted: bool


def examine(name: str, seed: int) -> Held:
    """Draw a table and fresh rows of one world, refit on the table, and look at the fresh rows."""
    family, draw = WORLDS[name]
    cells, target = draw(ROWS + FRESH, seed)
    sides = np.sort(np.random.default_rng(seed).choice([TRAIN, VALIDATION, HOLDOUT], ROWS, p=[0.64, 0.16, 0.2]))
    encoding = Encoding([Column(f"c{place}", "number") for place in range(cells.shape[1])])
    spec = Spec(estimators=(family,), params={name: set_ for name, set_ in BOOSTED.items() if name == family})
    matrix = cells.astype(np.float32)
    rows = Part(matrix[:ROWS], target[:ROWS])
    table = prepared_table(table_facts(encoding, spec, task="regression"), rows, sides.astype(np.uint8))
    found = fitting.fit(table, 600.0, lambda _: None, [])
    assert found.unseen is not None
    answers = found.estimator.predict(Part(matrix[ROWS:], target[ROWS:]))
    known = found.unseen.predictions
    width = conformal_quantiles(np.abs(known.target - known.predicted))[str(LEVEL)]
    covered = float((np.abs(answers.target - answers.predicted) <= width).mean())
    return Held(covered, _drifts(table, found, answers.predicted))


def _drifts(table: PreparedTable, found: Fitted, fresh: NDArray[np.float64]) -> bool:
    learned, unseen = table.train.matrix, unseen_answers(table, found.estimator, found.unseen)
    own = found.estimator.predict(table.train).predicted
    answers = baseline.Answers(unseen.predictions, unseen.times)
    known = baseline.build(table.encoding, learned, own, None, (), unseen=answers)
    counts, missing, strange = baseline.count(known.prediction.bins, fresh)
    counted: Counts = {"counts": counts, "missing": missing, "unseen": strange}
    hour = "2026-11-23T12"
    window = Window(hour, hour, {"sampled": len(fresh), "columns": {}, "prediction": counted})
    return any(one.drifted for one in comparison.compare(known, window) if one.name == baseline.PREDICTION)


@pytest.fixture(autouse=True)
def refits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Refit always: what is promised must hold whether or not the refit helped."""
    monkeypatch.setattr(refitting, "is_better", lambda *_: True)


def test_a_few_refits_keep_what_is_promised() -> None:
    found = [examine(name, seed) for name in ("linear waves", "a tree on waves") for seed in range(4)]
    assert abs(np.mean([one.covered for one in found]) - LEVEL) <= 0.04
    assert sum(one.drifted for one in found) == 0


@pytest.mark.slow
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("name", WORLDS)
def test_fifty_refits_of_each_world_keep_what_is_promised(name: str) -> None:
    found = [examine(name, seed) for seed in range(50)]
    assert abs(np.mean([one.covered for one in found]) - LEVEL) <= 0.02
    assert sum(one.drifted for one in found) <= 1
