"""The manifest's figures against scikit-learn's and scipy's, where tables are small, one-sided or constant too."""

from __future__ import annotations

import warnings
from typing import Any

import numpy as np
import pytest
from scipy import stats
from sklearn import metrics as reference
from sklearn.base import BaseEstimator, RegressorMixin
from sklearn.inspection import permutation_importance

from modelloop.spec.model import Spec
from modelloop.tables import split
from modelloop.tables.encoding import Column, Encoding
from tests.support.prepared_tables import prepared_table, table_facts
from trainer.evaluation import curves, diagnostics
from trainer.evaluation.bootstrap import intervals
from trainer.evaluation.calibration import calibration
from trainer.evaluation.slices import slices
from trainer.rows import Part, Predictions
from trainer.table import PreparedTable

NUMBERS = np.random.default_rng(7)
ENCODING = Encoding([Column("a", "number"), Column("b", "number"), Column("c", "number")])


def classified(rows: int, classes: int, *, only: int | None = None) -> Predictions:
    target = NUMBERS.integers(0, classes, rows) if only is None else np.full(rows, only)
    scores = NUMBERS.random((rows, classes)) + 0.4 * np.eye(classes)[target]
    proba = scores / scores.sum(axis=1, keepdims=True)
    return Predictions(target.astype(float), proba.argmax(axis=1).astype(float), proba)


def values(outcome: Predictions) -> dict[str, Any]:
    return {name: figure["value"] for name, figure in intervals(outcome, 0).items()}


@pytest.mark.parametrize("rows", [1, 2, 5, 20])
@pytest.mark.parametrize("classes", [2, 3])
def test_figures_of_tiny_holdouts(rows: int, classes: int) -> None:
    outcome = classified(rows, classes)
    truth, said, proba = outcome.target, outcome.predicted, outcome.proba
    assert proba is not None
    found, labels = values(outcome), np.arange(classes)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of undefined figures, which are what this is about
        average = {"average": "binary"} if classes == 2 else {"average": "macro", "labels": labels}
        wanted = {
            "log_loss": reference.log_loss(truth, proba, labels=labels),
            "accuracy": reference.accuracy_score(truth, said),
            "f1": reference.f1_score(truth, said, zero_division=0, **average),
            "brier": np.square(proba - np.eye(classes)[truth.astype(int)]).sum(axis=1).mean()
            / (2 if classes == 2 else 1),
        }
    assert {name: found[name] for name in wanted} == pytest.approx(wanted)
    present = [label for label in (labels[1:] if classes == 2 else labels) if 0 < (truth == label).sum() < rows]
    scores = [reference.roc_auc_score(truth == label, proba[:, label]) for label in present]
    assert found["roc_auc"] == (pytest.approx(np.mean(scores)) if present else None)
    for low, high in ((figure["low"], figure["high"]) for figure in intervals(outcome, 0).values()):
        assert low is None or high is None or low <= high


@pytest.mark.parametrize("rows", [1, 2, 30])
def test_figures_of_tiny_regressions(rows: int) -> None:
    truth = NUMBERS.normal(size=rows)
    said = truth + 0.3 * NUMBERS.normal(size=rows)
    found = values(Predictions(truth, said, None))
    assert found["rmse"] == pytest.approx(reference.root_mean_squared_error(truth, said))
    assert found["mae"] == pytest.approx(reference.mean_absolute_error(truth, said))
    assert found["r2"] == (pytest.approx(reference.r2_score(truth, said)) if rows > 1 else None)
    assert curves.curves(Predictions(truth, said, None), None, 0).residuals


@pytest.mark.parametrize("only", [0, 1])
def test_a_slice_of_one_class_has_what_is_defined(only: int) -> None:
    outcome = classified(40, 2, only=only)
    found = intervals(outcome, 0)
    assert found["roc_auc"] == found["pr_auc"] == {"value": None, "low": None, "high": None}
    assert found["f1"]["value"] == pytest.approx(reference.f1_score(outcome.target, outcome.predicted, zero_division=0))
    assert found["accuracy"]["value"] == pytest.approx((outcome.target == outcome.predicted).mean())
    assert curves.curves(outcome, ["no", "yes"], 0).ranking == ()
    document = diagnostics.confusion(outcome, ["no", "yes"])
    assert document is not None
    counts = reference.confusion_matrix(outcome.target, outcome.predicted, labels=[0, 1])
    assert [list(row) for row in document.counts] == counts.tolist()


