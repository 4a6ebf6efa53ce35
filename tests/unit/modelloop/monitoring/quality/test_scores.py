from __future__ import annotations

from typing import Any

import numpy as np
import orjson
import pytest
from scipy import stats
from sklearn import metrics

from modelloop.contracts.counts import branch
from modelloop.contracts.index_entry import IndexEntry
from modelloop.contracts.quality_verdict import Figure
from modelloop.ids import uuid7
from modelloop.monitoring.quality import outcomes, scores
from tests.support.manifests import manifest_of

RANDOM = np.random.default_rng(5)
NOW = "2026-11-23T10:00:00.000Z"


def joined(
    predict: list[Any], labels: list[Any], proba: Any = None, classes: list[Any] | None = None
) -> dict[str, Any]:
    identifier = uuid7()
    ppm = None if proba is None else [[round(share * 1e6) for share in row] for row in np.asarray(proba).tolist()]
    entry = IndexEntry(identifier, 0, 1, "champion", "", predict, ppm, None)
    came = [{"id": identifier, "row": row, "label": label, "time": NOW} for row, label in enumerate(labels)]
    manifest = manifest_of(classes=None if classes is None else tuple(classes))
    found = outcomes.join([entry.to_line()], outcomes.read_labels(map(orjson.dumps, came)), lambda _: manifest)
    return branch(branch(found, "versions"), "1")


def interval(figure: Figure) -> tuple[float, float]:
    assert figure.low is not None
    assert figure.high is not None
    return figure.low, figure.high


def classified(classes: int, rows: int = 3_000) -> tuple[Any, Any, Any]:
    truth = RANDOM.integers(0, classes, rows)
    logits = RANDOM.normal(size=(rows, classes)) + 1.2 * np.eye(classes)[truth]
    proba = np.round(np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True), 3)
    proba[:, 0] += 1 - proba.sum(axis=1)
    proba = np.round(proba, 3)
    return truth, proba, proba.argmax(axis=1)


@pytest.mark.parametrize("count", [2, 4])
def test_classification_figures_are_those_of_scikit_learn(count: int) -> None:
    truth, proba, predicted = classified(count)
    names = [f"c{code}" for code in range(count)]
    counts = joined([names[code] for code in predicted], [names[code] for code in truth], proba, names)
    found = scores.figures(counts["figures"], names)

    binary = count == 2
    expected = {
        "accuracy": metrics.accuracy_score(truth, predicted),
        "f1": metrics.f1_score(truth, predicted, average="binary" if binary else "macro"),
        "log_loss": metrics.log_loss(truth, np.clip(proba, 5e-7, 1)),
        "brier": np.square(proba - np.eye(count)[truth]).sum(axis=1).mean() / (2 if binary else 1),
        "roc_auc": metrics.roc_auc_score(truth, proba[:, 1] if binary else proba, multi_class="ovr"),
        "pr_auc": metrics.average_precision_score(truth, proba[:, 1])
        if binary
        else np.mean([metrics.average_precision_score(truth == code, proba[:, code]) for code in range(count)]),
    }
    assert set(found) == set(expected)
    for name, value in expected.items():
        tolerance = 1e-3 if name == "log_loss" else 1e-6
        low, high = interval(found[name])
        assert found[name].value == pytest.approx(value, abs=tolerance), name
        assert low < value < high


def test_regression_figures_are_those_of_scikit_learn() -> None:
    truth = RANDOM.normal(100, 20, 2_000)
    predicted = truth + RANDOM.normal(0, 5, 2_000)
    found = scores.figures(joined(predicted.tolist(), truth.tolist())["figures"], None)

    assert found["rmse"].value == pytest.approx(metrics.root_mean_squared_error(truth, predicted), abs=1e-5)
    assert found["mae"].value == pytest.approx(metrics.mean_absolute_error(truth, predicted), abs=1e-6)
    assert found["r2"].value == pytest.approx(metrics.r2_score(truth, predicted), abs=1e-6)


def test_the_wilson_interval_is_that_of_scipy() -> None:
    for hits, size in ((0, 10), (3, 10), (500, 1_000), (10, 10)):
        expected = stats.binomtest(hits, size).proportion_ci(method="wilson")
        found = scores.wilson(hits, size)
        assert interval(found) == pytest.approx((expected.low, expected.high), abs=1e-9)


def test_intervals_cover_the_truth_about_as_often_as_they_say() -> None:
    names = ["no", "yes"]

    def measured(rows: int) -> dict[str, Figure]:
        truth, proba, predicted = classified(2, rows)
        counts = joined([names[code] for code in predicted], [names[code] for code in truth], proba, names)
        return scores.figures(counts["figures"], names)

    target = measured(8_000)
    parts = [measured(200) for _ in range(100)]
    for name, figure in target.items():
        assert figure.value is not None
        intervals = [interval(part[name]) for part in parts]
        covered = sum(low <= figure.value <= high for low, high in intervals)
        assert 87 <= covered <= 100, name


def test_losses_are_never_below_zero_not_even_by_their_interval() -> None:
    proba = [[0.999, 0.001]] * 50 + [[0.4, 0.6]]
    found = scores.figures(joined(["a"] * 50 + ["b"], ["a"] * 51, proba, ["a", "b"])["figures"], ["a", "b"])
    assert found["log_loss"].low == found["brier"].low == 0.0


def test_labels_of_other_classes_and_numbers_that_are_none_are_counted_apart() -> None:
    counts = joined(["a", "b", "a"], ["a", "other", 5], None, ["a", "b"])
    assert (counts["predicted"], counts["labelled"], counts["unknown_labels"]) == (3, 1, 2)
    assert counts["figures"]["rows"] == 1
    numbers = joined([1.0, 2.0, 3.0], ["1.5", "text", 1e308])
    assert (numbers["unreadable_labels"], numbers["labelled"], numbers["figures"]["rows"]) == (1, 2, 2)
    assert scores.figures(numbers["figures"], None)["rmse"].value is not None


def test_labels_match_classes_by_their_text() -> None:
    counts = joined([1, 0, True], ["1", 1.0, "true"], None, [0, 1, True])
    assert counts["figures"]["correct"] == 2
    assert "unknown_labels" not in counts


def test_without_labels_there_are_no_figures() -> None:
    assert scores.figures({}, ["a"]) == {}
    one = joined(["a"], ["a"], [[1.0, 0.0]], ["a", "b"])["figures"]
    assert set(scores.figures(one, ["a", "b"])) == {"accuracy", "f1", "log_loss", "brier"}
