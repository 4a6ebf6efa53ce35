"""What a manager reads: plain words, one figure, and what it is compared with."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from modelloop.contracts.evaluation import CurvePoint, LearningCurve
from modelloop.versions.run import Metrics
from tests.support.manifests import manifest_of
from trainer.report.learning import learning_section
from trainer.report.summary import summary


def figures(**values: float) -> dict[str, Any]:
    return {name: {"value": value, "low": None, "high": None} for name, value in values.items()}


def said(own: Any, trivial: Any, champion: Any = None, **changes: Any) -> str:
    return summary(manifest_of(metrics=Metrics(own, trivial, champion), **changes))


def test_a_classifier_is_compared_by_how_often_it_is_right() -> None:
    assert said(figures(accuracy=0.973), figures(accuracy=0.44), figures(accuracy=0.95)) == (
        "It is right for 97.3 of 100 rows that it has not seen; always answering the most frequent class would be for "
        "44; the version before it: 95."
    )


def test_a_classifier_of_a_rare_class_is_compared_by_the_order_of_its_probabilities() -> None:
    words = said(figures(accuracy=0.95, roc_auc=0.81), figures(accuracy=0.95, roc_auc=0.5))
    assert "no more often than always answering the most frequent class" in words
    assert "higher probability in 81 of 100 cases, where chance would in 50." in words


def test_a_regressor_is_compared_by_its_error_in_the_unit_of_the_target() -> None:
    numbers: dict[str, Any] = {"classes": None, "task": "regression", "target": "price"}
    assert said(figures(rmse=9.0, mae=2.5), figures(mae=10.0), **numbers) == (
        "Its answers are 2.5 away from the true price on average; one constant answer would be 10 away, so it errs 75% "
        "less than that."
    )
    assert "the version before it: 2.75." in said(figures(mae=2.5), figures(mae=10.0), figures(mae=2.75), **numbers)


def test_what_is_not_known_and_what_does_not_serve_is_said() -> None:
    assert "is not known: there are no labelled rows" in said({}, {})
    refused = replace(manifest_of().gate, decision="reject")
    words = said(figures(accuracy=0.9), figures(accuracy=0.5), gate=refused)
    assert words.endswith("The gate refused it, so it does not serve.")


def test_more_rows_help_only_where_they_surely_did() -> None:
    points = (CurvePoint(250, 0.5), CurvePoint(500, 0.4), CurvePoint(1_000, 0.36))
    sure = LearningCurve("log_loss", points, -0.06, -0.02)
    page = learning_section(manifest_of(learning_curve=sure))
    assert "Probably: from 500 to 1,000 rows the log loss fell by 10.0%" in page
    assert "<td" in page
    unsure = learning_section(manifest_of(learning_curve=replace(sure, high=0.01)))
    assert "Not surely: from 500 to 1,000 rows the log loss fell by 10.0%, which may be chance." in unsure
    assert learning_section(manifest_of()) == ""