@pytest.mark.parametrize("classes", [2, 4])
def test_expected_calibration_error_by_its_definition(classes: int) -> None:
    outcome = classified(3000, classes)
    proba = outcome.proba
    assert proba is not None
    proba[:5] = np.eye(classes)[0]  # certain: the last bin is closed
    outcome = Predictions(outcome.target, proba.argmax(axis=1).astype(float), proba)
    sure, right = proba.max(axis=1), outcome.predicted == outcome.target
    wanted = 0.0
    for low in np.arange(10) / 10:
        inside = (sure >= low) & ((sure < low + 0.1) | ((low == 0.9) & (sure == 1.0)))
        if inside.any():
            wanted += inside.mean() * abs(sure[inside].mean() - right[inside].mean())
    document = calibration(outcome)
    assert document is not None
    assert document.predicted.ece == pytest.approx(wanted, abs=2e-3)
    counts = np.histogram(sure, 10, (0, 1))[0]
    assert [part.rows for part in document.predicted.bins] == counts[counts > 0].tolist()


@pytest.mark.parametrize("name", ["accuracy", "log_loss"])
def test_intervals_are_as_wide_as_scipys(name: str) -> None:
    outcome = classified(400, 3)
    assert outcome.proba is not None
    own = outcome.proba[np.arange(400), outcome.target.astype(int)]
    losses = -np.log(own) if name == "log_loss" else (outcome.target == outcome.predicted).astype(float)
    found = intervals(outcome, 0)[name]
    wanted = stats.bootstrap((losses,), np.mean, method="percentile", rng=np.random.default_rng(0)).confidence_interval
    assert found["low"] is not None
    assert found["high"] is not None
    assert found["high"] - found["low"] == pytest.approx(wanted.high - wanted.low, rel=0.12)
    assert found["low"] == pytest.approx(wanted.low, abs=0.15 * (wanted.high - wanted.low))


class Curve(RegressorMixin, BaseEstimator):  # type: ignore[misc]  # scikit-learn has no types
    """A model that looks at two of three columns, for scikit-learn."""

    def fit(self, _matrix: Any, _target: Any) -> Curve:
        return self

    def predict(self, matrix: Any) -> Any:
        return 2.0 * matrix[:, 0] + np.sin(2.0 * matrix[:, 1])


class CurvePredictor:
    """The same model for us."""

    max_rows = 1 << 20

    def predict(self, part: Part) -> Predictions:
        return Predictions(part.target, Curve().predict(part.matrix.astype(np.float64)), None)


def plane(rows: int, **spec: Any) -> PreparedTable:
    matrix = NUMBERS.normal(size=(rows, 3)).astype(np.float32)
    target = Curve().predict(matrix.astype(np.float64)) + 0.5 * NUMBERS.normal(size=rows)
    sides = np.full(rows, split.HOLDOUT, np.uint8)
    return prepared_table(table_facts(ENCODING, Spec(**spec), task="regression"), Part(matrix, target), sides)


def test_permutation_importance_is_scikit_learns() -> None:
    table = plane(2000)
    found = {entry.column: entry for entry in diagnostics.importance(table, CurvePredictor(), "rmse")}
    wanted = permutation_importance(
        Curve(),
        table.rows.matrix,
        table.rows.target,
        scoring="neg_root_mean_squared_error",
        n_repeats=20,
        random_state=0,
    )
    for place, name in enumerate("abc"):
        room = 4 * wanted.importances_std[place] + 1e-12
        assert found[name].mean == pytest.approx(wanted.importances_mean[place], abs=room)
    assert list(found) == ["a", "b", "c"]
    assert found["c"].mean == 0.0


def test_slices_are_their_rows_figures_with_the_gates_first() -> None:
    table = plane(1000, protected=("c",))
    outcome = CurvePredictor().predict(table.rows)
    (found,) = slices(table, outcome, "pinball_0.9")
    edges = [-np.inf, *np.quantile(table.rows.matrix[:, 2], [0.25, 0.5, 0.75]), np.inf]
    assert sum(part.rows for part in found.values) == 1000
    for part, low, high in zip(found.values, edges[:-1], edges[1:], strict=True):
        assert part.rows == pytest.approx(250, abs=25)
        inside = (table.rows.matrix[:, 2] > low) & (table.rows.matrix[:, 2] <= high)
        assert next(iter(part.metrics)) == "pinball_0.9"
        wanted = reference.mean_pinball_loss(outcome.target[inside], outcome.predicted[inside], alpha=0.9)
        assert part.metrics["pinball_0.9"]["value"] == pytest.approx(wanted, rel=0.1)
